import { Binary } from 'mongodb'
import { IdpError } from '../../errors.ts'
import type { ServiceProvider } from '../service.ts'
import { parseServiceProviderMetadata } from '../service-provider-metadata.ts'
import { type AggregateEntity, maxEntityBytes, readAggregate } from './aggregate-reader.ts'
import { matchesFilters } from './federation-filters.ts'
import { type FederationRecord, federations } from './federation-model.ts'
import { MdqLimits } from './mdq-limits.ts'
import { answerKey, type MdqAnswer, mdqAnswers } from './mdq-model.ts'
import { download } from './metadata-download.ts'
import { readPinnedKeys } from './pinned-keys.ts'

/** Somebody waits for their sign-in meanwhile. */
const timeoutMs = 5000
/** saml2int SDP-G01. The look-up knows no configuration. */
const clockSkewMs = 180_000
const minute = 60_000
/** How long an answer is fresh that does not say, and what is believed of one that does. */
const fresh = { usualMs: 60 * minute, shortestMs: minute, longestMs: 24 * 60 * minute }
const absent = { usualMs: 10 * minute, shortestMs: minute, longestMs: 60 * minute }

export type MdqFederation = Pick<
  FederationRecord,
  '_id' | 'source' | 'keysPem' | 'filters' | 'maxValidityDays'
>

const underWay = new Map<string, Promise<MdqAnswer | undefined>>()
const limits = new Map<string, MdqLimits>()

/**
 * A service provider that a federation's MDQ server knows (draft-young-md-query, -saml): from the
 * store while the answer is fresh, else asked for by entityID and verified. While the server fails
 * the answer before stays good until its validUntil; "no such entity" is remembered too.
 */
export async function findMdqService(
  federation: MdqFederation,
  entityId: string,
  now: Date,
): Promise<ServiceProvider | undefined> {
  const xml = await findMdqEntity(federation, entityId, now)
  if (xml === undefined) return undefined
  try {
    const service = parseServiceProviderMetadata(xml, `federation:${federation._id}`, now)
    return { ...service, state: 'approved' }
  } catch (error) {
    if (error instanceof IdpError) return undefined
    throw error
  }
}

