import { createReadStream, type ReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { parse } from 'csv-parse/sync'
import { type RegistryColumn, type RegistryRow, registryColumns } from './registry-record.ts'

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

/** No source system writes longer ones: what does is not text in lines. UTF-16 units. */
const maxLineLength = 65_536
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

/**
 * One line, one row: no column may hold a line break, and so a quote that is not closed spoils its
 * own row, not the rest of the file.
 */
async function* readCsv(
  stream: ReadStream,
  delimiter: string,
  unknownColumns: Set<string>,
): AsyncGenerator<ReadRow> {
  let columns: (RegistryColumn | undefined)[] | undefined
  let line = 0
  for await (const text of splitLines(stream)) {
    line++
    const values = splitCsvLine(text, delimiter)
    if (columns === undefined) {
      if (!values) throw new RegistryFileError('the quotes of the header do not match')
      columns = readHeader(values, unknownColumns)
      continue
    }
    if (!values) yield { line, unreadable: 'CSV_QUOTES' }
    // Spreadsheets write rows of nothing but delimiters below their data.
    else if (values.every((value) => value.trim() === '')) continue
    else if (values.length !== columns.length) yield { line, unreadable: 'CSV_FIELD_COUNT' }
    else yield { line, row: nameValues(columns, values) }
  }
  if (columns === undefined) throw new RegistryFileError('the file is empty: a header is expected')
}

/** @returns undefined when the quotes do not match (RFC 4180 section 2) */
function splitCsvLine(text: string, delimiter: string): string[] | undefined {
  if (!text.includes('"')) return text.split(delimiter)
  try {
    return (parse(text, { delimiter }) as string[][])[0]
  } catch {
    return undefined
  }
}

function nameValues(columns: readonly (RegistryColumn | undefined)[], values: readonly string[]) {
  const row: Partial<Record<RegistryColumn, string>> = {}
  columns.forEach((column, index) => {
    if (column) row[column] = values[index]
  })
  return row
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

async function* readJsonLines(
  stream: ReadStream,
  unknownColumns: Set<string>,
): AsyncGenerator<ReadRow> {
  let line = 0
  for await (const text of splitLines(stream)) {
    line++
    if (text.trim() !== '') yield readJsonRow(text, line, unknownColumns)
  }
}

/** Lines without their end; the BOM goes with the decoder. */
async function* splitLines(stream: ReadStream): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split(/\r?\n/)
    rest = lines.pop() as string
    yield* lines
    if (rest.length > maxLineLength) {
      throw new RegistryFileError(
        `a line is longer than ${maxLineLength} characters: is this text?`,
      )
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
