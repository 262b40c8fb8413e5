import { isDuplicateKey } from '../store/duplicate-key.ts'
import { isAcademicId } from './academic-id-registry.ts'
import { isPersonKey } from './person-key.ts'
import { type RegisteredKey, registeredKeys } from './registered-key-model.ts'

/** MALFORMED: no `{"key","academicId"}`. CONFLICT: the key has another id, which stays. */
export interface ImportProblem {
  readonly line: number
  readonly reason: 'MALFORMED' | 'CONFLICT'
}

export interface RegistryImportReport {
  readonly lines: number
  readonly imported: number
  readonly unchanged: number
  readonly conflicts: number
  readonly malformed: number
}

const batchSize = 500

/**
 * Takes over the ids that an institution gave in a registry of its own. Changes no id that is there;
 * run again, it changes nothing.
 */
export async function importRegistered(
  lines: AsyncIterable<string>,
  options: { now: Date; onProblem: (problem: ImportProblem) => void },
): Promise<RegistryImportReport> {
  const counts = { lines: 0, imported: 0, unchanged: 0, conflicts: 0, malformed: 0 }
  let batch: { line: number; entry: RegisteredKey }[] = []

  async function flush(): Promise<void> {
    for (const { line, outcome } of await insertBatch(batch)) {
      counts[outcome]++
      if (outcome === 'conflicts') options.onProblem({ line, reason: 'CONFLICT' })
    }
    batch = []
  }

  let line = 0
  for await (const text of lines) {
    line += 1
    if (text.trim() === '') continue
    counts.lines++
    const entry = readLine(text, options.now)
    if (entry) batch.push({ line, entry })
    else {
      counts.malformed++
      options.onProblem({ line, reason: 'MALFORMED' })
    }
    if (batch.length >= batchSize) await flush()
  }
  await flush()
  return counts
}

async function insertBatch(batch: readonly { line: number; entry: RegisteredKey }[]) {
  if (batch.length === 0) return []
  try {
    await registeredKeys().insertMany(
      batch.map(({ entry }) => entry),
      { ordered: false },
    )
    return batch.map(({ line }) => ({ line, outcome: 'imported' as const }))
  } catch (error) {
    const writeErrors = [(error as { writeErrors?: { index: number }[] }).writeErrors ?? []].flat()
    if (writeErrors.length === 0 || !writeErrors.every(isDuplicateKey)) throw error
    const refused = new Set(writeErrors.map(({ index }) => index))
    const keys = batch.map(({ entry }) => entry._id)
    const known = new Map(
      (
        await registeredKeys()
          .find({ _id: { $in: keys } })
          .toArray()
      ).map((entry) => [entry._id, entry.academicId]),
    )
    return batch.map(({ line, entry }, index) => {
      if (!refused.has(index)) return { line, outcome: 'imported' as const }
      const isSame = known.get(entry._id) === entry.academicId
      return { line, outcome: isSame ? ('unchanged' as const) : ('conflicts' as const) }
    })
  }
}

function readLine(text: string, now: Date): RegisteredKey | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { key, academicId } = parsed as Record<string, unknown>
  return isPersonKey(key) && isAcademicId(academicId)
    ? { _id: key, academicId, createdAt: now }
    : undefined
}
