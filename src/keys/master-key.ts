import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../config.ts'

const keyBytes = 32

/** The key under which the store's keys and secrets are sealed. Lives in memory and in `certs/`. */
export interface MasterKey {
  /** First 16 hex digits of SHA-256 over the key: tells which key sealed a record, reveals nothing. */
  readonly id: string
  readonly bytes: Buffer
}

/**
 * Reads `master.key`, or makes it on first start (mode 0600). Two processes that start at once end
 * with the same key: the file appears whole or not at all, and whoever comes second reads it.
 *
 * @throws {ConfigError} when the file is not a key or others can read it
 */
export function openMasterKey(certsDir: string): MasterKey {
  const file = join(certsDir, 'master.key')
  const existing = readKeyFile(file)
  if (existing) return existing
  mkdirSync(certsDir, { recursive: true })
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const descriptor = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(descriptor, `${randomBytes(keyBytes).toString('base64url')}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(temporary)
  }
  return readKeyFile(file) as MasterKey
}

function readKeyFile(file: string): MasterKey | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ConfigError([`CERTS_DIR: cannot read ${file}: ${(error as Error).message}`])
  }
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== keyBytes) {
    throw new ConfigError([
      `CERTS_DIR: ${file} must hold 32 bytes as base64url (43 characters), found ${text.length} characters; ` +
        'restore it from your backup, do not replace it: the keys in the store cannot be opened with another one',
    ])
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new ConfigError([`CERTS_DIR: ${file} can be read by others; run: chmod 600 ${file}`])
  }
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 16), bytes }
}
