import { timingSafeEqual } from 'node:crypto'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import type { MessageChannel } from '../messages/messages.ts'
import { type Account, accountStanding } from '../people/account.ts'
import { checkPersonalEmail } from '../people/email.ts'
import type { RecoveryFailure } from './recovery.ts'

/**
 * Whether a code may go to this contact for this account: only to the one that the person left with
 * us, with consent, on an account that can be used, and never to an address of the institution, which
 * opens with the very password that was forgotten. A locked account may: a new password releases it.
 *
 * @param account null for a username that nobody has
 * @param contact as typed, brought to form
 * @returns why not; undefined when it may
 */
export function recoveryFailure(
  context: Pick<AppContext, 'config' | 'secrets' | 'now'>,
  account: Account | null,
  channel: MessageChannel,
  contact: string,
): RecoveryFailure | undefined {
  const [kept, consentAt] =
    channel === 'sms'
      ? [account?.mobile, account?.mobileConsentAt]
      : [account?.email, account?.emailConsentAt]
  // Compared in any case, and as keyed hashes: how much is alike takes no time that could be measured.
  const isSame = timingSafeEqual(contactHash(context, kept ?? ''), contactHash(context, contact))
  if (!account) return 'unknown-username'
  const standing = accountStanding(account, context.now())
  if (standing !== 'active' && standing !== 'locked') return standing
  if (isInstitutional(context, channel, contact)) return 'institutional-address'
  if (!kept) return 'no-contact'
  if (!consentAt) return 'no-consent'
  return isSame ? undefined : 'contact-differs'
}

/** Told by what was typed alone. */
export function isInstitutional(
  { config }: Pick<AppContext, 'config'>,
  channel: MessageChannel,
  contact: string,
): boolean {
  return (
    channel === 'email' &&
    checkPersonalEmail(contact, config.scope).reason === 'EMAIL_INSTITUTIONAL'
  )
}

function contactHash({ secrets }: Pick<AppContext, 'secrets'>, contact: string): Buffer {
  return keyedHash(secrets.get('code-hmac'), `recovery-contact|${contact}`)
}
