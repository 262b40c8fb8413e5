import { createHash } from 'node:crypto'
import type { Binary, Collection } from 'mongodb'
import type { AppContext } from '../../context.ts'
import { FetchError, fetchPublic, type PublicFetchOptions } from '../../fetch/public-fetch.ts'
import { bumpVersion } from '../../store/versions.ts'
import type { RegisteredService } from '../service.ts'
import { LogoModel, type LogoRecord } from './logo-model.ts'
import { readPicture } from './picture.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A picture is fetched again after that, and shown for so long when that fails. */
const freshMs = 7 * dayMs
const keptMs = 30 * dayMs
/** Where there was none one looks again. */
const retryMs = 6 * hourMs

const maxBytes = 262_144
const fetchTimeoutMs = 8000
/** At a time, and waiting: the rest is asked for again with the next page that wants it. */
const maxRunning = 2
const maxWaiting = 500

interface Known {
  readonly isGood: boolean
  readonly checkedAt: number
  readonly expiresAt: number
}

export interface Logos {
  /** Resolves when nothing is being fetched. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** One for the process, as the services' cache is: pages ask for logos where they name services. */
let open: ReturnType<typeof makeLogos> | undefined

const records = () => LogoModel.collection as unknown as Collection<LogoRecord>

/** For servers only: from now on logos of services that pages name are fetched and shown. */
export async function openLogos(
  context: Pick<AppContext, 'config' | 'log' | 'now'>,
  resolve?: PublicFetchOptions['resolve'],
): Promise<Logos> {
  const logos = makeLogos(context, resolve)
  await logos.load()
  open = logos
  return {
    settled: logos.settled,
    async close() {
      if (open === logos) open = undefined
      await logos.stop()
    },
  }
}

/** Called when another process has fetched something. */
export async function reloadLogos(): Promise<void> {
  await open?.load()
}

/**
 * Where the service's logo is on this server; undefined while there is none to show, and pages show
 * its first letter. Asks for it to be fetched when it is not known yet.
 */
export function logoAddress(service: RegisteredService): string | undefined {
  // What nobody approved makes us fetch nothing.
  if (!open || service.logoUrl === undefined || service.state !== 'approved') return undefined
  const id = logoId(service, service.logoUrl)
  return open.want(id, service.logoUrl) ? `/logos/${id}` : undefined
}

const ids = new WeakMap<RegisteredService, string>()

/** A logo inside the metadata can be long: its hash is made once. */
function logoId(service: RegisteredService, url: string): string {
  const id = ids.get(service) ?? hashOf(url)
  ids.set(service, id)
  return id
}

function hashOf(url: string): string {
  return createHash('sha256').update(url).digest('hex')
}

/** The picture at an address that logoAddress() gave. */
export async function findLogo(
  id: string,
  now: Date,
): Promise<{ readonly picture: Buffer; readonly type: string } | undefined> {
  const record = await records().findOne({ _id: id })
  if (!record?.picture || !record.type || record.expiresAt <= now) return undefined
  const picture = record.picture as Buffer | Binary
  return {
    picture: Buffer.isBuffer(picture) ? picture : Buffer.from(picture.buffer),
    type: record.type,
  }
}

function makeLogos(
  { config, log, now }: Pick<AppContext, 'config' | 'log' | 'now'>,
  resolve: PublicFetchOptions['resolve'],
) {
  const known = new Map<string, Known>()
  const waiting = new Map<string, string>()
  const running = new Map<string, Promise<void>>()
  let isStopped = false

  function isDue({ isGood, checkedAt }: Known, at: number): boolean {
    return at - checkedAt > (isGood ? freshMs : retryMs)
  }

  function next(): void {
    for (const [id, url] of waiting) {
      if (isStopped || running.size >= maxRunning) return
      waiting.delete(id)
      const job = fetchLogo(id, url)
        .catch((error) => log.error({ err: error, id }, 'a logo could not be kept'))
        .finally(() => {
          running.delete(id)
          next()
        })
      running.set(id, job)
    }
  }

  async function fetchLogo(id: string, url: string): Promise<void> {
    const found = await picture(url)
    const at = now()
    if (found) {
      const expiresAt = new Date(at.getTime() + keptMs)
      await records().replaceOne(
        { _id: id },
        { ...found, checkedAt: at, expiresAt },
        { upsert: true },
      )
      known.set(id, { isGood: true, checkedAt: at.getTime(), expiresAt: expiresAt.getTime() })
    } else {
      const before = known.get(id)
      // A picture that was there is shown until it expires: servers are away for a night.
      const isGood = before?.isGood === true && before.expiresAt > at.getTime()
      const expiresAt = isGood ? new Date(before.expiresAt) : new Date(at.getTime() + keptMs)
      // Of a picture a failed look counts as one of some days ago: it is tried again soon.
      const checkedAt = new Date(at.getTime() - (isGood ? freshMs - retryMs : 0))
      await records().updateOne(
        { _id: id },
        { $set: { checkedAt, expiresAt }, ...(!isGood && { $unset: { picture: '', type: '' } }) },
        { upsert: true },
      )
      known.set(id, {
        isGood,
        checkedAt: checkedAt.getTime(),
        expiresAt: expiresAt.getTime(),
      })
    }
    await bumpVersion('logos')
  }

  async function picture(url: string) {
    try {
      const bytes = url.startsWith('data:') ? fromDataUrl(url) : await download(url)
      const found = readPicture(bytes)
      if (found) return { picture: bytes, type: found.type }
      log.info({ url: url.slice(0, 200) }, 'a logo is no PNG, JPEG, GIF or WebP of usual size')
    } catch (error) {
      if (!(error instanceof FetchError)) throw error
      log.info({ reason: error.reason, detail: error.message }, 'a logo could not be fetched')
    }
    return undefined
  }

  async function download(url: string): Promise<Buffer> {
    const { bytes } = await fetchPublic(url, {
      accept: 'image/png, image/webp, image/jpeg, image/gif',
      maxBytes,
      timeoutMs: fetchTimeoutMs,
      allowLoopback: config.fetchLoopback === 'true',
      resolve,
    })
    return bytes
  }

  return {
    /** @returns whether there is a picture to show now */
    want(id: string, url: string): boolean {
      const at = now().getTime()
      const entry = known.get(id)
      const isKnown = entry !== undefined && entry.expiresAt > at
      const isBusy = running.has(id) || waiting.has(id) || waiting.size >= maxWaiting
      if ((!isKnown || isDue(entry, at)) && !isBusy && !isStopped) {
        waiting.set(id, url)
        next()
      }
      return isKnown && entry.isGood
    },
    async load(): Promise<void> {
      const found = records().find({}, { projection: { type: 1, checkedAt: 1, expiresAt: 1 } })
      for await (const { _id, type, checkedAt, expiresAt } of found) {
        const before = known.get(_id)
        if (before && before.checkedAt >= checkedAt.getTime()) continue
        known.set(_id, {
          isGood: type !== undefined,
          checkedAt: checkedAt.getTime(),
          expiresAt: expiresAt.getTime(),
        })
      }
    },
    async settled(): Promise<void> {
      while (running.size > 0) await Promise.all(running.values())
    },
    async stop(): Promise<void> {
      isStopped = true
      waiting.clear()
      await Promise.all(running.values())
    },
  }
}

function fromDataUrl(url: string): Buffer {
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
}
