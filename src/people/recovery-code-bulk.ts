import type { AppContext } from '../context.ts'
import type { Account } from './account.ts'
import { AccountModel } from './account-model.ts'
import { accounts, people } from './people-store.ts'
import { athensDate, type Person, type PersonRole } from './person.ts'
import { type IssuedCode, isGood, makeRecoveryCode } from './recovery-code.ts'
import { canActivate, type RoleChoice, roleChoiceOf } from './role-choice.ts'

/** People that are read and written at a time: what is in memory, however many there are. */
const batchSize = 500

export interface BulkFilter {
  readonly role?: RoleChoice
  readonly departmentCode?: string
}

export interface BulkOptions extends BulkFilter {
  readonly days: number
  /** Leaves alone who holds a passphrase that is still good. */
  readonly onlyWithout?: boolean
  /** Called once a batch is in the store; the next one waits for it. */
  readonly onIssued: (people: readonly IssuedPerson[]) => Promise<void>
  /** Called with how many accounts of the countPending() have been looked at. */
  readonly onProgress?: (seen: number) => void
}

/** One line of paper. */
export interface IssuedPerson extends IssuedCode {
  readonly accountId: string
  readonly username: string
  readonly person: Pick<Person, 'firstName' | 'lastName'>
  /** The role that was asked for, or the first that can be activated. */
  readonly role: PersonRole
}

/** How many got a passphrase, and how many of those asked for did not, by reason. */
export interface BulkReport {
  issued: number
  /** In the registry without a username, so without an account. */
  noUsername: number
  /** Every role has ended or is suspended. */
  noRole: number
  accountExpired: number
  /** Only with `onlyWithout`. */
  hasCode: number
  /** Activated or changed by somebody else meanwhile. */
  changedMeanwhile: number
}

export function countPending(): Promise<number> {
  return accounts().countDocuments({ state: 'pending' })
}

/**
 * Gives every pending account that the filter names a one-time passphrase, in the order of the
 * usernames. Earlier ones of theirs are void, unless `onlyWithout`.
 */
export async function issueRecoveryCodes(
  context: Pick<AppContext, 'secrets' | 'now'>,
  options: BulkOptions,
): Promise<BulkReport> {
  const report: BulkReport = {
    issued: 0,
    noUsername: await countWithoutAccount(options, athensDate(context.now())),
    noRole: 0,
    accountExpired: 0,
    hasCode: 0,
    changedMeanwhile: 0,
  }
  let seen = 0
  let lastUsername = ''
  for (;;) {
    // By ranges, not by one cursor: printing may take longer than a cursor lives.
    const batch = await accounts()
      .find({ state: 'pending', username: { $gt: lastUsername } })
      .sort({ username: 1 })
      .limit(batchSize)
      .toArray()
    const last = batch.at(-1)
    if (!last) return report
    lastUsername = last.username
    const drafts = await draft(context, batch, options, report)
    const issued = await writeCodes(drafts)
    report.issued += issued.length
    report.changedMeanwhile += drafts.length - issued.length
    await options.onIssued(issued)
    seen += batch.length
    options.onProgress?.(seen)
  }
}

async function draft(
  context: Pick<AppContext, 'secrets' | 'now'>,
  batch: readonly Account[],
  options: BulkOptions,
  report: BulkReport,
): Promise<IssuedPerson[]> {
  const now = context.now()
  const today = athensDate(now)
  const found = await people()
    .find(
      { _id: { $in: batch.map(({ _id }) => _id) } },
      { projection: { firstName: 1, lastName: 1, roles: 1 } },
    )
    .toArray()
  const personOf = new Map(found.map((person) => [person._id, person]))
  const drafts: IssuedPerson[] = []
  for (const { _id: accountId, username, expiresAt, recoveryCode } of batch) {
    const person = personOf.get(accountId)
    const roles = person?.roles.filter((role) => isAskedFor(role, options)) ?? []
    if (!person || roles.length === 0) continue
    const role = roles.find((entry) => canActivate(entry, today))
    if (!role) report.noRole++
    else if (expiresAt !== undefined && expiresAt <= now) report.accountExpired++
    else if (options.onlyWithout && isGood(recoveryCode, now)) report.hasCode++
    else {
      const code = makeRecoveryCode(context, accountId, options.days)
      drafts.push({ accountId, username, person, role, ...code })
    }
  }
  return drafts
}

/** @returns those whose code is in the store: a line on paper must never be worth nothing */
async function writeCodes(drafts: readonly IssuedPerson[]): Promise<readonly IssuedPerson[]> {
  if (drafts.length === 0) return drafts
  const result = await accounts().bulkWrite(
    drafts.map(({ accountId, username, code }) => ({
      updateOne: {
        filter: { _id: accountId, username, state: 'pending' },
        update: { $set: { recoveryCode: code } },
      },
    })),
    { ordered: false },
  )
  if (result.matchedCount === drafts.length) return drafts
  const stored = await accounts()
    .find(
      { _id: { $in: drafts.map(({ accountId }) => accountId) }, state: 'pending' },
      { projection: { username: 1, recoveryCode: 1 } },
    )
    .toArray()
  const codeOf = new Map(stored.map((account) => [account._id, account.recoveryCode?.hmac]))
  return drafts.filter(({ accountId, code }) => codeOf.get(accountId) === code.hmac)
}

function isAskedFor(role: PersonRole, { role: choice, departmentCode }: BulkFilter): boolean {
  return (
    (choice === undefined || roleChoiceOf(role.role) === choice) &&
    (departmentCode === undefined || role.departmentCode === departmentCode)
  )
}

/** People with a role to activate whom no source has given a username. */
async function countWithoutAccount(filter: BulkFilter, today: string): Promise<number> {
  const withoutAccount = people().aggregate<Pick<Person, 'roles'>>([
    { $match: { username: { $exists: false } } },
    {
      $lookup: {
        from: AccountModel.collection.collectionName,
        localField: '_id',
        foreignField: '_id',
        as: 'accounts',
      },
    },
    { $match: { accounts: { $size: 0 } } },
    { $project: { roles: 1 } },
  ])
  let count = 0
  for await (const { roles } of withoutAccount) {
    if (roles.some((role) => isAskedFor(role, filter) && canActivate(role, today))) count++
  }
  return count
}
