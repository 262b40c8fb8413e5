import { randomBytes, randomInt } from 'node:crypto'
import { codeRecord, makeCode, type OneTimeCode } from '../codes/one-time-code.ts'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import type { Limiter } from '../limits/limiter.ts'
import { codeMessage } from '../messages/code-message.ts'
import type { MessageChannel } from '../messages/messages.ts'
import { findAccount, findAccountByUsername } from '../people/people-store.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'
import type { RecoveryAttempt } from './recovery.ts'
import { takeRequest } from './recovery-limits.ts'
import { recoveryFailure } from './recovery-match.ts'
import { changeRecovery, newRecoveryToken, sendingEvent, startRecovery } from './recovery-store.ts'

/** A second press of the button is not a wish for a second message. */
const resendAfterMs = 30_000
/**
 * From, to. So that the browser's next page, right after the form, is not slower when a message goes
 * out.
 */
export const sendDelayMs = [300, 1500] as const

type SendingContext = Pick<
  AppContext,
  'audit' | 'config' | 'institution' | 'log' | 'messages' | 'now' | 'secrets'
>

/** What the form said, checked and brought to form. */
export interface RecoveryWish {
  readonly username: string
  readonly channel: MessageChannel
  readonly contact: string
}

interface Page {
  readonly language: Language
  readonly t: Translate
  readonly network: string
}

interface Prepared {
  readonly outcome: 'prepared'
  readonly attempt: RecoveryAttempt
  /**
   * Lets the message go, if there is one. To be called once the answer is on its way: how long a
   * gateway or the outbox takes must not tell whether something is sent.
   */
  readonly send: () => void
}

interface Throttled {
  readonly outcome: 'throttled'
  readonly minutes: number
}

/**
 * Begins a recovery. Whether or not a code goes out, the same is read, counted and written.
 *
 * @returns with `token` for the browser's cookie
 */
export async function beginRecovery(
  context: SendingContext,
  limiter: Limiter,
  wish: RecoveryWish,
  page: Page & { readonly flow?: string },
): Promise<(Prepared & { readonly token: string }) | Throttled> {
  const { channel, contact } = wish
  const usernameKey = usernameKeyOf(context, wish.username)
  const minutes = await takeRequest(context, limiter, { usernameKey, contact }, page.network)
  if (minutes > 0) return { outcome: 'throttled', minutes }
  const account = await findAccountByUsername(wish.username)
  const failure = recoveryFailure(context, account, channel, contact)
  const { token, id } = newRecoveryToken(context)
  const { code, record } = newCode(context, id, failure === undefined)
  const attempt = await startRecovery(context, id, {
    language: page.language,
    usernameKey,
    channel,
    contact,
    personId: account?._id,
    failure,
    passwordChangedAt: account?.passwordChangedAt,
    code: record,
    flow: page.flow,
  })
  return { outcome: 'prepared', token, attempt, send: sender(context, attempt, code, page) }
}

/**
 * Sends another code; the one before is void from here on.
 *
 * @returns overtaken: another tab changed the attempt meanwhile
 */
export async function sendAgain(
  context: SendingContext,
  limiter: Limiter,
  attempt: RecoveryAttempt,
  page: Page,
): Promise<Prepared | Throttled | { readonly outcome: 'overtaken' }> {
  const { contact = '', channel, personId, code: previous } = attempt
  const minutes = wasJustSent(context, attempt)
    ? 1
    : await takeRequest(context, limiter, attempt, page.network)
  if (minutes > 0) return { outcome: 'throttled', minutes }
  // Asked again: the account may have been disabled since, or the contact withdrawn.
  const account = await findAccount(personId ?? '')
  const failure = recoveryFailure(context, account, channel, contact)
  const { code, record } = newCode(context, attempt._id, failure === undefined)
  const { name: event, detail } = sendingEvent(context.now(), failure)
  const passwordChangedAt = account?.passwordChangedAt
  const prepared = await changeRecovery(context, attempt, {
    // Two presses at once send one code.
    when: { 'code.hmac': previous?.hmac },
    set: {
      code: record,
      ...(failure === undefined ? {} : { failure }),
      ...(passwordChangedAt === undefined ? {} : { passwordChangedAt }),
    },
    unset: failure === undefined ? ['failure'] : [],
    increment: { codesSent: 1 },
    event,
    detail,
  })
  if (!prepared) return { outcome: 'overtaken' }
  return { outcome: 'prepared', attempt: prepared, send: sender(context, prepared, code, page) }
}

/** Whether this browser has just asked for the very same: a form that was sent twice. */
export function isSameWish(
  context: Pick<AppContext, 'secrets' | 'now'>,
  attempt: RecoveryAttempt,
  wish: RecoveryWish,
): boolean {
  return (
    attempt.step === 'code' &&
    attempt.channel === wish.channel &&
    attempt.contact === wish.contact &&
    attempt.usernameKey === usernameKeyOf(context, wish.username) &&
    wasJustSent(context, attempt)
  )
}

function wasJustSent({ now }: Pick<AppContext, 'now'>, { code }: RecoveryAttempt): boolean {
  return code !== undefined && now().getTime() - code.sentAt.getTime() < resendAfterMs
}

function usernameKeyOf({ secrets }: Pick<AppContext, 'secrets'>, username: string): string {
  return keyedHash(secrets.get('code-hmac'), `recovery-username|${username}`).toString('hex')
}

/** Without a message the code is something that does not look like a code, and that nobody learns. */
function newCode(
  context: Pick<AppContext, 'secrets' | 'now'>,
  owner: string,
  isSent: boolean,
): { code: string | undefined; record: OneTimeCode } {
  const code = makeCode()
  const unknowable = randomBytes(16).toString('hex')
  const record = codeRecord(context, owner, isSent ? code : unknowable)
  return { code: isSent ? code : undefined, record }
}

function sender(
  context: SendingContext,
  attempt: RecoveryAttempt,
  code: string | undefined,
  page: Page,
): () => void {
  const { reference, personId, contact = '' } = attempt
  const send = (code: string) =>
    context.messages
      .send({
        ...codeMessage(
          context,
          { channel: attempt.channel, to: contact },
          { kind: 'recovery-code', code, texts: 'messages.recoveryCode', ...page },
        ),
        reference,
        personId,
        validUntil: attempt.code?.expiresAt,
      })
      .catch((error) => context.log.error({ err: error, reference }, 'code was not taken over'))
  return () => {
    if (code !== undefined) setTimeout(() => send(code), randomInt(...sendDelayMs)).unref()
  }
}
