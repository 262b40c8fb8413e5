import { hash } from 'node:crypto'
import { model, Schema } from 'mongoose'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { SamlStatusError } from './status-response.ts'

/** Messages that did something and must not do it again. */
const takenMessageSchema = new Schema(
  {
    /** SHA-256 of Issuer and ID, hex. */
    _id: { type: String, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

const TakenMessageModel = model('SamlTakenMessage', takenMessageSchema, 'samlTakenMessages')

/** Longer than a message may be on its way, clocks that differ included. */
const rememberedMs = 30 * 60_000

/**
 * Takes a message once: of several that come at the same time, one.
 *
 * @throws {SamlStatusError} SAML_MESSAGE_REPLAYED, told to the service as Requester/RequestDenied
 */
export async function takeOnce(
  { issuer, id }: { readonly issuer: string; readonly id: string },
  now: Date,
): Promise<void> {
  const key = hash('sha256', `${issuer}\n${id}`, 'hex')
  const expiresAt = new Date(now.getTime() + rememberedMs)
  try {
    await TakenMessageModel.create({ _id: key, expiresAt })
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    throw new SamlStatusError('SAML_MESSAGE_REPLAYED', {
      code: 'Requester',
      secondLevel: 'RequestDenied',
      message: `a message with the ID "${id.slice(0, 80)}" was taken before`,
    })
  }
}
