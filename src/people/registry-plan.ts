import { isDeepStrictEqual } from 'node:util'
import type { Account } from './account.ts'
import { type PreparedRow, type Sealer, withRecord } from './person-merge.ts'
import type { SourceRecord, StoredPerson } from './person-model.ts'
import type { RegistryColumn } from './registry-record.ts'

/** Reasons that only the store, or another row, gives. */
export type ConflictReason =
  | 'NUMBERS_OF_DIFFERENT_PEOPLE'
  | 'NUMBER_OF_ANOTHER_PERSON'
  | 'NUMBER_GIVEN_BY_ANOTHER_PERSON'
  | 'SOURCE_ID_OF_ANOTHER_PERSON'
  | 'USERNAME_OF_ANOTHER_PERSON'
  | 'USERNAME_DIFFERS_FROM_OTHER_RECORD'
  | 'USERNAME_OF_ACTIVATED_ACCOUNT'

export interface RowConflict {
  readonly column: RegistryColumn
  readonly reason: ConflictReason
}

export type RowOutcome = 'created' | 'changed' | 'unchanged'

/** A person in the making: as the store has them, and with the rows put in so far. */
export interface Draft {
  readonly before?: StoredPerson
  after: StoredPerson
  readonly account?: Account
  readonly rows: PreparedRow[]
}

export interface PlanInput {
  /** Everybody the rows may touch: by key, by number, by username. */
  readonly people: readonly StoredPerson[]
  /** Their accounts. */
  readonly accounts: readonly Account[]
  readonly seal: Sealer
  readonly now: Date
}

/**
 * What a batch of rows does to the people it touches, worked out in memory: the store sees one
 * write a person. Rows come in file order, so later ones see what earlier ones did.
 */
export class BatchPlan {
  readonly drafts: Draft[] = []
  readonly #seal: Sealer
  readonly #now: Date
  readonly #byKey = new Map<string, Draft>()
  readonly #byNumber = new Map<string, Draft>()
  readonly #byUsername = new Map<string, Draft>()

  constructor({ people, accounts, seal, now }: PlanInput) {
    this.#seal = seal
    this.#now = now
    const accountOf = new Map(accounts.map((account) => [account._id, account]))
    for (const person of people) {
      const draft: Draft = {
        before: person,
        after: person,
        account: accountOf.get(person._id),
        rows: [],
      }
      this.drafts.push(draft)
      this.#index(draft)
    }
  }

