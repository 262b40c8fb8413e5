import { readFile } from 'node:fs/promises'
import { IdpError } from '../errors.ts'
import { decodeXml, XmlError } from '../xml/safe-xml.ts'
import { forTerminal } from './terminal-text.ts'

const fetchTimeoutMs = 15_000
const maxBytes = 1_048_576

/**
 * Reads metadata from a file or, when it starts with https://, from an address.
 *
 * @throws {IdpError} METADATA_INVALID saying why it cannot be read; for naming() to say where
 */
export async function readMetadata(source: string): Promise<string> {
  try {
    const bytes = /^https?:\/\//.test(source) ? await download(source) : await readFile(source)
    if (bytes.length > maxBytes) throw new XmlError(`larger than ${maxBytes} bytes`)
    return decodeXml(bytes)
  } catch (error) {
    if (error instanceof IdpError) throw error
    const cause = (error as Error).cause
    const reason = cause instanceof Error ? cause.message : (error as Error).message
    throw new IdpError('METADATA_INVALID', `it cannot be read: ${reason}`, { cause: error })
  }
}

async function download(url: string): Promise<Uint8Array> {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    throw new Error('over http anybody on the way can change it; use https or a file')
  }
  const response = await fetch(url, {
    headers: { accept: 'application/samlmetadata+xml, application/xml, text/xml' },
    signal: AbortSignal.timeout(fetchTimeoutMs),
  })
  if (!response.ok) throw new Error(`the server answers ${response.status}`)
  if (protocol === 'https:' && !response.url.startsWith('https:')) {
    throw new Error(`it leads to ${response.url}, which is not https`)
  }
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > maxBytes) throw new Error(`larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Puts the file or address before what is wrong with the metadata in it. */
export async function naming<T>(source: string, read: () => Promise<T> | T): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof IdpError)) throw error
    throw new IdpError(error.code, `${source}: ${error.message}`, { cause: error })
  }
}

export function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${forTerminal(line)}\n`).join(''))
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
