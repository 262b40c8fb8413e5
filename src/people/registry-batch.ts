import { isDeepStrictEqual } from 'node:util'
import mongoose from 'mongoose'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import type { Account } from './account.ts'
import { accounts, newVersion, people } from './people-store.ts'
import type { PreparedRow, Sealer } from './person-merge.ts'
import type { StoredPerson } from './person-model.ts'
import { BatchPlan, type Draft, type RowConflict, type RowOutcome } from './registry-plan.ts'

export interface BatchResult {
  readonly row: PreparedRow
  readonly outcome: RowOutcome | RowConflict
  /** Names of the facts that a created or changed row changed. */
  readonly draft?: Draft
}

export interface BatchReport {
  readonly results: readonly BatchResult[]
  readonly peopleCreated: number
  readonly accountsCreated: number
}

// mongoose's own driver: an error class of another copy would not be recognised.
const { MongoBulkWriteError } = mongoose.mongo
type BulkWriteError = InstanceType<typeof MongoBulkWriteError>

const maxAttempts = 8

/**
 * Puts a batch of checked rows into the store, or only works out what that would do.
 *
 * There are no transactions: every person is one document, written whole and only if nobody wrote
 * it meanwhile (`version`), and unique indexes decide who of two imports creates it. Rows that lost
 * such a race are planned again on what is there now. People go in before their accounts, so that
 * after a crash the next import finds the person and adds the account.
 */
export async function importBatch(
  rows: readonly PreparedRow[],
  options: { seal: Sealer; now: Date; dryRun: boolean },
): Promise<BatchReport> {
  const results: BatchResult[] = []
  let peopleCreated = 0
  let accountsCreated = 0
  let waiting = rows
  for (let attempt = 1; waiting.length > 0; attempt++) {
    if (attempt > maxAttempts) {
      throw new Error(`other imports keep changing the same people; ${waiting.length} rows left`)
    }
    const known = await loadKnown(waiting)
    const plan = new BatchPlan({ ...known, seal: options.seal, now: options.now })
    const planned = waiting.map((row) => ({ row, outcome: plan.add(row) }))
    const changed = plan.drafts.filter((draft) => draft.after !== draft.before)
    for (const draft of changed) markChangedNumbers(draft, options.now)
    const lost = options.dryRun ? new Set<Draft>() : await writePeople(changed)
    peopleCreated += changed.filter((draft) => !draft.before && !lost.has(draft)).length
    accountsCreated += await writeAccounts(
      plan.drafts.filter((draft) => draft.rows.length > 0 && !lost.has(draft)),
      options.dryRun,
    )
    const draftOf = new Map(plan.drafts.flatMap((draft) => draft.rows.map((row) => [row, draft])))
    const settled = planned.filter(({ row }) => {
      const draft = draftOf.get(row)
      // A row refused beside a write that was lost may have been refused for the wrong reason.
      return draft ? !lost.has(draft) : lost.size === 0
    })
    results.push(...settled.map((result) => ({ ...result, draft: draftOf.get(result.row) })))
    const done = new Set(settled.map(({ row }) => row))
    waiting = waiting.filter((row) => !done.has(row))
  }
  return { results, peopleCreated, accountsCreated }
}

async function loadKnown(rows: readonly PreparedRow[]) {
  const keys = rows.map((row) => row.key)
  const hmacs = rows.flatMap((row) => row.numberHmacs)
  const usernames = rows.flatMap((row) => row.record.username ?? [])
  const found = new Map<string, StoredPerson>()
  // One query an index: an $or over three makes some servers scan.
  const queries = [
    { 'records.key': { $in: keys } },
    ...(hmacs.length > 0 ? [{ 'nationalNumbers.hmac': { $in: hmacs } }] : []),
    ...(usernames.length > 0 ? [{ username: { $in: usernames } }] : []),
  ]
  for (const query of queries) {
    for (const person of await people().find(query).toArray()) found.set(person._id, person)
  }
  const ids = [...found.keys()]
  const loaded =
    ids.length > 0
      ? await accounts()
          .find({ _id: { $in: ids } })
          .toArray()
      : []
  return { people: [...found.values()], accounts: loaded }
}

