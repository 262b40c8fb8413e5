import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AppContext } from '../../context.ts'
import { IdpError } from '../../errors.ts'
import { bumpVersion } from '../../store/versions.ts'
import { clearServiceCache } from '../service-store.ts'
import { type ImportResult, importAggregate, removeGeneration } from './aggregate-import.ts'
import type { AggregateSummary } from './aggregate-reader.ts'
import {
  type FederationGeneration,
  type FederationRecord,
  federations,
} from './federation-model.ts'
import { downloadToFile } from './metadata-download.ts'
import { nextRefresh } from './refresh-times.ts'

/** eduGAIN has about 100 MB. */
const maxAggregateBytes = 1_000_000_000
const downloadTimeoutMs = 10 * 60_000
/** Longer than a download and an import may take: only a refresh that died is taken over. */
const leaseMs = 20 * 60_000
/** More may be missing only when an administrator says so. */
const maxShrink = 0.2

export type RefreshContext = Pick<AppContext, 'now' | 'log' | 'audit'> & {
  readonly config: Pick<AppContext['config'], 'clockSkewSeconds'> &
    Partial<Pick<AppContext['config'], 'samlEntityId'>>
}

export interface RefreshOptions {
  readonly confirmShrink?: boolean
  readonly confirmOlder?: boolean
  /** Fetches although nothing seems to have changed. */
  readonly unconditional?: boolean
  /** Leaves it to whoever has just done it. */
  readonly onlyIfDue?: boolean
  /** The process stops: what is under way is given up, which counts as no failure. */
  readonly signal?: AbortSignal
  readonly onProgress?: (bytesRead: number) => void
}

export interface RefreshResult {
  readonly name: string
  readonly result: 'accepted' | 'unchanged'
  readonly current: FederationGeneration
  /** The most memory that the import's process had resident, in bytes; nothing was imported without it. */
  readonly peakResident?: number
}

/**
 * Fetches a federation's aggregate and, if all of it is right, makes it the one in use by a single
 * update. Whatever is wrong, the version before stays in use; log, audit and `federation list` say so.
 *
 * @throws {IdpError} METADATA_*, FEDERATION_UNKNOWN; SERVICE_UNAVAILABLE while somebody else does it
 */
export async function refreshFederation(
  name: string,
  context: RefreshContext,
  options: RefreshOptions = {},
): Promise<RefreshResult> {
  const owner = randomBytes(12).toString('base64url')
  const federation = await takeLease(name, owner, context.now(), options.onlyIfDue ?? false)
  try {
    return await refresh(federation, owner, context, options)
  } catch (error) {
    if (options.signal?.aborted) await releaseLease(name, owner)
    else await recordFailure(federation, owner, context, error)
    throw error
  }
}

async function takeLease(
  name: string,
  owner: string,
  now: Date,
  onlyIfDue: boolean,
): Promise<FederationRecord> {
  const taken = await federations().findOneAndUpdate(
    {
      _id: name,
      $or: [{ lease: { $exists: false } }, { 'lease.until': { $lte: now } }],
      ...(onlyIfDue && { nextRefreshAt: { $lte: now } }),
    },
    { $set: { lease: { owner, until: new Date(now.getTime() + leaseMs) } } },
    { returnDocument: 'after' },
  )
  if (taken?.source.kind === 'mdq') {
    await releaseLease(name, owner)
    throw new IdpError('BAD_REQUEST', `"${name}" has no aggregate: it is asked entity by entity`)
  }
  if (taken) return taken
  if (await federations().findOne({ _id: name }, { projection: { _id: 1 } })) {
    throw new IdpError('SERVICE_UNAVAILABLE', `"${name}" is being refreshed by another process`, {
      status: 503,
    })
  }
  throw new IdpError('FEDERATION_UNKNOWN', `there is no federation "${name}"`, { status: 404 })
}

async function releaseLease(name: string, owner: string): Promise<void> {
  await federations().updateOne({ _id: name, 'lease.owner': owner }, { $unset: { lease: '' } })
}

