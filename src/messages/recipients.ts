import { maskContact } from './mask.ts'
import type { MessageChannel } from './messages.ts'

export interface Recipient {
  readonly channel: MessageChannel
  /** E.164, or a mail address. */
  readonly to: string
}

/** Where somebody with these contacts can be reached: SMS first. */
export function recipientsOf(contact: { mobile?: string; email?: string }): Recipient[] {
  return [
    ...(contact.mobile === undefined ? [] : [{ channel: 'sms' as const, to: contact.mobile }]),
    ...(contact.email === undefined ? [] : [{ channel: 'email' as const, to: contact.email }]),
  ]
}

/** The same as pages show it. */
export function maskedRecipients(contact: { mobile?: string; email?: string }) {
  return recipientsOf(contact).map(({ channel, to }) => ({ channel, masked: maskContact(to) }))
}
