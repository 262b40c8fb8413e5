import { model, Schema } from 'mongoose'
import type { Language } from '../web/language.ts'
import type { DeliveryState, MessageChannel, MessageKind } from './messages.ts'

/** How long admins can look a message up. */
const keptSeconds = 90 * 24 * 3600

export interface MessageRecord {
  readonly _id: string
  readonly channel: MessageChannel
  readonly to: string
  readonly kind: MessageKind
  readonly language: Language
  readonly reference?: string
  readonly personId?: string
  readonly state: DeliveryState
  readonly tries: number
  /** What the mail server or gateway said last; no secrets. */
  readonly lastError?: string
  readonly createdAt: Date
  readonly sentAt?: Date
  readonly nextTryAt?: Date
  readonly giveUpAt: Date
  readonly validUntil?: Date
  /** It carries a PIN or code: only the process that was given it knows the text. */
  readonly hasCode: boolean
  /** The process that tries it. */
  readonly holder: string
  /** Renewed while that process lives; afterwards others may take the message up. */
  readonly heldUntil: Date
  readonly subject?: string
  /** Until it is sent, and never with a code; in a trial installation always, for /dev/outbox. */
  readonly text?: string
  /** Only in a trial installation, for /dev/outbox. */
  readonly code?: string
}

const messageSchema = new Schema(
  {
    _id: { type: String, required: true },
    channel: { type: String, required: true },
    to: { type: String, required: true },
    kind: { type: String, required: true },
    language: { type: String, required: true },
    reference: String,
    personId: String,
    state: { type: String, required: true },
    tries: { type: Number, required: true },
    lastError: String,
    createdAt: { type: Date, required: true, index: { expireAfterSeconds: keptSeconds } },
    sentAt: Date,
    nextTryAt: Date,
    giveUpAt: { type: Date, required: true },
    validUntil: Date,
    hasCode: { type: Boolean, required: true },
    holder: { type: String, required: true },
    heldUntil: { type: Date, required: true },
    subject: String,
    text: String,
    code: String,
  },
  { versionKey: false },
)
// Messages that nobody holds; admins' list of what failed.
messageSchema.index({ state: 1, heldUntil: 1 })
messageSchema.index({ state: 1, createdAt: -1 })
// What was sent to one person.
messageSchema.index({ personId: 1, createdAt: 1 }, { sparse: true })
// What the helpdesk is asked about.
messageSchema.index({ reference: 1 }, { sparse: true })

export const MessageModel = model('Message', messageSchema, 'messages')
