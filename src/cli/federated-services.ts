import { IdpError } from '../errors.ts'
import type { FederatedDecision } from '../federation/aggregates/decision-model.ts'
import {
  decideOn,
  type FederatedService,
  findFederated,
  forgetDecision,
} from '../federation/aggregates/decisions.ts'
import { findRecord } from '../federation/registration.ts'
import type { CliContext } from './cli-context.ts'
import { approve, remove, type ServiceAction } from './service-command.ts'
import { print, printJson } from './service-input.ts'

/** `sp block ENTITYID`: nobody signs in any more to what a federation vouches for. */
export const blockAction: ServiceAction = async (context, entityId, { json }) => {
  if (!(await findFederated(entityId, context.now()))) {
    const { origin } = await findRecord(entityId, 'saml')
    throw new IdpError(
      'BAD_REQUEST',
      `"${entityId}" is registered here (${origin}), not by a federation: propylaia sp remove`,
    )
  }
  await decideOn(entityId, { isBlocked: true }, context.now())
  context.audit.record({ event: 'service.block', result: 'success', service: entityId })
  if (json) printJson({ entityId, state: 'blocked' })
  else print([`${entityId} is blocked: nobody signs in to it, whichever federation has it.`])
  return 0
}

/** `sp approve ENTITYID`: what waits here; else what was blocked counts again. */
export const approveAction: ServiceAction = async (context, entityId, values) => {
  const federated = await federatedOnly(context, entityId)
  if (!federated) return approve('saml')(context, entityId, values)
  await decideOn(entityId, { isBlocked: false }, context.now())
  context.audit.record({ event: 'service.approve', result: 'success', service: entityId })
  if (values.json) printJson({ entityId, state: 'approved' })
  else print([`${entityId} is approved: people can sign in while a federation vouches for it.`])
  return 0
}

/** `sp remove ENTITYID`: what is registered here; else the word on what a federation has. */
export const removeAction: ServiceAction = async (context, entityId, values) => {
  const federated = await federatedOnly(context, entityId)
  if (!federated?.decision) return remove('saml')(context, entityId, values)
  await forgetDecision(entityId)
  context.audit.record({ event: 'service.override', result: 'success', service: entityId })
  if (values.json) printJson({ entityId, removed: true })
  else print([`What was decided on ${entityId} is forgotten: it counts as its federation says.`])
  return 0
}

/** A federation's service of which nothing is registered here, not even waiting. */
async function federatedOnly(
  { now }: CliContext,
  entityId: string,
): Promise<FederatedService | undefined> {
  try {
    await findRecord(entityId, 'saml')
    return undefined
  } catch (error) {
    if (!(error instanceof IdpError)) throw error
    return findFederated(entityId, now())
  }
}

/** A decision as `sp list` shows it, beside what is registered here. */
export function decisionRow({ _id, isBlocked, overrides, decidedAt }: FederatedDecision) {
  return {
    entityId: _id,
    state: isBlocked ? 'blocked' : 'approved',
    origin: 'federation',
    updatedAt: decidedAt.toISOString(),
    overrides,
  }
}
