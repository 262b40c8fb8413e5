import type { Store } from 'express-session'
import { type AuditEntry, findEventPage } from '../audit/read-audit-log.ts'
import type { AppContext } from '../context.ts'
import { nameService } from '../federation/describe-service.ts'
import { listOwnSessions, sessionHandle } from '../sso/own-sessions.ts'
import { formatMoment } from '../web/date-time.ts'
import type { Language } from '../web/language.ts'
import { browserName } from './browser-name.ts'
import { shortAddress } from './short-address.ts'
import type { Visit } from './signed-in.ts'

/** Events after which somebody was signed in, or was not. */
const signInEvents = ['login', 'activation.done', 'recovery.done'] as const
export const signInsAtOnce = 20

/** How the person proved who they are; texts are `account.signIns.way.…`. */
type SignInWay = 'password' | 'pin' | 'passphrase' | 'recovery'

/** Refusals that have a sentence of their own; the rest is the account's standing. */
const knownFailures = ['wrong-password', 'throttled']

/** Sign-ins that were tried, newest first, as their page shows them. */
export async function recentSignIns(
  { account, language }: Pick<Visit, 'account' | 'language'>,
  before?: Date,
) {
  const page = { before, limit: signInsAtOnce }
  const { entries, older } = await findEventPage(account._id, signInEvents, page)
  const shown = await Promise.all(
    entries
      .filter((entry) => entry.event === 'login' || entry.result === 'success')
      .map(async (entry) => ({
        at: formatMoment(entry.at, language),
        isSuccess: entry.result === 'success',
        failure: entry.result === 'success' ? undefined : failureOf(entry),
        way: wayOf(entry),
        browser: browserName(entry.userAgent),
        address: shortAddress(entry.address),
        service: entry.service ? await nameService(entry.service, language) : undefined,
      })),
  )
  return { signIns: shown, older }
}

function failureOf({ reason }: AuditEntry): string {
  return knownFailures.find((known) => known === reason) ?? 'standing'
}

function wayOf({ event, details }: AuditEntry): SignInWay {
  if (event === 'recovery.done') return 'recovery'
  if (event !== 'activation.done') return 'password'
  return details?.way === 'passphrase' ? 'passphrase' : 'pin'
}

/** Browsers that are signed in: this one first, then the newest. */
export async function openSessions(
  context: Pick<AppContext, 'config' | 'now'>,
  store: Store,
  { account, session, language }: Pick<Visit, 'account' | 'session' | 'language'>,
) {
  const current = sessionHandle(session)
  const sessions = await Promise.all(
    (await listOwnSessions(context, store, account)).map(async (own) => ({
      handle: own.handle,
      isCurrent: own.handle === current,
      browser: browserName(own.userAgent),
      address: shortAddress(own.address),
      startedAt: formatMoment(own.startedAt, language),
      lastSeenAt: formatMoment(own.lastSeenAt, language),
      services: await namesOf(own.services, language),
    })),
  )
  return sessions.sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent))
}

async function namesOf(services: readonly { id: string }[], language: Language): Promise<string[]> {
  const names = await Promise.all(services.map(({ id }) => nameService(id, language)))
  return [...new Set(names)]
}
