import { createReadStream, type ReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { type CsvError, parse } from 'csv-parse'
import { type RegistryColumn, type RegistryRow, registryColumns } from './registry-row.ts'

export type UnreadableReason =
  | 'CSV_FIELD_COUNT'
  | 'CSV_QUOTES'
  | 'JSON_INVALID'
  | 'JSON_NOT_AN_OBJECT'
  | 'JSON_VALUE_NOT_TEXT'

/** A row as it stands in the file, or why it could not even be read. */
export type ReadRow =
  | { readonly line: number; readonly row: RegistryRow; readonly unreadable?: undefined }
  | { readonly line: number; readonly row?: undefined; readonly unreadable: UnreadableReason }

/** The file as a whole is not usable; `message` says what to mend. */
export class RegistryFileError extends Error {
  override readonly name = 'RegistryFileError'
}

export interface RegistryFile {
  readonly totalBytes: number
  readonly bytesRead: () => number
  /** Columns that mean nothing here, most likely misspelt. Complete after the last row. */
  readonly unknownColumns: ReadonlySet<string>
  readonly rows: AsyncIterable<ReadRow>
}

/** Longer rows come from a quote that never closes, not from a source system. Bytes. */
const maxRowBytes = 65_536
const maxUnknownColumns = 50

/**
 * Opens a registry file for one pass: CSV with a header (comma, semicolon or tab, as the header
 * shows) or JSON Lines, told apart by extension, else by content. UTF-8 with or without BOM. Only
 * a few rows are in memory at a time.
 *
 * @throws {RegistryFileError} here, or while reading the rows
 */
export async function openRegistryFile(path: string): Promise<RegistryFile> {
  const { start, totalBytes } = await readStart(path)
  if (start.startsWith('\ufffd\ufffd') || start.includes('\0')) {
    throw new RegistryFileError(`${path} is not UTF-8 text (UTF-16?): save it as UTF-8`)
  }
  const stream = createReadStream(path)
  const unknownColumns = new Set<string>()
  const rows = isJsonLines(path, start)
    ? readJsonLines(stream, unknownColumns)
    : readCsv(stream, chooseDelimiter(start), unknownColumns)
  return { totalBytes, bytesRead: () => stream.bytesRead, unknownColumns, rows }
}

async function readStart(path: string): Promise<{ start: string; totalBytes: number }> {
  try {
    const { size } = await stat(path)
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
      return { start: buffer.toString('utf8', 0, bytesRead), totalBytes: size }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new RegistryFileError(`cannot read ${path}: ${(error as Error).message}`)
  }
}

function isJsonLines(path: string, start: string): boolean {
  if (['.jsonl', '.ndjson', '.json'].includes(extname(path).toLowerCase())) return true
  return start
    .replace(/^\ufeff/, '')
    .trimStart()
    .startsWith('{')
}

/** Spreadsheets with Greek settings write semicolons. */
function chooseDelimiter(start: string): string {
  const header = start.split(/\r?\n/, 1)[0] as string
  const count = (delimiter: string) => header.split(delimiter).length
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best))
}

async function* readCsv(
  stream: ReadStream,
  delimiter: string,
  unknownColumns: Set<string>,
): AsyncGenerator<ReadRow> {
  const skipped: number[] = []
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: maxRowBytes,
    on_skip: (error: CsvError | undefined) => {
      // Past this the parser has lost its place: going on would drop rows without a word.
      if (error?.code === 'CSV_MAX_RECORD_SIZE') throw unclosedQuote(Number(error.lines))
      skipped.push(Number(error?.lines ?? 0))
      return undefined
    },
  })
  stream.on('error', (error) => parser.destroy(error))
  let columns: (RegistryColumn | undefined)[] | undefined
  try {
    for await (const entry of stream.pipe(parser)) {
      const { info, record } = entry as { info: { lines: number }; record: string[] }
      for (const line of skipped.splice(0)) yield { line, unreadable: 'CSV_QUOTES' }
      if (columns === undefined) {
        columns = readHeader(record, unknownColumns)
        continue
      }
      const line = info.lines - lineBreaks(record)
      if (record.length !== columns.length) {
        yield { line, unreadable: 'CSV_FIELD_COUNT' }
        continue
      }
      const row: Partial<Record<RegistryColumn, string>> = {}
      columns.forEach((column, index) => {
        if (column) row[column] = record[index]
      })
      yield { line, row }
    }
  } finally {
    stream.destroy()
  }
  for (const line of skipped.splice(0)) yield { line, unreadable: 'CSV_QUOTES' }
  if (columns === undefined) throw new RegistryFileError('the file is empty: a header is expected')
}

function unclosedQuote(line: number): RegistryFileError {
  return new RegistryFileError(
    `a row near line ${line} is longer than ${maxRowBytes} bytes, probably a quote that is not closed: the file was read only up to there`,
  )
}

function readHeader(header: string[], unknownColumns: Set<string>): (RegistryColumn | undefined)[] {
  const names = header.map((name) => name.trim())
  const columns = names.map((name) => knownColumn(name, unknownColumns))
  const missing = ['source', 'sourceId', 'role'].filter((name) => !names.includes(name))
  if (missing.length > 0) {
    throw new RegistryFileError(
      `the header lacks ${missing.join(', ')}; it has: ${names.slice(0, 40).join(', ').slice(0, 500)}`,
    )
  }
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index)
  if (twice !== undefined) throw new RegistryFileError(`the header has "${twice}" twice`)
  return columns
}

function knownColumn(name: string, unknownColumns: Set<string>): RegistryColumn | undefined {
  if ((registryColumns as readonly string[]).includes(name)) return name as RegistryColumn
  if (name !== '' && unknownColumns.size < maxUnknownColumns) unknownColumns.add(name.slice(0, 60))
  return undefined
}

/** The parser counts lines at a row's end; quoted values may span several. */
function lineBreaks(record: string[]): number {
  return record.reduce((sum, value) => sum + (value.match(/\r\n|\r|\n/g)?.length ?? 0), 0)
}

async function* readJsonLines(
  stream: ReadStream,
  unknownColumns: Set<string>,
): AsyncGenerator<ReadRow> {
  let line = 0
  for await (const text of splitLines(stream)) {
    line++
    const bare = line === 1 ? text.replace(/^\ufeff/, '').trim() : text.trim()
    if (bare !== '') yield readJsonRow(bare, line, unknownColumns)
  }
}

async function* splitLines(stream: ReadStream): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n')
    rest = lines.pop() as string
    yield* lines
    if (rest.length > maxRowBytes) {
      throw new RegistryFileError(`a line is longer than ${maxRowBytes} bytes: not JSON Lines`)
    }
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}

function readJsonRow(text: string, line: number, unknownColumns: Set<string>): ReadRow {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return { line, unreadable: 'JSON_INVALID' }
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return { line, unreadable: 'JSON_NOT_AN_OBJECT' }
  }
  const row: Partial<Record<RegistryColumn, string>> = {}
  for (const [name, value] of Object.entries(parsed)) {
    const column = knownColumn(name, unknownColumns)
    if (column === undefined || value === null) continue
    // Numbers are how many systems write ids and codes; their text is what was meant.
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) {
      return { line, unreadable: 'JSON_VALUE_NOT_TEXT' }
    }
    row[column] = String(value)
  }
  return { line, row }
}
