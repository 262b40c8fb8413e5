import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, ConfigError } from '../config.ts'

const keyBytes = 32

/** The key under which the store's keys and secrets are sealed. Lives in memory and in `certs/`. */
export interface MasterKey {
  /** First 16 hex digits of SHA-256 over the key: tells which key sealed a record, reveals nothing. */
  readonly id: string
  readonly bytes: Buffer
}

/** The master keys of this machine: one that seals, and those that open what others sealed. */
export interface MasterKeys {
  /** Seals from now on; undefined as long as there is none. Reads `certs/` again. */
  current(): MasterKey | undefined
  /** The one with this id, looked for in `certs/` again when it is not known. */
  find(id: string): MasterKey | undefined
  /** Makes `master.key`, unless there is one meanwhile. */
  make(): MasterKey
  /** Where the keys come from, for messages. */
  readonly source: 'MASTER_KEY' | 'CERTS_DIR'
  readonly files: MasterKeyFiles
}

/** `next` waits to take over, `previous` was replaced; both open only. */
export interface MasterKeyFiles {
  readonly current: string
  readonly next: string
  readonly previous: string
}

/**
 * Reads the master keys: those of the setting MASTER_KEY, the first of which seals, and the files
 * in `certs/`. The key files are read again when a record names a key that is not known, so a
 * rotation needs no restart.
 *
 * @throws {ConfigError} when a file is not a key or others can read it
 */
export function openMasterKeys(config: Pick<Config, 'certsDir' | 'masterKeys'>): MasterKeys {
  const file = join(config.certsDir, 'master.key')
  const files = { current: file, next: `${file}.next`, previous: `${file}.previous` }
  const given = config.masterKeys.map(masterKeyOf)
  const read = () => {
    const [current, next, previous] = [files.current, files.next, files.previous].map(readKeyFile)
    return { current: given[0] ?? current, all: [...given, current, next, previous] }
  }
  let known = read()
  const among = (id: string) => known.all.find((key) => key?.id === id)
  return {
    source: given.length > 0 ? 'MASTER_KEY' : 'CERTS_DIR',
    files,
    current() {
      known = read()
      return known.current
    },
    find(id) {
      const found = among(id)
      if (found) return found
      known = read()
      return among(id)
    },
    make() {
      createKeyFile(file)
      known = read()
      return known.current as MasterKey
    },
  }
}

/**
 * Writes a key file (mode 0600), unless there is one. Two processes that start at once end with the
 * same key: the file appears whole or not at all.
 */
export function createKeyFile(file: string, bytes: Buffer = randomBytes(keyBytes)): void {
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const descriptor = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(descriptor, `${bytes.toString('base64url')}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(temporary, file)
    syncFolder(dirname(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(temporary)
  }
}

/**
 * Puts `master.key.next` in the place of `master.key`, which becomes `master.key.previous`. Wherever
 * it is cut off, `master.key` is there and every key is in one of the three files. Another process
 * may do the same in this moment: what it has done is left as it is.
 */
export function promoteNextKey(
  files: MasterKeyFiles,
  { from, to }: { readonly from: MasterKey; readonly to: MasterKey },
): void {
  const temporary = `${files.previous}.${process.pid}.${randomBytes(4).toString('hex')}`
  linkSync(files.current, temporary)
  try {
    // The link stays with what it was made to, whoever puts another file there.
    if (readKeyFile(temporary)?.id !== from.id) return
    renameSync(temporary, files.previous)
  } finally {
    rmSync(temporary, { force: true })
  }
  syncFolder(dirname(files.current))
  if (readKeyFile(files.next)?.id !== to.id) return
  try {
    renameSync(files.next, files.current)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  syncFolder(dirname(files.current))
}

/** Windows cannot open folders; there the file system's own journal has to do. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function masterKeyOf(bytes: Buffer): MasterKey {
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 16), bytes }
}

/**
 * @returns undefined when there is no such file
 * @throws {ConfigError} when it is not a key or others can read it
 */
export function readKeyFile(file: string): MasterKey | undefined {
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
  return masterKeyOf(bytes)
}
