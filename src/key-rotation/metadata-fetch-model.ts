import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'

/**
 * How somebody came by our keys: SAML metadata as one document or by MDQ, the JWKS. `token`: a client
 * proved itself at the token endpoint, which tells under what address its server is known to us.
 */
export type FetchWay = 'metadata' | 'mdq' | 'jwks' | 'token'

/** The last fetch of one program at one address, and what it got. */
export interface MetadataFetch {
  /** SHA-256 over address, program, way and client. */
  readonly _id: string
  readonly address: string
  /** See networkOf(): how many rows one network may have is limited. */
  readonly network: string
  /** As the program names itself, shortened; empty when it does not. */
  readonly program: string
  readonly way: FetchWay
  /** `token` only: the client_id. */
  readonly clientId?: string
  readonly firstAt: Date
  readonly lastAt: Date
  /** Written fetches: at most one in ten minutes while nothing changed. */
  readonly count: number
  /** Keys in the document that was served. */
  readonly kids: readonly string[]
  readonly expiresAt: Date
}

const metadataFetchSchema = new Schema(
  {
    _id: { type: String, required: true },
    address: { type: String, required: true, index: true },
    network: { type: String, required: true, index: true },
    program: { type: String, required: true },
    way: { type: String, required: true },
    clientId: String,
    firstAt: { type: Date, required: true },
    lastAt: { type: Date, required: true },
    count: { type: Number, required: true },
    kids: { type: [String], required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)

const MetadataFetchModel = model('MetadataFetch', metadataFetchSchema, 'metadataFetches')

export const metadataFetches = () =>
  MetadataFetchModel.collection as unknown as Collection<MetadataFetch>
