import cliProgress from 'cli-progress'
import {
  type ChangedRow,
  type ImportReport,
  importRegistry,
  type RejectedRow,
} from '../people/registry-import.ts'
import {
  openRegistryFile,
  type RegistryFile,
  RegistryFileError,
} from '../people/registry-reader.ts'
import { rejectionText } from '../people/rejection-texts.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia registry import FILE [--dry-run] [--full SOURCE] [--force] [--json]

Brings people in from a source system: CSV with a header, or JSON Lines, in UTF-8. Each row is one
role of one person; running it again changes nothing. Rows with mistakes are listed and stay out.

  --dry-run      only shows what would change
  --full SOURCE  the file lists all roles of SOURCE: those it lacks end
  --force        ends them even when they are more than 10 %
  --json         one JSON object on standard output

Exit code: 0 all rows are in, 1 some were rejected or roles were not ended, 2 wrong usage or file.
`

type Needs = Pick<CliContext, 'config' | 'institution' | 'secrets' | 'audit' | 'now'>

/** `registry import`: see the usage above. */
export async function registryCommand(context: Needs, args: string[]): Promise<number> {
  const options = {
    'dry-run': { type: 'boolean', default: false },
    full: { type: 'string' },
    force: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  } as const
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { values, positionals } = parsed
  const [action, path, ...more] = positionals
  if (action !== 'import' || path === undefined || more.length > 0) {
    return usageError('expected: registry import FILE', usage)
  }
  if (values.force && values.full === undefined) {
    return usageError('--force needs --full SOURCE', usage)
  }
  try {
    const file = await openRegistryFile(path)
    const output = values.json ? new JsonOutput() : new TextOutput(file)
    const report = await importRegistry(file.rows, {
      secrets: context.secrets,
      scope: context.config.scope,
      departments: context.institution.departments,
      now: context.now,
      dryRun: values['dry-run'],
      full: values.full,
      force: values.force,
      onRejected: (row) => output.rejected(row),
      onChanged: (row) => values['dry-run'] && output.changed(row),
      onProgress: () => output.progress(),
    }).finally(() => output.stop())
    output.finish(report, file, values['dry-run'])
    const refused = report.full?.refused
    if (!values['dry-run']) recordImport(context, path, report)
    return report.rejected > 0 || refused !== undefined ? 1 : 0
  } catch (error) {
    if (!(error instanceof RegistryFileError)) throw error
    process.stderr.write(`propylaia: ${error.message}\n`)
    return 2
  }
}

function recordImport(context: Needs, file: string, report: ImportReport): void {
  const { full, ...counts } = report
  const details = {
    file,
    ...counts,
    ...(full ? { fullSource: full.source, rolesEnded: full.ended } : {}),
  }
  const reason = full?.refused
  context.audit.record({
    event: 'registry.import',
    result: reason ? 'failure' : 'success',
    ...(reason ? { reason } : {}),
    details,
  })
}

/** Lists on standard output, a progress bar by bytes on a terminal's standard error. */
class TextOutput {
  readonly #file: RegistryFile
  readonly #bar: cliProgress.SingleBar | undefined

  constructor(file: RegistryFile) {
    this.#file = file
    if (!process.stderr.isTTY) return
    this.#bar = new cliProgress.SingleBar({
      format: 'Importing {bar} {percentage} %, {duration_formatted}, about {eta_formatted} left',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    })
    this.#bar.start(file.totalBytes, 0)
  }

  progress(): void {
    this.#bar?.update(this.#file.bytesRead())
  }

  stop(): void {
    this.#bar?.stop()
  }

  /** Called in dry runs only. */
  changed({ line, source, sourceId, outcome, facts }: ChangedRow): void {
    const list = outcome === 'created' ? '' : `: ${facts.join(', ')}`
    this.#print(`line ${line}  ${source}:${sourceId}  would be ${outcome}${list}`)
  }

  rejected({ line, source, sourceId, problems }: RejectedRow): void {
    const key = source && sourceId ? `${source}:${sourceId}` : '-'
    for (const { column, value, reason, firstLine } of problems) {
      const shown = value === '' ? '' : ` "${value}"`
      const where = firstLine === undefined ? '' : `, line ${firstLine}`
      this.#print(
        `line ${line}  ${key}  ${column}${shown} ${rejectionText(column, reason)}${where} (${reason})`,
      )
    }
  }

  finish(report: ImportReport, file: RegistryFile, dryRun: boolean): void {
    const { rows, created, changed, unchanged, rejected, peopleCreated, accountsCreated } = report
    const lines = [
      `${rows} rows: ${created} created, ${changed} changed, ${unchanged} unchanged, ${rejected} rejected`,
      `${peopleCreated} new people, ${accountsCreated} new accounts`,
    ]
    if (report.full) lines.push(describeFull(report.full, dryRun))
    if (file.unknownColumns.size > 0) {
      lines.push(`Columns that mean nothing here: ${[...file.unknownColumns].join(', ')}`)
    }
    if (dryRun) lines.push('Dry run: nothing was written.')
    process.stdout.write(`${lines.join('\n')}\n`)
  }

  #print(line: string): void {
    // The bar draws itself again below the line.
    if (this.#bar) process.stderr.write('\r\u001b[2K')
    process.stdout.write(`${line}\n`)
  }
}

function describeFull(full: NonNullable<ImportReport['full']>, dryRun: boolean): string {
  const { source, known, missing, ended, refused } = full
  const counts = `${source}: the file lacks ${missing} of ${known} roles`
  if (refused === 'MORE_THAN_TEN_PERCENT') {
    return `${counts}; none ended, because that is more than 10 %. Is the file complete? Then --force.`
  }
  if (refused === 'UNREADABLE_ROWS') {
    return `${counts}; none ended, because rows above could not be read and may be theirs.`
  }
  return `${counts}; ${ended} ${dryRun ? 'would end' : 'ended'}.`
}

/** One JSON object, written as it comes: the rejected rows are not kept in memory. */
class JsonOutput {
  readonly #changed: ChangedRow[] = []
  #count = 0

  progress(): void {}

  stop(): void {}

  changed(row: ChangedRow): void {
    this.#changed.push(row)
  }

  rejected(row: RejectedRow): void {
    process.stdout.write(
      `${this.#count++ === 0 ? '{"rejectedRows":[' : ','}\n${JSON.stringify(row)}`,
    )
  }

  finish(report: ImportReport, file: RegistryFile, dryRun: boolean): void {
    const rest = {
      dryRun,
      ...report,
      unknownColumns: [...file.unknownColumns],
      ...(dryRun ? { changedRows: this.#changed } : {}),
    }
    const start = this.#count === 0 ? '{"rejectedRows":[' : '\n'
    process.stdout.write(`${start}],${JSON.stringify(rest).slice(1)}\n`)
  }
}
