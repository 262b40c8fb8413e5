import { model, Schema } from 'mongoose'
import type { RegisteredService, RegistrationState, ServiceOverrides } from './service.ts'

/** A registered service as the store holds it. */
export interface ServiceRecord {
  /** `saml:`, `oidc:` or `cas:` and the entityID, client_id or address pattern: one registration a service, by construction. */
  readonly _id: string
  readonly protocol: RegisteredService['protocol']
  readonly serviceId: string
  readonly state: RegistrationState
  readonly origin: string
  /** saml: the XML as it came. oidc: client metadata in JSON, without the secret. cas: checkCasMetadata(). */
  readonly metadata: string
  readonly sealedClientSecret?: string
  /** SAML: the metadata is not used from then on. */
  readonly validUntil?: Date
  readonly overrides: ServiceOverrides
  readonly registeredAt: Date
  readonly updatedAt: Date
  readonly approvedAt?: Date
}

const serviceSchema = new Schema(
  {
    _id: { type: String, required: true },
    protocol: { type: String, required: true },
    serviceId: { type: String, required: true },
    state: { type: String, required: true, index: true },
    origin: { type: String, required: true, index: true },
    metadata: { type: String, required: true },
    sealedClientSecret: String,
    validUntil: Date,
    overrides: { type: Schema.Types.Mixed, required: true },
    registeredAt: { type: Date, required: true },
    updatedAt: { type: Date, required: true },
    approvedAt: Date,
  },
  { versionKey: false, minimize: false },
)

export const ServiceModel = model('Service', serviceSchema, 'services')

export function recordId(protocol: ServiceRecord['protocol'], serviceId: string): string {
  return `${protocol}:${serviceId}`
}