/** The same for the EntityDescriptor itself, of whatever role the filters let in. */
export async function findMdqEntity(
  federation: MdqFederation,
  entityId: string,
  now: Date,
): Promise<string | undefined> {
  if (!/^(https?:\/\/|urn:)[!#-;=?-Z_a-z~[\]%]+$/i.test(entityId)) return undefined
  const key = answerKey(federation, entityId)
  const stored = (await mdqAnswers().findOne({ _id: key })) ?? undefined
  const answer =
    stored && stored.freshUntil > now ? stored : await ask(federation, entityId, stored, now)
  if (answer?.entityId !== entityId || !answer.xml || !answer.validUntil) return undefined
  return answer.validUntil <= now ? undefined : Buffer.from(answer.xml.buffer).toString('utf8')
}

/** One question at a time about an entity, however many wait for it. */
function ask(
  federation: MdqFederation,
  entityId: string,
  stored: MdqAnswer | undefined,
  now: Date,
): Promise<MdqAnswer | undefined> {
  const key = answerKey(federation, entityId)
  const asked = underWay.get(key)
  if (asked) return asked
  const limit = limits.get(federation._id) ?? new MdqLimits()
  limits.set(federation._id, limit)
  if (!limit.take(now, stored?.xml !== undefined)) return Promise.resolve(stored)
  const asking = fetchAnswer(federation, entityId, stored, now)
    .catch(async (error) => {
      if (!(error instanceof IdpError)) throw error
      // Only a server that cannot be reached is left alone; one bad entity says nothing of others.
      if (error.code === 'METADATA_UNREACHABLE') limit.failed(now)
      await recordFailure(federation._id, entityId, error, now)
      return stored
    })
    .finally(() => {
      limit.done()
      underWay.delete(key)
    })
  underWay.set(key, asking)
  return asking
}

async function fetchAnswer(
  federation: MdqFederation,
  entityId: string,
  stored: MdqAnswer | undefined,
  now: Date,
): Promise<MdqAnswer | undefined> {
  if (federation.source.kind !== 'mdq') return stored
  const pieces: Uint8Array[] = []
  const isUsable = stored?.xml !== undefined && stored.validUntil! > now
  const url = `${federation.source.url}entities/${encodeURIComponent(entityId)}`
  const request = { url, maxBytes: 2 * maxEntityBytes, timeoutMs }
  const head = await download({ ...request, etag: isUsable ? stored.etag : undefined }, (piece) => {
    pieces.push(piece)
  })
  const maxAgeMs = head.maxAgeSeconds === undefined ? undefined : head.maxAgeSeconds * 1000
  const record = { _id: answerKey(federation, entityId), federation: federation._id, entityId }
  if (head.status === 404) return save(absentAnswer(record, stored, later(now, maxAgeMs, absent)))
  if (head.status === 304 && stored) {
    return save({ ...stored, freshUntil: later(now, maxAgeMs, fresh) })
  }
  const { entity, creationInstant } = readOne(Buffer.concat(pieces), federation, entityId, now)
  // Another worker may have asked meanwhile.
  const newest = (await mdqAnswers().findOne({ _id: record._id })) ?? stored
  const made = { validUntil: entity.validUntil, ...(creationInstant && { creationInstant }) }
  if (newest && isOlder(made, newest, now)) {
    const error = olderAnswer(entityId, made, newest)
    await recordFailure(federation._id, entityId, error, now)
    // Asked again soon, but not by every sign-in until then.
    return save({ ...newest, freshUntil: new Date(now.getTime() + fresh.shortestMs) })
  }
  if (!matchesFilters(entity, federation.filters)) {
    return save(absentAnswer(record, { ...record, ...made }, later(now, maxAgeMs, absent)))
  }
  const seconds = entity.cacheDurationSeconds
  return save({
    ...record,
    ...made,
    xml: new Binary(entity.xml),
    ...(head.etag !== undefined && { etag: head.etag }),
    freshUntil: later(now, seconds === undefined ? maxAgeMs : seconds * 1000, fresh),
    expiresAt: entity.validUntil,
  })
}

/**
 * "No such entity" is never signed: what is known of the newest answer outlives it, or a forged 404
 * would open the way for an older one.
 */
function absentAnswer(
  record: Pick<MdqAnswer, '_id' | 'federation' | 'entityId'>,
  { validUntil, creationInstant }: Partial<MdqAnswer> = {},
  freshUntil: Date,
): MdqAnswer {
  return {
    ...record,
    ...(validUntil && { validUntil }),
    ...(creationInstant && { creationInstant }),
    freshUntil,
    expiresAt: validUntil && validUntil > freshUntil ? validUntil : freshUntil,
  }
}

type Age = Pick<MdqAnswer, 'validUntil' | 'creationInstant'>

/**
 * A genuine answer of before that is valid still could bring back keys and addresses that the service
 * has given up. Told as of an aggregate: by when it was made, where both say so, else by how long it is
 * valid. Past its own end the answer before stands in nobody's way.
 */
function isOlder(fresh: Age, before: Age, now: Date): boolean {
  if (!before.validUntil || before.validUntil <= now) return false
  return fresh.creationInstant && before.creationInstant
    ? fresh.creationInstant < before.creationInstant
    : fresh.validUntil! < before.validUntil
}

function olderAnswer(entityId: string, fresh: Age, before: Age): IdpError {
  const told = ({ creationInstant, validUntil }: Age) =>
    creationInstant
      ? `made ${creationInstant.toISOString()}`
      : `valid until ${validUntil?.toISOString()}`
  return new IdpError(
    'METADATA_OLDER',
    `the answer about "${entityId}" is older (${told(fresh)}) than the one in use (${told(before)}), which stays`,
  )
}

function readOne(
  bytes: Buffer,
  federation: MdqFederation,
  entityId: string,
  now: Date,
): { readonly entity: AggregateEntity; readonly creationInstant?: Date } {
  let position = 0
  let entity: AggregateEntity | undefined
  const { isSingle, entityCount, creationInstant } = readAggregate(
    (target) => {
      const count = bytes.copy(target, 0, position)
      position += count
      return count
    },
    {
      keys: readPinnedKeys(federation.keysPem),
      now,
      clockSkewMs,
      maxValidityMs: federation.maxValidityDays * 86_400_000,
      maxBytes: 2 * maxEntityBytes,
      onEntity: (one) => {
        entity = one
      },
    },
  )
  // Another entity's metadata is genuine too; it must not stand in for the one asked about.
  if (!isSingle || entityCount !== 1 || entity?.entityId !== entityId) {
    throw new IdpError(
      'METADATA_INVALID',
      `asked about "${entityId}", the server answers with "${entity?.entityId ?? 'a group'}"`,
    )
  }
  return { entity, creationInstant }
}

async function save(answer: MdqAnswer): Promise<MdqAnswer> {
  await mdqAnswers().replaceOne({ _id: answer._id }, answer, { upsert: true })
  return answer
}

function later(
  now: Date,
  saidMs: number | undefined,
  { usualMs, shortestMs, longestMs }: typeof fresh,
): Date {
  const ms = Math.min(Math.max(saidMs ?? usualMs, shortestMs), longestMs)
  return new Date(now.getTime() + ms)
}

/** For `federation list`; nobody signs in by it, so it may be written by several workers at once. */
async function recordFailure(
  federation: string,
  entityId: string,
  error: IdpError,
  now: Date,
): Promise<void> {
  const problem = `${entityId}: ${error.message}`.slice(0, 2000)
  const lastAttempt = { at: now, result: 'failed', code: error.code, problem } as const
  await federations().updateOne({ _id: federation }, { $set: { lastAttempt } })
}