async function refresh(
  federation: FederationRecord,
  owner: string,
  context: RefreshContext,
  options: RefreshOptions,
): Promise<RefreshResult> {
  const { current, source } = federation
  await removeLeftovers(federation)
  const folder = await mkdtemp(join(tmpdir(), 'propylaia-metadata-'))
  try {
    const file = source.kind === 'file' ? source.file : join(folder, 'aggregate.xml')
    let head: { etag?: string; lastModified?: string } = {}
    if (source.kind === 'url') {
      // Past its end the version in use helps nobody: then the whole document is wanted.
      const known =
        !options.unconditional && current && current.validUntil > context.now()
          ? current
          : undefined
      const { signal } = options
      const limits = { maxBytes: maxAggregateBytes, timeoutMs: downloadTimeoutMs, signal }
      const { etag, lastModified } = known ?? {}
      const answer = await downloadToFile({ url: source.url, etag, lastModified, ...limits }, file)
      if (answer.status === 304 && known) return await recordUnchanged(federation, owner, context)
      if (answer.status !== 200) {
        throw new IdpError(
          'METADATA_UNREACHABLE',
          `${source.url}: the server answers ${answer.status}`,
        )
      }
      head = answer
    }
    return await take(federation, owner, { file, ...head }, context, options)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What refreshes that died have left in the store. */
async function removeLeftovers({ _id, current, generations }: FederationRecord): Promise<void> {
  for (const generation of generations) {
    if (generation === current?.generation) continue
    await removeGeneration(generation)
    await federations().updateOne({ _id }, { $pull: { generations: generation } })
  }
}

async function take(
  federation: FederationRecord,
  owner: string,
  { file, etag, lastModified }: { file: string; etag?: string; lastModified?: string },
  context: RefreshContext,
  { confirmShrink, confirmOlder, onProgress, signal }: RefreshOptions,
): Promise<RefreshResult> {
  const { _id: name, keysPem, filters } = federation
  const now = context.now()
  const generation = randomBytes(9).toString('base64url')
  await federations().updateOne({ _id: name }, { $push: { generations: generation } })
  const work = {
    file,
    federation: name,
    generation,
    keysPem,
    filters,
    ownEntityId: context.config.samlEntityId,
    now,
    clockSkewMs: context.config.clockSkewSeconds * 1000,
    maxValidityMs: federation.maxValidityDays * 86_400_000,
    maxBytes: maxAggregateBytes,
    onProgress,
    signal,
  }
  let imported: ImportResult
  try {
    imported = await importAggregate(work)
    const { summary } = imported
    if (!confirmOlder) refuseOlder(federation, summary, now)
    if (!confirmShrink) refuseShrink(federation, summary)
  } catch (error) {
    await removeGeneration(generation)
    throw error
  }
  const { validUntil, cacheDurationSeconds, creationInstant, entityCount, takenCount, leftOut } =
    imported.summary
  const current: FederationGeneration = {
    generation,
    acceptedAt: now,
    validUntil,
    ...(cacheDurationSeconds !== undefined && { cacheDurationSeconds }),
    ...(creationInstant && { creationInstant }),
    entityCount,
    takenCount,
    leftOut,
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
  }
  const lastAttempt = { at: now, result: 'accepted' } as const
  const nextRefreshAt = nextRefresh({ now, validUntil, cacheDurationSeconds, failures: 0 })
  const changed = await federations().updateOne(
    { _id: name, 'lease.owner': owner },
    { $set: { current, lastAttempt, failures: 0, nextRefreshAt }, $unset: { lease: '' } },
  )
  if (changed.matchedCount === 0) {
    // Whoever removed the federation could not know of what was written since.
    await removeGeneration(generation)
    throw new IdpError('SERVICE_UNAVAILABLE', `"${name}" was removed or taken over meanwhile`, {
      status: 503,
    })
  }
  clearServiceCache()
  await bumpVersion('federation')
  const details = { entities: takenCount, ofAll: entityCount, validUntil: validUntil.toISOString() }
  context.audit.record({
    event: 'federation.refresh',
    result: 'success',
    service: name,
    details,
  })
  return { name, result: 'accepted', current, peakResident: imported.peakResident }
}

/**
 * A document that was genuine once and is valid still could bring back services that the federation
 * has removed since, and keys. By when it was made, where both say so; else by how long it is valid.
 * Past its own end the version in use stands in nobody's way.
 */
function refuseOlder(
  { _id: name, current }: FederationRecord,
  fresh: AggregateSummary,
  now: Date,
): void {
  if (!current || current.validUntil <= now) return
  const [before, after, what] =
    current.creationInstant && fresh.creationInstant
      ? [current.creationInstant, fresh.creationInstant, 'made']
      : [current.validUntil, fresh.validUntil, 'valid until']
  if (after >= before) return
  throw new IdpError(
    'METADATA_OLDER',
    `the new metadata of "${name}" is older than the one in use (${what} ${after.toISOString()}, the one in use ${before.toISOString()}); if that is right: propylaia federation refresh ${name} --confirm-older`,
  )
}

function refuseShrink({ _id: name, current }: FederationRecord, fresh: AggregateSummary): void {
  if (!current) return
  const before = current.takenCount
  if (fresh.takenCount >= before * (1 - maxShrink)) return
  throw new IdpError(
    'METADATA_SHRUNK',
    `the new metadata of "${name}" has ${fresh.takenCount} entities, the one in use has ${before}; if that is right: propylaia federation refresh ${name} --confirm-shrink`,
  )
}

async function recordUnchanged(
  federation: FederationRecord,
  owner: string,
  { now: clock }: RefreshContext,
): Promise<RefreshResult> {
  const { _id: name } = federation
  const current = federation.current!
  const now = clock()
  const { validUntil, cacheDurationSeconds } = current
  const nextRefreshAt = nextRefresh({ now, validUntil, cacheDurationSeconds, failures: 0 })
  await federations().updateOne(
    { _id: name, 'lease.owner': owner },
    {
      $set: { lastAttempt: { at: now, result: 'unchanged' }, failures: 0, nextRefreshAt },
      $unset: { lease: '' },
    },
  )
  return { name, result: 'unchanged', current }
}

async function recordFailure(
  federation: FederationRecord,
  owner: string,
  { now: clock, log, audit }: RefreshContext,
  error: unknown,
): Promise<void> {
  const { _id: name, current } = federation
  const now = clock()
  const failures = federation.failures + 1
  const code = error instanceof IdpError ? error.code : 'INTERNAL_ERROR'
  const problem = (error as Error).message.slice(0, 2000)
  const { validUntil, cacheDurationSeconds } = current ?? {}
  const nextRefreshAt = nextRefresh({ now, validUntil, cacheDurationSeconds, failures })
  await federations().updateOne(
    { _id: name, 'lease.owner': owner },
    {
      $set: { lastAttempt: { at: now, result: 'failed', code, problem }, failures, nextRefreshAt },
      $unset: { lease: '' },
    },
  )
  const kept = current ? `the version of ${current.acceptedAt.toISOString()} stays in use` : ''
  log.error(
    { federation: name, code, failures, err: error },
    `federation metadata refused; ${kept}`,
  )
  audit.record({ event: 'federation.refresh', result: 'failure', reason: code, service: name })
}