/** A new person has no AcademicID yet, and gets it with all numbers. */
function markChangedNumbers(draft: Draft, now: Date): void {
  if (!draft.before) return
  const [before, after] = [namedNumbers(draft.before), namedNumbers(draft.after)]
  if (isDeepStrictEqual(before, after)) return
  draft.after = { ...draft.after, numbersChangedAt: now }
}

function namedNumbers({ records }: StoredPerson): Set<string> {
  return new Set(records.flatMap((record) => record.numberHmacs ?? []))
}

/** @returns the drafts that were not written because somebody else was faster */
export async function writePeople(drafts: readonly Draft[]): Promise<Set<Draft>> {
  if (drafts.length === 0) return new Set()
  const written = drafts.map((draft) => ({
    draft,
    person: { ...draft.after, version: newVersion() },
  }))
  const operations = written.map(({ draft, person }) =>
    draft.before ? updateOperation(draft.before, person) : { insertOne: { document: person } },
  )
  const lost = new Set<Draft>()
  let applied: number
  try {
    const result = await people().bulkWrite(operations, { ordered: false })
    applied = result.insertedCount + result.matchedCount
  } catch (error) {
    const indexes = duplicateIndexes(error)
    for (const index of indexes) lost.add((written[index] as (typeof written)[number]).draft)
    const { result } = error as BulkWriteError
    applied = result.insertedCount + result.matchedCount
  }
  if (applied + lost.size < drafts.length) {
    const ids = written.map(({ person }) => person._id)
    const versions = new Map(
      (
        await people()
          .find({ _id: { $in: ids } }, { projection: { version: 1 } })
          .toArray()
      ).map((person) => [person._id, person.version]),
    )
    for (const { draft, person } of written) {
      if (versions.get(person._id) !== person.version) lost.add(draft)
    }
  }
  return lost
}

function updateOperation(
  before: StoredPerson,
  after: StoredPerson,
): mongoose.mongo.AnyBulkWriteOperation<StoredPerson> {
  const changes: Record<string, unknown> = {}
  const removed: Record<string, ''> = {}
  for (const field of Object.keys(before) as (keyof StoredPerson)[]) {
    if (after[field] === undefined) removed[field] = ''
  }
  for (const [field, value] of Object.entries(after)) {
    if (!isDeepStrictEqual(value, before[field as keyof StoredPerson])) changes[field] = value
  }
  return {
    updateOne: {
      filter: { _id: before._id, version: before.version },
      update: {
        $set: changes,
        ...(Object.keys(removed).length > 0 ? { $unset: removed } : {}),
      },
    },
  }
}

/** @throws whatever is not a duplicate key */
function duplicateIndexes(error: unknown): number[] {
  if (!(error instanceof MongoBulkWriteError)) throw error
  const writeErrors = [error.writeErrors].flat()
  if (!writeErrors.every(isDuplicateKey)) throw error
  return writeErrors.map((writeError) => writeError.index)
}

/**
 * A pending account for everybody who has a username; a pending account follows the source's
 * correction of it.
 *
 * @returns how many accounts were made
 */
async function writeAccounts(drafts: readonly Draft[], dryRun: boolean): Promise<number> {
  const named = drafts.filter((draft) => draft.after.username !== undefined)
  const missing = named.filter((draft) => !draft.account)
  const renamed = named.filter(
    ({ account, after }) => account?.state === 'pending' && account.username !== after.username,
  )
  if (dryRun) return missing.length
  if (renamed.length > 0) {
    await accounts().bulkWrite(
      renamed.map(({ after }) => ({
        updateOne: {
          // Activated meanwhile: the username stays; the next import refuses the row.
          filter: { _id: after._id, state: 'pending' },
          update: { $set: { username: after.username as string } },
        },
      })),
      { ordered: false },
    )
  }
  if (missing.length === 0) return 0
  const operations = missing.map(({ after }) => ({
    insertOne: {
      document: {
        _id: after._id,
        username: after.username as string,
        state: 'pending',
      } satisfies Account,
    },
  }))
  try {
    return (await accounts().bulkWrite(operations, { ordered: false })).insertedCount
  } catch (error) {
    // The other import was faster with the same account.
    duplicateIndexes(error)
    return (error as BulkWriteError).insertedCount
  }
}
