import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext } from 'node:test'
import { type Collection, type Db, type Document, MongoClient } from 'mongodb'
import { startEmbeddedServer } from '../../src/store/connection.ts'

/** The contract runs on the embedded server, or on whatever MONGODB_URI names. */
export const mongodbUri = process.env.MONGODB_URI || undefined

export interface TestStore {
  uri: string
  db: Db
  client: MongoClient
  isFerretDb: boolean
  /** A collection that no other test uses. */
  collection<T extends Document = Document>(): Collection<T>
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'propylaia-store-'))
}

/** In a test file: one server, one database of a random name, gone afterwards. */
export function useTestStore(options: { promoteValues?: boolean } = {}): () => TestStore {
  let store: TestStore | undefined
  let stop = async () => {}
  before(async () => {
    const name = `contract_${randomBytes(6).toString('hex')}`
    let base = mongodbUri
    let close = async () => {}
    const dataDir = temporaryDirectory()
    if (!base) {
      const server = await startEmbeddedServer({ dataDir })
      base = server.uri
      close = server.close
    }
    const uri = withDatabase(base, name)
    const client = await new MongoClient(uri, options).connect()
    const db = client.db()
    const buildInfo = await db.command({ buildInfo: 1 })
    let count = 0
    store = {
      isFerretDb: Object.keys(buildInfo).some((key) => /^ferret/i.test(key)),
      uri,
      db,
      client,
      collection: <T extends Document>() => db.collection<T>(`c${++count}`),
    }
    stop = async () => {
      await db.dropDatabase()
      await client.close()
      await close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
  after(() => stop())
  return () => {
    if (!store) throw new Error('the store opens in before()')
    return store
  }
}

function withDatabase(uri: string, name: string): string {
  const [, host = '', query = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(uri) ?? []
  return `${host}/${name}${query}`
}

/** NotImplemented and CommandNotSupported: how other servers say that they lack something. */
const lackCodes = [238, 115, 59]

/**
 * Runs what MongoDB has and some servers with its protocol lack. There the test is skipped with
 * their own words; on the embedded store nothing is skipped.
 */
export async function whereSupported(test: TestContext, body: () => Promise<void>) {
  try {
    await body()
  } catch (error) {
    const { code, message } = error as { code?: number; message: string }
    if (mongodbUri && code !== undefined && lackCodes.includes(code)) {
      test.skip(`the server lacks it: ${message}`)
      return
    }
    throw error
  }
}

/**
 * Skips a test on FerretDB v1, with the reason: there it gives a wrong answer instead of an
 * error. MongoDB itself and the embedded store must pass.
 */
export async function notOnFerretDb(
  test: TestContext,
  store: TestStore,
  why: string,
  body: () => Promise<void>,
) {
  if (store.isFerretDb) test.skip(`FerretDB v1: ${why}`)
  else await body()
}

/** What a duplicate is refused with; FerretDB v1 sometimes shows SQLite's own words instead. */
export function duplicateKey(store: TestStore) {
  return store.isFerretDb ? /E11000|UNIQUE constraint failed/ : { code: 11000 }
}

/** A small reproducible random generator (mulberry32). */
export function randomFrom(seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return {
    next,
    below: (limit: number) => Math.floor(next() * limit),
    pick: <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!,
  }
}

/** Printed, so that a failure can be run again: SEED=n npm test. */
export function chooseSeed(): number {
  const seed = Number(process.env.SEED) || Date.now() & 0x7fffffff
  console.log(`SEED=${seed}`)
  return seed
}
