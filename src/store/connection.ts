import type { MongoClient } from 'mongodb'
import mongoose from 'mongoose'
import type { Config } from '../config.ts'
import { isServed, readLocation, socketUri } from './embedded/location.ts'
import { type EmbeddedStore, StoreInUseError, startEmbeddedServer } from './embedded/start.ts'

export { type EmbeddedStore, StoreInUseError, startEmbeddedServer } from './embedded/start.ts'
export { StoreFormatError } from './embedded/storage/database.ts'

export interface Store {
  uri: string
  /** No MONGODB_URI: the data is in DATA_DIR. */
  embedded: boolean
  /** The default mongoose connection's, for connect-mongo and plain collections. */
  client: MongoClient
  close(): Promise<void>
}

export interface StoreOptions {
  /**
   * Without MONGODB_URI: `own` starts the embedded server and refuses when another holds the
   * directory; `join` waits for one that somebody else starts; `auto` joins one that runs and
   * starts one otherwise.
   */
  embedded?: 'own' | 'join' | 'auto'
}

/** Of the default mongoose connection, for processes that work for this one. */
let connectedUri: string | undefined

/** How long `join` waits for the server to appear. */
const joinTimeoutMs = 15_000

/**
 * Connects the default mongoose connection, on which all models are.
 *
 * sanitizeFilter stays off: it would turn our own `{$gt: now}` into an equality. Form input
 * reaches a query only once checked to be a string. A filter on a path the schema does not know
 * is an error instead of being left out, which would match everything.
 *
 * @throws {StoreInUseError} `own`, and another server holds the data directory
 * @throws {StoreFormatError} the data directory is damaged or of another version
 */
export async function openStore(
  config: Pick<Config, 'mongodbUri' | 'dataDir'>,
  options: StoreOptions = {},
): Promise<Store> {
  const server = config.mongodbUri
    ? undefined
    : await findOrStart(config.dataDir, options.embedded ?? 'auto')
  const uri = config.mongodbUri ?? server!.uri
  mongoose.set('strictQuery', 'throw')
  try {
    await mongoose.connect(uri, {
      autoIndex: true,
      maxPoolSize: 10,
      serverSelectionTimeoutMS: 10_000,
    })
  } catch (error) {
    await server?.close()
    throw error
  }
  connectedUri = uri
  return {
    uri,
    embedded: !config.mongodbUri,
    client: mongoose.connection.getClient() as unknown as MongoClient,
    async close() {
      await mongoose.disconnect()
      await server?.close()
    },
  }
}

/** Where the default mongoose connection is connected to; with a password in it where the store has one. */
export function connectedStoreUri(): string {
  if (connectedUri === undefined) throw new Error('openStore() comes first')
  return connectedUri
}

async function findOrStart(
  dataDir: string,
  mode: 'own' | 'join' | 'auto',
): Promise<Pick<EmbeddedStore, 'uri' | 'close'>> {
  if (mode === 'own') return startEmbeddedServer({ dataDir })
  const deadline = Date.now() + joinTimeoutMs
  for (;;) {
    const joined = await join(dataDir)
    if (joined) return joined
    if (mode === 'auto') {
      try {
        return await startEmbeddedServer({ dataDir })
      } catch (error) {
        // Somebody holds the lock but does not listen yet, or is about to stop.
        if (!(error instanceof StoreInUseError) || Date.now() > deadline) throw error
      }
    } else if (Date.now() > deadline) {
      throw new Error(`no server holds the data directory "${dataDir}": start the server first`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function join(dataDir: string): Promise<Pick<EmbeddedStore, 'uri' | 'close'> | undefined> {
  const location = readLocation(dataDir)
  if (!location || !(await isServed(location.socketPath))) return undefined
  return { uri: socketUri(location.socketPath), close: async () => {} }
}
