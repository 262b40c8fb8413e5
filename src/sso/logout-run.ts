import { timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import { attemptCookie } from '../web/attempt-cookie.ts'
import type { LogoutEnd, LogoutOutcome } from './logout-channels.ts'
import { LogoutRunModel, type LogoutRunRecord, type RunService } from './logout-run-model.ts'
import { recordOutcome, tellLimitMs } from './tell-services.ts'

/** How long the page of a logout can be looked at. */
const lifetimeMs = 15 * 60_000
/** The write after the last moment in which a service may answer. */
const graceMs = 1000

/** A page that asks again and again leaves no more behind: only the latest messages can be answered. */
const maxRequestIds = 20

const browserCookie = attemptCookie('logout')

/** `waiting`: the browser has not been sent there yet. */
export type ServiceState = 'waiting' | 'telling' | LogoutOutcome

export interface NewRun {
  readonly personId: string
  readonly username: string
  readonly services: RunService[]
  readonly end?: LogoutEnd
}

/** Writes down a logout whose session is over, and ties it to this browser. */
export async function createRun(
  context: AppContext,
  req: Request,
  res: Response,
  { end, ...run }: NewRun,
): Promise<LogoutRunRecord> {
  const now = context.now()
  // One cookie for several runs: another tab may still look at the one before.
  const token = browserCookie.read(context, req)?.token ?? randomToken()
  const record: LogoutRunRecord = {
    ...run,
    _id: randomToken(),
    browserHmac: browserHash(context, token).toString('hex'),
    startedAt: now,
    ...(end && { end: JSON.stringify(end) }),
    expiresAt: new Date(now.getTime() + lifetimeMs),
  }
  await LogoutRunModel.create(record)
  browserCookie.set(context, res, { token }, record)
  return record
}

/** @returns undefined when there is no such run, or it is another browser's */
export async function findRun(
  context: AppContext,
  req: Request,
  id: unknown,
): Promise<LogoutRunRecord | undefined> {
  const token = browserCookie.read(context, req)?.token
  if (typeof id !== 'string' || token === undefined) return undefined
  const run = await LogoutRunModel.findById(id).lean<LogoutRunRecord>()
  if (!run || run.expiresAt <= context.now()) return undefined
  const expected = Buffer.from(run.browserHmac, 'hex')
  return timingSafeEqual(expected, browserHash(context, token)) ? run : undefined
}

/** The page is there: from now on runs the time of services that the browser tells. */
export async function noteShown(
  context: AppContext,
  run: LogoutRunRecord,
): Promise<LogoutRunRecord> {
  if (run.shownAt) return run
  const shownAt = context.now()
  const found = await LogoutRunModel.findOneAndUpdate(
    { _id: run._id, shownAt: { $exists: false } },
    { $set: { shownAt } },
    { returnDocument: 'after' },
  ).lean<LogoutRunRecord>()
  // Another request of this browser was first.
  return found ?? { ...run, shownAt }
}

/**
 * How far a service is. Nothing is waited for for ever: what has no outcome in time has none, also when
 * the process that was telling it died.
 */
export function stateOf(
  run: Pick<LogoutRunRecord, 'startedAt' | 'shownAt'>,
  service: Pick<RunService, 'outcome' | 'channel'>,
  now: Date,
): ServiceState {
  if (service.outcome) return service.outcome
  const since = service.channel === 'back' ? run.startedAt : run.shownAt
  if (!since) return 'waiting'
  return now.getTime() - since.getTime() >= tellLimitMs + graceMs ? 'no-answer' : 'telling'
}

export function endOf(run: Pick<LogoutRunRecord, 'end'>): LogoutEnd | undefined {
  return run.end === undefined ? undefined : JSON.parse(run.end)
}

/** How many services did not say that their session is over. */
export function countLeft(run: LogoutRunRecord, now: Date): number {
  return run.services.filter((service) => stateOf(run, service, now) !== 'done').length
}

/** Whether nobody is being told any more. */
export function isOver(run: LogoutRunRecord, now: Date): boolean {
  return run.services.every((service) => {
    const state = stateOf(run, service, now)
    return state !== 'waiting' && state !== 'telling'
  })
}

/** What came of telling a service over the back channel. One that the browser told meanwhile stays `done`. */
export async function noteOutcome(
  id: string,
  index: number,
  outcome: LogoutOutcome,
): Promise<void> {
  await LogoutRunModel.updateOne(
    { _id: id, [`services.${index}.outcome`]: { $ne: 'done' } },
    { $set: { [`services.${index}.outcome`]: outcome } },
  )
}

/** Written before the browser is sent: only an answer to a message that we know counts. */
export async function noteRequest(id: string, index: number, requestId: string): Promise<void> {
  await LogoutRunModel.updateOne(
    { _id: id },
    { $push: { [`services.${index}.requestIds`]: { $each: [requestId], $slice: -maxRequestIds } } },
  )
}

/**
 * The answer of a service to a message that a browser carried. The caller has verified who sent it.
 *
 * @param answer.requestId random, known to that service alone: it binds the answer to this run
 * @returns the run; undefined when no such message is waited for
 */
export async function recordFrontOutcome(
  context: AppContext,
  answer: {
    requestId: string
    protocol: RunService['protocol']
    id: string
    outcome: LogoutOutcome
  },
): Promise<string | undefined> {
  const run = await LogoutRunModel.findOne({
    'services.requestIds': answer.requestId,
    expiresAt: { $gt: context.now() },
  }).lean<LogoutRunRecord>()
  const index = run?.services.findIndex(
    ({ requestIds, protocol, id }) =>
      requestIds?.includes(answer.requestId) && protocol === answer.protocol && id === answer.id,
  )
  if (!run || index === undefined || index < 0) return undefined
  const service = run.services[index] as RunService
  await noteOutcome(run._id, index, answer.outcome)
  const { personId, username } = run
  const session = { id: service.sessionId, personId, username }
  recordOutcome(context, session, service, answer.outcome, 'browser')
  return run._id
}

function browserHash({ secrets }: Pick<AppContext, 'secrets'>, token: string): Buffer {
  return keyedHash(secrets.get('code-hmac'), `logout-run|${token}`)
}
