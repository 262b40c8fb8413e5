import { registeredKeys } from './registered-key-model.ts'

export interface MergePlan {
  /** Keys under the id that stays, and under the one that goes. */
  readonly kept: number
  readonly dropped: number
}

/** What a merge would do. An id without keys is not in the registry. */
export async function planMerge(keep: string, drop: string): Promise<MergePlan> {
  const [kept, dropped] = await Promise.all(
    [keep, drop].map((academicId) => registeredKeys().countDocuments({ academicId })),
  )
  return { kept: kept ?? 0, dropped: dropped ?? 0 }
}

/**
 * Two ids turned out to be one person's: a human said which one stays. All keys of the other lead to
 * it from now on; cut short, the same call finishes it.
 *
 * @returns how many keys were moved
 */
export async function mergeIds(keep: string, drop: string): Promise<number> {
  const kept = await registeredKeys().findOne({ academicId: keep })
  if (!kept) throw new Error('the id to keep is not in the registry')
  let moved = 0
  // Once more while an alias of the other id comes in at the same time.
  for (let isMore = true; isMore; ) {
    const { modifiedCount } = await registeredKeys().updateMany(
      { academicId: drop },
      { $set: { academicId: keep, createdAt: kept.createdAt } },
    )
    moved += modifiedCount
    isMore = modifiedCount > 0
  }
  return moved
}
