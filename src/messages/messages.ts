import type { Language } from '../web/language.ts'

export type MessageChannel = 'sms' | 'email'

/** What a message is for; admins see it beside its state. */
export type MessageKind =
  | 'activation-pin'
  | 'activation-done'
  | 'recovery-code'
  | 'contact-code'
  | 'account-notice'
  | 'service-registration'
  | 'key-reminder'

export interface OutgoingMessage {
  readonly channel: MessageChannel
  /** E.164 for SMS, a mail address for mail. */
  readonly to: string
  readonly kind: MessageKind
  readonly language: Language
  /** Mail only. */
  readonly subject?: string
  /** Plain text. */
  readonly text: string
  /**
   * The PIN, code or token of a link that `text` carries. Such a message is never written to the store with its text:
   * only this process can try it again, and after a restart it counts as failed.
   */
  readonly code?: string
  /** What the helpdesk calls the matter, such as the reference of an activation. */
  readonly reference?: string
  readonly personId?: string
  /** After this instant nobody needs it any more: no further try. */
  readonly validUntil?: Date
}

/** waiting: not accepted yet, tried again; failed: refused for good, or given up. */
export type DeliveryState = 'sent' | 'waiting' | 'failed'

export interface MessageReceipt {
  readonly id: string
  readonly state: DeliveryState
}

export interface Messages {
  /** The channels that this installation can send by. */
  readonly channels: Readonly<Record<MessageChannel, boolean>>
  /**
   * Takes the message over and tries it. Resolves when the first try ended, or after a few seconds
   * with `waiting` while it goes on; never rejects because of the gateway or the mail server.
   */
  send(message: OutgoingMessage): Promise<MessageReceipt>
  /** The states of messages sent before, by id; an unknown id is left out. */
  deliveries(ids: readonly string[]): Promise<ReadonlyMap<string, DeliveryState>>
  /**
   * Stops trying. What waits and carries a code has failed, since only this process knew the text;
   * the rest stays in the store for the next process.
   */
  close(): Promise<void>
}
