import { people } from './people-store.ts'
import { sourceKey, withRoleEnded } from './person-merge.ts'
import type { StoredPerson } from './person-model.ts'
import { writePeople } from './registry-batch.ts'

/** What a source's full list did to the roles it lacks. */
export interface FullReport {
  readonly source: string
  /** Roles of the source that had not ended before this import. */
  readonly known: number
  /** Those of them that the file lacks. */
  readonly missing: number
  readonly ended: number
  readonly refused?: 'MORE_THAN_TEN_PERCENT' | 'UNREADABLE_ROWS'
}

export interface FullOptions {
  readonly source: string
  /** Whether the file has a row with this key, a rejected one included. */
  readonly isPresent: (key: string) => boolean
  /** Roles of the source that this import created: they do not count as known. */
  readonly created: number
  /** Rows of which not even the key could be read: any role might be theirs. */
  readonly unreadable: number
  readonly force: boolean
  readonly dryRun: boolean
  readonly now: Date
}

const batchSize = 500

/**
 * Ends the roles of a source that its full list lacks. Refuses when that is more than a tenth of
 * them (a list cut short must not end a university), unless forced; and always when the file has
 * rows whose key could not be read.
 */
export async function endMissingRoles(options: FullOptions): Promise<FullReport> {
  const { source, force, dryRun } = options
  let running = 0
  let missing = 0
  for await (const person of peopleOf(source)) {
    running += runningKeys(person, source).length
    missing += missingKeys(person, options).length
  }
  const known = Math.max(running - options.created, missing)
  const report = { source, known, missing, ended: 0 }
  if (missing === 0) return report
  if (options.unreadable > 0) return { ...report, refused: 'UNREADABLE_ROWS' }
  if (missing * 10 > known && !force) return { ...report, refused: 'MORE_THAN_TEN_PERCENT' }
  if (dryRun) return { ...report, ended: missing }

  let ended = 0
  // A person whom another import changed in between is read again.
  for (let lost = true; lost; ) {
    lost = false
    let batch: StoredPerson[] = []
    const flush = async () => {
      const drafts = batch.map((before) => ({
        before,
        after: missingKeys(before, options).reduce(
          (person, key) => withRoleEnded(person, key, options.now),
          before,
        ),
        rows: [],
      }))
      batch = []
      const notWritten = await writePeople(drafts)
      if (notWritten.size > 0) lost = true
      for (const draft of drafts) {
        if (!notWritten.has(draft)) ended += missingKeys(draft.before, options).length
      }
    }
    for await (const person of peopleOf(source)) {
      if (missingKeys(person, options).length > 0) batch.push(person)
      if (batch.length >= batchSize) await flush()
    }
    await flush()
  }
  return { ...report, ended }
}

function peopleOf(source: string): AsyncIterable<StoredPerson> {
  return people().find({ 'roles.source': source }).batchSize(batchSize)
}

function runningKeys(person: StoredPerson, source: string): string[] {
  return person.roles
    .filter((role) => role.source === source && role.status !== 'ended')
    .map((role) => sourceKey(role.source, role.sourceId))
}

function missingKeys(person: StoredPerson, options: FullOptions): string[] {
  return runningKeys(person, options.source).filter((key) => !options.isPresent(key))
}
