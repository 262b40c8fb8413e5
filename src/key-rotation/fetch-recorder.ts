import { hash } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { networkOf } from '../limits/network.ts'
import { upsertAgain } from '../store/duplicate-key.ts'
import { type FetchWay, metadataFetches } from './metadata-fetch-model.ts'

/** A program that fetches all the time is written down this often. Milliseconds. */
const writeEveryMs = 10 * 60_000
/** Longer than any metadata of ours is valid, so that a fetch that still counts is there. */
const keptMs = 60 * 86_400_000
/** Rows of one network, and of all: strangers can ask for metadata as often as they like. */
const maxRowsPerNetwork = 16
const maxRows = 20_000
/** What this process wrote lately; forgotten all at once, which costs a write each. */
const maxRemembered = 5_000
const maxProgramLength = 100

export interface SeenFetch {
  readonly address: string
  readonly userAgent: string | undefined
  readonly way: FetchWay
  readonly clientId?: string
  readonly kids: readonly string[]
}

export interface FetchRecorder {
  /** Writes the fetch down unless the same was written a moment ago; failures go to the log. */
  note(fetch: SeenFetch): Promise<void>
}

/**
 * Keeps who fetched our metadata, when last, and which keys were in it. Of programs only: what calls
 * itself Mozilla is a person looking at the document, and people are not written down here.
 */
export function openFetchRecorder(context: Pick<AppContext, 'now' | 'log'>): FetchRecorder {
  const written = new Map<string, { at: number; kids: string }>()

  async function note(fetch: SeenFetch): Promise<void> {
    const program = programName(fetch.userAgent)
    if (program.startsWith('Mozilla/')) return
    const { address, way, clientId } = fetch
    const key = hash('sha256', JSON.stringify([address, program, way, clientId ?? '']), 'base64url')
    const now = context.now()
    const kids = fetch.kids.join(' ')
    const before = written.get(key)
    if (before && before.kids === kids && now.getTime() - before.at < writeEveryMs) return
    if (written.size >= maxRemembered) written.clear()
    // Before the store is asked: requests that come meanwhile need not ask again.
    written.set(key, { at: now.getTime(), kids })
    try {
      const network = networkOf(address)
      if (!before && !(await hasRoom(key, network))) return
      await upsertAgain(() =>
        metadataFetches().updateOne(
          { _id: key },
          {
            $set: { lastAt: now, kids: fetch.kids, expiresAt: new Date(now.getTime() + keptMs) },
            $inc: { count: 1 },
            $setOnInsert: {
              address,
              network,
              program,
              way,
              ...(clientId !== undefined && { clientId }),
              firstAt: now,
            },
          },
          { upsert: true },
        ),
      )
    } catch (error) {
      written.delete(key)
      context.log.warn({ err: error }, 'a fetch of our metadata could not be written down')
    }
  }

  return { note }
}

async function hasRoom(key: string, network: string): Promise<boolean> {
  const rows = metadataFetches()
  if (await rows.findOne({ _id: key }, { projection: { _id: 1 } })) return true
  if ((await rows.countDocuments({ network })) >= maxRowsPerNetwork) return false
  return (await rows.estimatedDocumentCount()) < maxRows
}

/** Without what changes at every restart: mod_auth_openidc begins with "[host:port:pid] ". */
function programName(userAgent: string | undefined): string {
  return (userAgent ?? '')
    .replace(/^\[[^\]]*\]\s*/, '')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .slice(0, maxProgramLength)
    .trim()
}
