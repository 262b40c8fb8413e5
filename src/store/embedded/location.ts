import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { storeDirectory } from './storage/database.ts'

/** Who serves a data directory, and where. */
export interface Location {
  pid: number
  socketPath: string
}

/** The kernel's limit for a Unix socket path is 108 bytes with the final 0, on macOS 104. */
const maxSocketPath = 103

function locationFile(dataDir: string): string {
  return join(storeDirectory(dataDir), 'server.json')
}

/**
 * Where the socket goes: in the data directory, or, when that path is too long for a socket, in
 * a private directory (0700) under the system's temporary directory.
 */
export function chooseSocketPath(dataDir: string): string {
  mkdirSync(storeDirectory(dataDir), { recursive: true, mode: 0o700 })
  const near = join(storeDirectory(dataDir), 'store.sock')
  if (Buffer.byteLength(near) <= maxSocketPath) return near
  // mkdtemp makes the directory 0700.
  const path = join(mkdtempSync(join(tmpdir(), 'propylaia-')), 'store.sock')
  if (Buffer.byteLength(path) <= maxSocketPath) return path
  throw new Error(
    `DATA_DIR "${dataDir}" and the temporary directory "${tmpdir()}" are both too long for a ` +
      `Unix socket (at most ${maxSocketPath} bytes): choose a shorter DATA_DIR or TMPDIR`,
  )
}

/** Written by whoever holds the lock; renamed into place, so nobody reads half of it. */
export function writeLocation(dataDir: string, location: Location) {
  const file = locationFile(dataDir)
  writeFileSync(`${file}.new`, JSON.stringify(location), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export function removeLocation(dataDir: string, socketPath: string) {
  rmSync(locationFile(dataDir), { force: true })
  removeSocketDirectory(dataDir, socketPath)
}

/** The directory that chooseSocketPath made for a socket outside the data directory. */
export function removeSocketDirectory(dataDir: string, socketPath: string) {
  const directory = dirname(socketPath)
  if (directory === storeDirectory(dataDir)) return
  // server.json is only a file: what does not look like ours is not deleted.
  if (!basename(directory).startsWith('propylaia-')) return
  rmSync(socketPath, { force: true })
  try {
    rmdirSync(directory)
  } catch {
    // Something else is in it, or it is gone.
  }
}

export function readLocation(dataDir: string): Location | undefined {
  try {
    const parsed = JSON.parse(readFileSync(locationFile(dataDir), 'utf8')) as Partial<Location>
    if (typeof parsed.pid === 'number' && typeof parsed.socketPath === 'string') {
      return { pid: parsed.pid, socketPath: parsed.socketPath }
    }
  } catch {
    // No file, or not ours: nobody is known to serve the directory.
  }
  return undefined
}

/** Whether somebody accepts connections there now; a file alone may be left from a crash. */
export function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A mongodb URI for a Unix socket: the path is percent-encoded as the host. */
export function socketUri(socketPath: string): string {
  return `mongodb://${encodeURIComponent(socketPath)}/propylaia?directConnection=true`
}
