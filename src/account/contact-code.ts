import { codeRecord, isSameCode, makeCode } from '../codes/one-time-code.ts'
import type { AppContext } from '../context.ts'
import type { Limiter } from '../limits/limiter.ts'
import { networkOf } from '../limits/network.ts'
import { codeMessage } from '../messages/code-message.ts'
import { createReference } from '../web/reference.ts'
import {
  type ContactKind,
  contactKinds,
  type PendingContact,
  pendingContacts,
} from './contact-model.ts'
import type { Visit } from './signed-in.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** A second press of the button is not a wish for a second message. */
const resendAfterMs = 30_000
/** How long new codes can be asked for before the contact is given again. */
const pendingMs = hourMs

/** Codes for one telephone or mail address, whoever asks for them. */
const perContactHour = 5
const perContactDay = 12
const perPersonDay = 20
const perNetworkHour = 60
/** Wrong codes of one person in a day, over all changes. */
const wrongPerPersonDay = 30

export const channelOf = { mobile: 'sms', email: 'email' } as const

type SendingContext = Pick<
  AppContext,
  'config' | 'institution' | 'messages' | 'now' | 'secrets' | 'log'
>
type Sender = Pick<Visit, 'req' | 'session' | 'language' | 't'>

export type ContactSending =
  | { readonly outcome: 'sent'; readonly pending: PendingContact }
  | { readonly outcome: 'throttled'; readonly minutes: number }

/**
 * Sends a code to a contact that the person wants to give us; an earlier one of that kind is void
 * from here on, whichever contact it was for. The record comes first: nobody is sent a code that we
 * do not know.
 *
 * @param reference of the matter, when there is one already
 */
export async function sendContactCode(
  context: SendingContext,
  limiter: Limiter,
  visit: Sender,
  contact: { kind: ContactKind; value: string },
  reference = createReference(),
): Promise<ContactSending> {
  const { kind, value } = contact
  const { id: sessionId, personId } = visit.session
  const now = context.now()
  const _id = `${personId}:${kind}`
  const earlier = await pendingContacts().findOne({ _id, value, sessionId })
  const isTooSoon = earlier && now.getTime() - earlier.code.sentAt.getTime() < resendAfterMs
  const minutes = isTooSoon ? 1 : await takeLimits(limiter, visit, value)
  if (minutes > 0) return { outcome: 'throttled', minutes }

  const code = makeCode()
  const record = codeRecord(context, ownerOf(_id, value), code)
  const pending: PendingContact = {
    _id,
    personId,
    kind,
    value,
    reference,
    sessionId,
    code: record,
    expiresAt: new Date(now.getTime() + pendingMs),
  }
  await pendingContacts().replaceOne({ _id }, pending, { upsert: true })
  const { language, t } = visit
  const receipt = await context.messages.send({
    ...codeMessage(
      context,
      { channel: channelOf[kind], to: value },
      { kind: 'contact-code', code, texts: 'messages.contactCode', language, t },
    ),
    reference,
    personId,
    validUntil: record.expiresAt,
  })
  await pendingContacts().updateOne(
    { _id, 'code.hmac': record.hmac },
    { $set: { 'code.messageIds': [receipt.id] } },
  )
  return { outcome: 'sent', pending }
}

/** Contacts that this sign-in is waiting to have confirmed, the mobile first. */
export async function findPendingContacts(
  context: Pick<AppContext, 'now'>,
  session: Visit['session'],
): Promise<PendingContact[]> {
  const { id: sessionId, personId } = session
  const found = await pendingContacts()
    .find({
      _id: { $in: contactKinds.map((kind) => `${personId}:${kind}`) },
      sessionId,
      expiresAt: { $gt: context.now() },
    })
    .toArray()
  return contactKinds.flatMap((kind) => found.filter((pending) => pending.kind === kind))
}

/** Gives up a contact that is not confirmed. */
export async function forgetPendingContact(
  session: Visit['session'],
  kind: ContactKind,
): Promise<void> {
  const { id: sessionId, personId } = session
  await pendingContacts().deleteOne({ _id: `${personId}:${kind}`, sessionId })
}

export type ContactCodeCheck =
  /** `pending` is taken out of the store: of parallel calls one gets it. */
  | { readonly outcome: 'right'; readonly pending: PendingContact }
  | { readonly outcome: 'wrong'; readonly triesLeft: number }
  | { readonly outcome: 'throttled'; readonly minutes: number }
  /** None of this sign-in; a parallel call was right or a newer code was sent. */
  | { readonly outcome: 'expired' | 'used-up' | 'none' }

/** Compares a code. A try is taken before, so that guesses sent at once get no extra ones. */
export async function checkContactCode(
  context: Pick<AppContext, 'now' | 'secrets'>,
  limiter: Limiter,
  session: Visit['session'],
  given: { kind: ContactKind; code: string },
): Promise<ContactCodeCheck> {
  const now = context.now()
  const { personId } = session
  const own = { _id: `${personId}:${given.kind}`, sessionId: session.id }
  const found = await pendingContacts().findOne({ ...own, expiresAt: { $gt: now } })
  if (!found) return { outcome: 'none' }
  if (found.code.expiresAt <= now) return { outcome: 'expired' }
  if (found.code.triesLeft <= 0) return { outcome: 'used-up' }

  const limit = {
    name: 'contact-code-wrong',
    subject: personId,
    max: wrongPerPersonDay,
    windowMs: dayMs,
  }
  const minutes = await limiter.take(limit)
  if (minutes > 0) return { outcome: 'throttled', minutes }
  const tried = await pendingContacts().findOneAndUpdate(
    { ...own, 'code.triesLeft': { $gt: 0 }, 'code.expiresAt': { $gt: now } },
    { $inc: { 'code.triesLeft': -1 } },
    { returnDocument: 'after' },
  )
  if (!tried) return { outcome: 'none' }
  if (!isSameCode(context, ownerOf(tried._id, tried.value), given.code, tried.code.hmac)) {
    const { triesLeft } = tried.code
    return triesLeft > 0 ? { outcome: 'wrong', triesLeft } : { outcome: 'used-up' }
  }
  await limiter.giveBack(limit)
  const pending = await pendingContacts().findOneAndDelete({
    ...own,
    'code.hmac': tried.code.hmac,
  })
  return pending ? { outcome: 'right', pending } : { outcome: 'none' }
}

/** The same digits for another contact give another hash. */
function ownerOf(pendingId: string, value: string): string {
  return `contact|${pendingId}|${value}`
}

/**
 * The asker first: one who is stopped does not use up the codes of a contact that may be another's.
 *
 * @returns minutes to wait, 0 when the code may go out
 */
function takeLimits(limiter: Limiter, { req, session }: Sender, value: string): Promise<number> {
  const { personId } = session
  const network = networkOf(req.ip ?? 'unknown')
  return limiter.takeAll([
    { name: 'contact-code-network', subject: network, max: perNetworkHour, windowMs: hourMs },
    { name: 'contact-code-person', subject: personId, max: perPersonDay, windowMs: dayMs },
    { name: 'contact-code-hour', subject: value, max: perContactHour, windowMs: hourMs },
    { name: 'contact-code-day', subject: value, max: perContactDay, windowMs: dayMs },
  ])
}
