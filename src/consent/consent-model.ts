import { model, type mongo, Schema } from 'mongoose'
import type { ConsentRecord, ServiceRef } from './consent.ts'

const agreement = {
  version: { type: Number, required: true },
  at: { type: Date, required: true },
  mode: { type: String, required: true },
  attributes: { type: [String], required: true },
}

/**
 * What a person decided about a service, with the history, in one document: a decision and all that
 * follows from it is one update. Values of attributes are never in here.
 */
const consentSchema = new Schema(
  {
    /** Person, protocol and service: one record of each, by construction. */
    _id: { type: String, required: true },
    personId: { type: String, required: true, index: true },
    protocol: { type: String, required: true },
    id: { type: String, required: true },
    /** Rises with each decision; the condition of every update that takes one. */
    version: { type: Number, required: true },
    standing: new Schema(agreement, { _id: false }),
    once: [
      new Schema(
        {
          ...agreement,
          sessionId: { type: String, required: true },
          until: { type: Date, required: true },
        },
        { _id: false },
      ),
    ],
    decisions: [
      new Schema(
        {
          version: { type: Number, required: true },
          at: { type: Date, required: true },
          kind: { type: String, required: true },
          mode: String,
          attributes: { type: [String], required: true },
          isRemembered: Boolean,
          language: String,
          wording: { type: String, required: true },
        },
        { _id: false },
      ),
    ],
    decidedAt: { type: Date, required: true },
  },
  // `id` is a field of ours.
  { versionKey: false, id: false },
)

const ConsentModel = model('Consent', consentSchema, 'consents')

/** Plain documents: read whenever something is about to go to a service that asks. */
export const consents = () => ConsentModel.collection as unknown as mongo.Collection<ConsentRecord>

/** A person's id is hex and a protocol's name has no colon, so no two records share a key. */
export function consentId(personId: string, { protocol, id }: ServiceRef): string {
  return `${personId}:${protocol}:${id}`
}
