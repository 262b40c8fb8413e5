import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { ServiceOverrides, ServiceProvider } from '../service.ts'

/**
 * An administrator's word on a service that federations vouch for. Apart from their metadata, which
 * come and go: it outlives refreshes, and the federation itself.
 */
export interface FederatedDecision {
  /** entityID, whichever federation has it. */
  readonly _id: string
  /** Nobody signs in to it. */
  readonly isBlocked: boolean
  readonly overrides: ServiceOverrides
  readonly decidedAt: Date
}

const decisionSchema = new Schema(
  {
    _id: { type: String, required: true },
    isBlocked: { type: Boolean, required: true },
    overrides: { type: Schema.Types.Mixed, required: true },
    decidedAt: { type: Date, required: true },
  },
  { versionKey: false, minimize: false },
)

const DecisionModel = model('FederatedDecision', decisionSchema, 'federatedDecisions')

export const federatedDecisions = () =>
  DecisionModel.collection as unknown as Collection<FederatedDecision>

export async function findDecision(entityId: string): Promise<FederatedDecision | undefined> {
  return (await federatedDecisions().findOne({ _id: entityId })) ?? undefined
}

/** The service as it counts here: what the federation says, and an administrator's word above it. */
export function withDecision(
  service: ServiceProvider,
  decision: FederatedDecision | undefined,
): ServiceProvider {
  if (!decision) return service
  const { isBlocked, overrides } = decision
  return {
    ...service,
    overrides,
    ...(isBlocked && { state: 'pending' }),
    ...(overrides.startUrl && { startUrl: overrides.startUrl }),
  }
}
