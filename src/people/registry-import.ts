import type { Institution } from '../institution.ts'
import type { Secrets } from '../keys/secrets.ts'
import { KeyLines } from './key-lines.ts'
import { nationalNumberHmac, sealNationalNumber } from './national-number.ts'
import { preparePeopleStore } from './people-store.ts'
import { athensDate } from './person.ts'
import { type PreparedRow, sourceKey } from './person-merge.ts'
import { PlannedPeople } from './planned-people.ts'
import { type BatchReport, importBatch } from './registry-batch.ts'
import { changedFacts } from './registry-changes.ts'
import { endMissingRoles, type FullReport } from './registry-full.ts'
import type { ConflictReason } from './registry-plan.ts'
import type { ReadRow, UnreadableReason } from './registry-reader.ts'
import type { NationalNumber, RegistryRecord, RegistryRow, RowProblem } from './registry-record.ts'
import { checkRegistryRow, shownValue } from './registry-row.ts'

/** Why a row stayed out. National numbers in `value` are masked. */
export interface RejectionProblem {
  /** `row` when the row as a whole could not be read. */
  readonly column: RowProblem['column'] | 'row'
  readonly value: string
  readonly reason: RowProblem['reason'] | ConflictReason | UnreadableReason | 'REPEATED_IN_FILE'
  /** With REPEATED_IN_FILE: the line that went in. */
  readonly firstLine?: number
}

export interface RejectedRow {
  readonly line: number
  readonly source?: string
  readonly sourceId?: string
  readonly problems: readonly RejectionProblem[]
}

/** A row that changes something, with the names of the facts, never their values. */
export interface ChangedRow {
  readonly line: number
  readonly source: string
  readonly sourceId: string
  readonly outcome: 'created' | 'changed'
  readonly facts: readonly string[]
}

export interface ImportReport {
  readonly rows: number
  readonly created: number
  readonly changed: number
  readonly unchanged: number
  readonly rejected: number
  readonly peopleCreated: number
  readonly accountsCreated: number
  readonly full?: FullReport
}

export interface ImportOptions {
  readonly secrets: Pick<Secrets, 'get'>
  /** The institution's domain. */
  readonly scope: string
  /** The institution's table: a row that contradicts it stays out. */
  readonly departments?: Institution['departments']
  readonly now?: () => Date
  readonly dryRun?: boolean
  /** The file lists every role of this source: those it lacks have ended. */
  readonly full?: string
  /** End them even when they are more than a tenth. */
  readonly force?: boolean
  readonly onRejected?: (row: RejectedRow) => void
  readonly onChanged?: (row: ChangedRow) => void
  /** After every batch. */
  readonly onProgress?: (rows: number) => void
}

const batchSize = 500

/**
 * Brings the rows of a source system into the store: an idempotent upsert on (source, sourceId).
 * Memory holds one batch, whatever the file's length. Stopped half way, the same call finishes it.
 */
export async function importRegistry(
  rows: AsyncIterable<ReadRow> | Iterable<ReadRow>,
  options: ImportOptions,
): Promise<ImportReport> {
  await preparePeopleStore()
  const run = new ImportRun(options)
  let batch: ReadRow[] = []
  for await (const row of rows) {
    batch.push(row)
    if (batch.length < batchSize) continue
    await run.add(batch)
    batch = []
  }
  await run.add(batch)
  return run.finish()
}

