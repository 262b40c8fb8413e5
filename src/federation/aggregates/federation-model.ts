import type { Binary, Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { ErrorCode } from '../../errors.ts'
import type { EntityRole } from './entity-facts.ts'

/** Which entities of a federation are taken; what is absent does not filter. */
export interface FederationFilters {
  readonly roles: readonly EntityRole[]
  readonly allowAuthorities?: readonly string[]
  readonly denyAuthorities?: readonly string[]
  /** One of these must be among the entity's categories. */
  readonly entityCategories?: readonly string[]
}

export type FederationSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly file: string }
  /** Base URL, with a slash at its end: entities are fetched one by one (MDQ). */
  | { readonly kind: 'mdq'; readonly url: string }

/** A version of an aggregate that was verified and may be used. */
export interface FederationGeneration {
  readonly generation: string
  readonly acceptedAt: Date
  readonly validUntil: Date
  readonly cacheDurationSeconds?: number
  readonly creationInstant?: Date
  /** In the document, and after the filters. */
  readonly entityCount: number
  readonly takenCount: number
  readonly leftOut: readonly string[]
  readonly etag?: string
  readonly lastModified?: string
}

export interface FederationRecord {
  /** The name that admins gave it. */
  readonly _id: string
  readonly source: FederationSource
  /** Certificates or public keys, PEM: what the federation signs with. */
  readonly keysPem: string
  readonly filters: FederationFilters
  readonly maxValidityDays: number
  /** Our MDQ server does not give its services, though it gives others. */
  readonly isUnpublished?: boolean
  /** Of two federations that hold the same entity the one added first counts. */
  readonly addedAt: Date
  readonly current?: FederationGeneration
  /**
   * Every generation that may have entities in the store: the current one, the one before (a worker
   * may still look things up in it for a second) and what a refresh that was cut off left.
   */
  readonly generations: readonly string[]
  readonly lastAttempt?: {
    readonly at: Date
    readonly result: 'accepted' | 'unchanged' | 'failed'
    readonly code?: ErrorCode | 'INTERNAL_ERROR'
    readonly problem?: string
  }
  /** Since the last success. */
  readonly failures: number
  readonly nextRefreshAt: Date
  /** Who refreshes it right now, and until when others keep off. */
  readonly lease?: { readonly owner: string; readonly until: Date }
}

/** An entity of one generation: found by its id, parsed when it is used. */
export interface FederationEntity {
  /** See entityKey(). */
  readonly _id: string
  readonly generation: string
  readonly federation: string
  readonly entityId: string
  readonly roles: readonly EntityRole[]
  readonly registrationAuthority?: string
  readonly entityCategories: readonly string[]
  readonly names: Readonly<Record<string, string>>
  readonly validUntil: Date
  readonly cacheDurationSeconds?: number
  /** The EntityDescriptor, UTF-8. */
  readonly xml: Binary
}

const federationSchema = new Schema(
  {
    _id: { type: String, required: true },
    source: { type: Schema.Types.Mixed, required: true },
    keysPem: { type: String, required: true },
    filters: { type: Schema.Types.Mixed, required: true },
    maxValidityDays: { type: Number, required: true },
    isUnpublished: Boolean,
    addedAt: { type: Date, required: true },
    current: Schema.Types.Mixed,
    generations: { type: [String], required: true },
    lastAttempt: Schema.Types.Mixed,
    failures: { type: Number, required: true },
    nextRefreshAt: { type: Date, required: true },
    lease: Schema.Types.Mixed,
  },
  { versionKey: false, minimize: false },
)

const entitySchema = new Schema(
  {
    _id: { type: String, required: true },
    generation: { type: String, required: true },
    federation: { type: String, required: true },
    entityId: { type: String, required: true },
    roles: { type: [String], required: true },
    registrationAuthority: String,
    entityCategories: { type: [String], required: true },
    names: { type: Schema.Types.Mixed, required: true },
    validUntil: { type: Date, required: true },
    cacheDurationSeconds: Number,
    xml: { type: Buffer, required: true },
  },
  { versionKey: false, minimize: false },
)

const FederationModel = model('Federation', federationSchema, 'federations')
const FederationEntityModel = model('FederationEntity', entitySchema, 'federationEntities')

export const federations = () =>
  FederationModel.collection as unknown as Collection<FederationRecord>
export const federationEntities = () =>
  FederationEntityModel.collection as unknown as Collection<FederationEntity>
