import type { AcademicIdConflict, Account } from '../people/account.ts'
import { accounts, people } from '../people/people-store.ts'
import type { StoredPerson } from '../people/person-model.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'

/** How long one process has to settle an account before another may take it up. Milliseconds. */
export const holdMs = 60_000

/** An account whose AcademicID is being settled, by whoever's `academicIdDue` it bears. */
export type ClaimedAccount = Pick<
  Account,
  '_id' | 'username' | 'activation' | 'academicIdDue' | 'academicIdWait' | 'academicIdConflict'
>

/**
 * Takes the account that is due for longest. The hold is a due date in the future: if this process
 * dies, the account is due again when it is over.
 */
export function claimDue(now: Date): Promise<ClaimedAccount | null> {
  return accounts().findOneAndUpdate(
    { academicIdDue: { $lte: now } },
    { $set: { academicIdDue: new Date(now.getTime() + holdMs) } },
    { sort: { academicIdDue: 1 }, returnDocument: 'after' },
  )
}

/** The person with what their numbers' sources name. */
export function loadForAllocation(personId: string): Promise<StoredPerson | null> {
  return people().findOne({ _id: personId })
}

/**
 * Gives the person the id unless they have one.
 *
 * @returns kept: they have another; taken: somebody else of ours has it; gone: there is no such person
 */
export async function storeAcademicId(
  personId: string,
  academicId: string,
): Promise<'stored' | 'kept' | 'taken' | 'gone'> {
  try {
    const { matchedCount } = await people().updateOne(
      { _id: personId, academicId: { $exists: false } },
      { $set: { academicId } },
    )
    if (matchedCount === 1) return 'stored'
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return 'taken'
  }
  const person = await people().findOne({ _id: personId }, { projection: { academicId: 1 } })
  if (!person) return 'gone'
  return person.academicId === academicId ? 'stored' : 'kept'
}

export async function storeKeys(personId: string, keys: readonly string[]): Promise<void> {
  await people().updateOne({ _id: personId }, { $set: { academicIdKeys: [...keys] } })
}

/** What became of one account. */
export interface Settlement {
  /** Since when the person has an id; absent: has none. */
  readonly at?: Date
  readonly conflict?: AcademicIdConflict
}

/**
 * Ends the wait of an account. It stays due when it was made due again meanwhile: an import may
 * have brought a number that was not seen.
 */
export async function settle(account: ClaimedAccount, settlement: Settlement): Promise<void> {
  const { at, conflict } = settlement
  if (at) {
    await accounts().updateOne(
      { _id: account._id, academicIdAt: { $exists: false } },
      { $set: { academicIdAt: at } },
    )
  }
  await accounts().updateOne(
    { _id: account._id, academicIdDue: account.academicIdDue ?? { $exists: false } },
    {
      ...(conflict ? { $set: { academicIdConflict: conflict } } : {}),
      $unset: {
        academicIdDue: '',
        academicIdWait: '',
        ...(conflict ? {} : { academicIdConflict: '' }),
      },
    },
  )
}

/** Before the second try, the third, … */
const delaysMs = [5, 15, 60, 180, 600].map((seconds) => seconds * 1000)

/** @param tries made so far, at least one */
export function delayAfter(tries: number): number {
  return delaysMs[Math.min(tries, delaysMs.length) - 1] as number
}

/** Records a try that came to nothing, and when the next one is. */
export async function postpone(account: ClaimedAccount, error: string, now: Date): Promise<void> {
  const tries = (account.academicIdWait?.tries ?? 0) + 1
  const wait = { since: account.academicIdWait?.since ?? now, tries, error }
  await accounts().updateOne(
    { _id: account._id, academicIdDue: account.academicIdDue ?? { $exists: false } },
    {
      $set: {
        academicIdWait: wait,
        academicIdDue: new Date(now.getTime() + delayAfter(tries)),
      },
    },
  )
}

/** An active account without an AcademicID, and nobody at it: from before there was a registry. */
export async function makeDue(personId: string, now: Date): Promise<void> {
  await accounts().updateOne(
    { _id: personId, activatedAt: { $exists: true }, academicIdDue: { $exists: false } },
    { $set: { academicIdDue: now } },
  )
}

const batchSize = 500

/**
 * Makes due whose numbers an import changed: the import itself must not wait for the registry.
 *
 * @returns how many were looked at; fewer than a batch when none are left
 */
export async function passOnChangedNumbers(now: Date): Promise<{ isLast: boolean }> {
  const changed = await people()
    .find({ numbersChangedAt: { $lte: now } }, { projection: { numbersChangedAt: 1 } })
    .limit(batchSize)
    .toArray()
  if (changed.length === 0) return { isLast: true }
  // Due first: after a crash in between they are passed on once more.
  await accounts().updateMany(
    { _id: { $in: changed.map(({ _id }) => _id) }, activatedAt: { $exists: true } },
    { $set: { academicIdDue: now } },
  )
  await people().bulkWrite(
    changed.map(({ _id, numbersChangedAt }) => ({
      updateOne: {
        filter: { _id, numbersChangedAt },
        update: { $unset: { numbersChangedAt: '' } },
      },
    })),
    { ordered: false },
  )
  return { isLast: changed.length < batchSize }
}
