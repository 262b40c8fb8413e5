import type { Request } from 'express'
import { IdpError } from '../errors.ts'
import type { Limit, Limiter } from '../limits/limiter.ts'
import { networkOf } from '../limits/network.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Per network, in an hour: checking costs us work, fetching costs others some. */
const perNetwork = {
  check: 60,
  fetch: 20,
  request: 10,
  manage: 60,
  sandbox: 20,
  /** What a service's own server calls in a test: several calls for each login. */
  sandboxCall: 200,
} as const

export type LimitedUse = keyof typeof perNetwork

export function networkLimit(use: LimitedUse, req: Request): Limit {
  const subject = networkOf(req.ip ?? '')
  return { name: `registration-${use}`, subject, max: perNetwork[use], windowMs: hourMs }
}

/** Of all that asks one request's sandbox, in an hour. */
export function trialLimit(reference: string): Limit {
  return { name: 'registration-trial', subject: reference, max: 300, windowMs: hourMs }
}

/**
 * Mails to one address, and requests for one service, in a day: nobody is flooded in our name. From
 * one network fewer than in all, or whoever names a service and its contact could use up what the
 * service's owner may ask for.
 */
export function mailLimits(contact: string, serviceId: string, req: Request): Limit[] {
  const mailbox = contact.toLowerCase()
  const network = networkOf(req.ip ?? '')
  const perDay = { windowMs: dayMs }
  return [
    { name: 'registration-mail-from', subject: `${network}|${mailbox}`, max: 5, ...perDay },
    { name: 'registration-service-from', subject: `${network}|${serviceId}`, max: 5, ...perDay },
    { name: 'registration-mail', subject: mailbox, max: 20, ...perDay },
  ]
}

/** @throws {IdpError} REGISTRATION_THROTTLED (429) */
export async function takeOrRefuse(limiter: Limiter, limits: readonly Limit[]): Promise<void> {
  const minutes = await limiter.takeAll(limits)
  if (minutes > 0) {
    throw new IdpError('REGISTRATION_THROTTLED', `the limit ends in ${minutes} minutes`, {
      status: 429,
    })
  }
}