class ImportRun {
  readonly #options: ImportOptions
  readonly #now: Date
  readonly #today: string
  readonly #lines = new KeyLines()
  readonly #planned = new PlannedPeople()
  readonly #counts = {
    rows: 0,
    created: 0,
    changed: 0,
    unchanged: 0,
    rejected: 0,
    peopleCreated: 0,
    accountsCreated: 0,
  }
  #unreadable = 0
  #createdInFull = 0

  constructor(options: ImportOptions) {
    this.#options = options
    this.#now = (options.now ?? (() => new Date()))()
    this.#today = athensDate(this.#now)
  }

  async add(batch: readonly ReadRow[]): Promise<void> {
    if (batch.length === 0) return
    const rejected: RejectedRow[] = []
    const prepared = batch.flatMap((row) => this.#prepare(row, rejected) ?? [])
    const { secrets } = this.#options
    const written = await importBatch(prepared, {
      seal: (entry) => sealNationalNumber(secrets, entry.country, entry.number),
      now: this.#now,
      dryRun: this.#options.dryRun ?? false,
    })
    const report = this.#options.dryRun ? this.#withEarlierBatches(written) : written
    for (const { row, outcome, draft } of report.results) {
      const { source, sourceId, status } = row.record.role
      if (typeof outcome !== 'string') {
        const value = shownValue(outcome.column, conflictValue(row.record, outcome.column))
        rejected.push({ line: row.line, source, sourceId, problems: [{ ...outcome, value }] })
        continue
      }
      this.#counts[outcome]++
      if (outcome === 'unchanged') continue
      if (outcome === 'created' && source === this.#options.full && status !== 'ended') {
        this.#createdInFull++
      }
      this.#options.onChanged?.({
        line: row.line,
        source,
        sourceId,
        outcome,
        facts: draft ? changedFacts(draft, row.key) : [],
      })
    }
    this.#counts.rows += batch.length
    this.#counts.rejected += rejected.length
    this.#counts.peopleCreated += report.peopleCreated
    this.#counts.accountsCreated += report.accountsCreated
    rejected.sort((a, b) => a.line - b.line)
    for (const row of rejected) this.#options.onRejected?.(row)
    this.#options.onProgress?.(this.#counts.rows)
  }

  async finish(): Promise<ImportReport> {
    const { full: source, force = false, dryRun = false } = this.#options
    if (source === undefined) return this.#counts
    const full = await endMissingRoles({
      source,
      isPresent: (key) => this.#lines.has(key),
      created: dryRun ? 0 : this.#createdInFull,
      unreadable: this.#unreadable,
      force,
      dryRun,
      now: this.#now,
    })
    return { ...this.#counts, full }
  }

  /** What a dry run's batch would do after those before it, which were not written. */
  #withEarlierBatches(report: BatchReport): BatchReport {
    let { peopleCreated, accountsCreated } = report
    const drafts = new Set(report.results.flatMap(({ draft }) => draft ?? []))
    const refused = new Set<unknown>()
    for (const draft of drafts) {
      const planned = this.#planned.add(draft)
      if (planned === 'username-taken') refused.add(draft)
      if (planned === 'new' || draft.before) continue
      peopleCreated--
      if (draft.after.username !== undefined) accountsCreated--
    }
    const conflict = { column: 'username', reason: 'USERNAME_OF_ANOTHER_PERSON' } as const
    const results = report.results.map((result) =>
      result.draft && refused.has(result.draft) ? { ...result, outcome: conflict } : result,
    )
    return { results, peopleCreated, accountsCreated }
  }

  #prepare({ line, row, unreadable }: ReadRow, rejected: RejectedRow[]): PreparedRow | undefined {
    if (!row) {
      this.#unreadable++
      rejected.push({ line, problems: [{ column: 'row', value: '', reason: unreadable }] })
      return undefined
    }
    const key = rowKey(row)
    const { source, sourceId } = row
    const reject = (problems: readonly RejectionProblem[]) => {
      rejected.push({ line, source, sourceId, problems })
      return undefined
    }
    if (key === undefined) this.#unreadable++
    else {
      const firstLine = this.#lines.get(key)
      // Which of the two is meant? Taking the last would make every import change the role twice.
      if (firstLine !== undefined) {
        const value = shownValue('sourceId', sourceId ?? '')
        return reject([{ column: 'sourceId', value, reason: 'REPEATED_IN_FILE', firstLine }])
      }
      this.#lines.set(key, line)
    }
    const checked = checkRegistryRow(row, {
      scope: this.#options.scope,
      today: this.#today,
      departments: this.#options.departments,
    })
    if (checked.problems) return reject(checked.problems)
    return this.#withHmacs(line, checked.record)
  }

  #withHmacs(line: number, record: RegistryRecord): PreparedRow {
    const hmac = ({ country, number }: NationalNumber) =>
      nationalNumberHmac(this.#options.secrets, country, number)
    return {
      line,
      key: sourceKey(record.role.source, record.role.sourceId),
      record,
      numberHmacs: record.nationalNumbers.map(hmac),
      taxHmac: record.taxNumber && hmac(record.taxNumber),
    }
  }
}

/** The key of a row that may be wrong otherwise: a rejected row still says that its role exists. */
function rowKey({ source, sourceId }: RegistryRow): string | undefined {
  const [system, id] = [source?.trim(), sourceId?.trim().normalize('NFC')]
  return system && id ? sourceKey(system, id) : undefined
}

function conflictValue(record: RegistryRecord, column: RowProblem['column']): string {
  if (column === 'username') return record.username ?? ''
  if (column === 'sourceId') return record.role.sourceId
  const greek = column === 'amka'
  return record.nationalNumbers.find((entry) => (entry.country === 'GR') === greek)?.number ?? ''
}