  /** Puts one row in, or says why it must stay out; then nothing has changed. */
  add(row: PreparedRow): RowOutcome | RowConflict {
    const byKey = this.#byKey.get(row.key)
    const byNumber = new Set(row.numberHmacs.flatMap((hmac) => this.#byNumber.get(hmac) ?? []))
    if (byNumber.size > 1) {
      return { column: numberColumn(row), reason: 'NUMBERS_OF_DIFFERENT_PEOPLE' }
    }
    const [numbered] = byNumber
    // Two people turn out to be one: which username and history stays is a human's choice.
    if (byKey && numbered && byKey !== numbered) {
      return { column: numberColumn(row), reason: 'NUMBER_OF_ANOTHER_PERSON' }
    }
    if (
      !byKey &&
      numbered &&
      isOnlyClaimed(row, numbered.after) &&
      isAnother(row, numbered.after)
    ) {
      return { column: numberColumn(row), reason: 'NUMBER_GIVEN_BY_ANOTHER_PERSON' }
    }
    const draft = byKey ?? numbered
    const conflict =
      this.#usernameConflict(row, draft) ?? (byKey ? sourceIdConflict(row, byKey) : undefined)
    if (conflict) return conflict
    const after = withRecord(draft?.after, row, this.#seal, this.#now)
    const changed: Draft = draft ?? { after, rows: [] }
    if (!draft) this.drafts.push(changed)
    changed.rows.push(row)
    if (isDeepStrictEqual(changed.after, after) && draft) return 'unchanged'
    this.#unindex(changed)
    changed.after = after
    this.#index(changed)
    return byKey ? 'changed' : 'created'
  }

  /**
   * One username a person, and one person a username. The source may correct it until the person
   * has activated; afterwards mailboxes and services hang on it.
   */
  #usernameConflict(row: PreparedRow, draft: Draft | undefined): RowConflict | undefined {
    const { username } = row.record
    if (username === undefined) return undefined
    const owner = this.#byUsername.get(username)
    if (owner && owner !== draft)
      return { column: 'username', reason: 'USERNAME_OF_ANOTHER_PERSON' }
    if (!draft) return undefined
    const differs = draft.after.records.some(
      (record) =>
        record.key !== row.key && record.username !== undefined && record.username !== username,
    )
    if (differs) return { column: 'username', reason: 'USERNAME_DIFFERS_FROM_OTHER_RECORD' }
    const { account } = draft
    if (account && account.state !== 'pending' && account.username !== username) {
      return { column: 'username', reason: 'USERNAME_OF_ACTIVATED_ACCOUNT' }
    }
    return undefined
  }

  #index(draft: Draft): void {
    for (const record of draft.after.records) this.#byKey.set(record.key, draft)
    for (const entry of draft.after.nationalNumbers ?? []) this.#byNumber.set(entry.hmac, draft)
    if (draft.after.username !== undefined) this.#byUsername.set(draft.after.username, draft)
    if (draft.account) this.#byUsername.set(draft.account.username, draft)
  }

  #unindex(draft: Draft): void {
    for (const entry of draft.after.nationalNumbers ?? []) this.#byNumber.delete(entry.hmac)
    if (draft.after.username !== undefined) this.#byUsername.delete(draft.after.username)
  }
}

/**
 * A source that gives a used sourceId to somebody else would hand over that person's account. New
 * number and new name together, or all of name and birth date where no number tells, is taken as
 * somebody else; a corrected number or a new surname alone goes in.
 */
function sourceIdConflict(row: PreparedRow, draft: Draft): RowConflict | undefined {
  const old = draft.after.records.find((record) => record.key === row.key) as SourceRecord
  const { record } = row
  const lastNameDiffers = differs(old.lastName.el, record.lastName.el)
  const firstNameDiffers = differs(old.firstName.el, record.firstName.el)
  const birthDateDiffers = differs(old.birthDate, record.birthDate)
  const bothNumbered = old.numberHmacs.length > 0 && row.numberHmacs.length > 0
  const sameNumber = row.numberHmacs.some((hmac) => old.numberHmacs.includes(hmac))
  const another = bothNumbered
    ? !sameNumber && (lastNameDiffers || firstNameDiffers)
    : lastNameDiffers && firstNameDiffers && birthDateDiffers
  return another ? { column: 'sourceId', reason: 'SOURCE_ID_OF_ANOTHER_PERSON' } : undefined
}

/** No source says that the person has these numbers: they gave them at activation. */
function isOnlyClaimed({ numberHmacs }: PreparedRow, person: StoredPerson): boolean {
  const named = new Set(person.records.flatMap((record) => record.numberHmacs ?? []))
  return !numberHmacs.some((hmac) => named.has(hmac))
}

/**
 * Whoever claimed somebody's number would get their roles and name with the first record that names
 * it. A new surname alone goes in: it may be a marriage.
 */
function isAnother({ record }: PreparedRow, person: StoredPerson): boolean {
  return (
    differs(person.birthDate, record.birthDate) ||
    (differs(person.lastName.el, record.lastName.el) &&
      differs(person.firstName.el, record.firstName.el))
  )
}

function differs(old: string | undefined, value: string | undefined): boolean {
  if (old === undefined || value === undefined) return false
  return old.toLocaleLowerCase('el') !== value.toLocaleLowerCase('el')
}

function numberColumn(row: PreparedRow): RegistryColumn {
  return row.record.nationalNumbers.some((entry) => entry.country === 'GR') ? 'amka' : 'ssn'
}
