import { codeRecord, makeCode } from '../codes/one-time-code.ts'
import type { AppContext } from '../context.ts'
import type { Limit, Limiter } from '../limits/limiter.ts'
import { codeMessage } from '../messages/code-message.ts'
import { type Recipient, recipientsOf } from '../messages/recipients.ts'
import type { Contact } from '../people/contact-match.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'
import type { ActivationAttempt } from './attempt.ts'
import { changeAttempt } from './attempt-store.ts'
import { countStage } from './funnel.ts'

const quarterMs = 15 * 60_000
const hourMs = 60 * 60_000
const dayMs = 24 * hourMs
/** A second press of the button is not a wish for a second message. */
const resendAfterMs = 30_000

type SendingContext = Pick<AppContext, 'config' | 'institution' | 'messages' | 'now' | 'secrets'>

const contactField = { sms: 'mobile', email: 'email' } as const

export type PinSending =
  | { readonly outcome: 'sent'; readonly attempt: ActivationAttempt }
  | { readonly outcome: 'throttled'; readonly minutes: number }
  /** Another tab changed the attempt meanwhile. */
  | { readonly outcome: 'overtaken' }

/**
 * Makes a PIN and sends it to the contact; an earlier one of this attempt is void from here on. The
 * attempt holds the new PIN before the message goes out: a person never has one that we do not know.
 */
export async function sendPin(
  context: SendingContext,
  limiter: Limiter,
  attempt: ActivationAttempt,
  sending: {
    contact: Contact
    candidates: readonly string[]
    network: string
    language: Language
    t: Translate
  },
): Promise<PinSending> {
  const { contact, language, t } = sending
  const recipients = recipientsOf(contact)
  const minutes =
    waitForResend(context, attempt, contact) ||
    (await takeLimits(context, limiter, recipients, sending.network))
  if (minutes > 0) return { outcome: 'throttled', minutes }

  const now = context.now()
  const pin = makeCode()
  const record = codeRecord(context, attempt._id, pin)
  const prepared = await changeAttempt(context, attempt, {
    // Whom the contact belongs to was looked up for this role.
    when: { role: attempt.role },
    set: {
      step: 'pin',
      candidates: sending.candidates,
      ...Object.fromEntries(recipients.map(({ channel, to }) => [contactField[channel], to])),
      pin: record,
    },
    unset: (['mobile', 'email'] as const).filter((field) => contact[field] === undefined),
    increment: { pinsSent: 1 },
    event: 'pin-sent',
    detail: recipients.map(({ channel }) => channel).join(', '),
  })
  if (!prepared) return { outcome: 'overtaken' }
  if (prepared.pinsSent === 1 && attempt.role) await countStage('pinSent', attempt.role, now)

  const receipts = await Promise.all(
    recipients.map((recipient) =>
      context.messages.send({
        ...codeMessage(context, recipient, {
          kind: 'activation-pin',
          code: pin,
          texts: 'messages.activationPin',
          language,
          t,
        }),
        reference: attempt.reference,
        validUntil: record.expiresAt,
      }),
    ),
  )
  const failed = recipients.filter((_, index) => receipts[index]?.state === 'failed')
  const noted = await changeAttempt(context, prepared, {
    when: { 'pin.hmac': record.hmac },
    set: { 'pin.messageIds': receipts.map(({ id }) => id) } as object,
    ...(failed.length > 0
      ? { event: 'pin-not-sent', detail: failed.map(({ channel }) => channel).join(', ') }
      : {}),
  })
  return { outcome: 'sent', attempt: noted ?? prepared }
}

/** Somebody who gives another contact, because the first cannot be reached, need not wait. */
function waitForResend(
  context: Pick<AppContext, 'now'>,
  { pin, mobile, email }: ActivationAttempt,
  contact: Contact,
): number {
  const isSame = mobile === contact.mobile && email === contact.email
  const sentAgoMs = pin ? context.now().getTime() - pin.sentAt.getTime() : resendAfterMs
  return isSame && sentAgoMs < resendAfterMs ? 1 : 0
}

/** @returns minutes to wait, 0 when the PIN may go out */
async function takeLimits(
  { config }: Pick<AppContext, 'config'>,
  limiter: Limiter,
  recipients: readonly Recipient[],
  network: string,
): Promise<number> {
  const limits: Limit[] = [
    {
      name: 'activation-pin-network',
      subject: network,
      max: config.activationPinsPerAddress,
      windowMs: quarterMs,
    },
    ...recipients.flatMap(({ to }): Limit[] => {
      const perHour = config.activationPinsPerContact
      return [
        { name: 'activation-pin-hour', subject: to, max: perHour, windowMs: hourMs },
        { name: 'activation-pin-day', subject: to, max: perHour * 3, windowMs: dayMs },
      ]
    }),
  ]
  return limiter.takeAll(limits)
}
