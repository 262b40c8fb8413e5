import { IdpError } from '../../errors.ts'
import { upsertAgain } from '../../store/duplicate-key.ts'
import { bumpVersion } from '../../store/versions.ts'
import type { ServiceOverrides, ServiceProvider } from '../service.ts'
import { recordId } from '../service-model.ts'
import { clearServiceCache, findServiceProvider, serviceRecords } from '../service-store.ts'
import { type FederatedDecision, federatedDecisions, findDecision } from './decision-model.ts'

/** What an administrator decides about, when the word on it is kept apart from any registration. */
export interface FederatedService {
  readonly decision?: FederatedDecision
  /** Absent while no federation has it. */
  readonly service?: ServiceProvider
}

/**
 * The service as a federation's, when that is what runs here or what was decided on before: a
 * registration that waits does not count.
 *
 * @returns undefined for one that is registered and approved here, or that nobody knows
 */
export async function findFederated(
  entityId: string,
  now: Date,
): Promise<FederatedService | undefined> {
  const registered = await serviceRecords().findOne({ _id: recordId('saml', entityId) })
  if (registered?.state === 'approved') return undefined
  const decision = await findDecision(entityId)
  const found = await findServiceProvider(entityId, now)
  const service = found?.origin.startsWith('federation:') ? found : undefined
  return service || (decision && !registered) ? { decision, service } : undefined
}

/** Only what is given changes. */
export async function decideOn(
  entityId: string,
  change: { readonly isBlocked?: boolean; readonly overrides?: ServiceOverrides },
  now: Date,
): Promise<void> {
  const { isBlocked, overrides } = change
  await upsertAgain(() =>
    federatedDecisions().updateOne(
      { _id: entityId },
      {
        $set: {
          ...(isBlocked !== undefined && { isBlocked }),
          ...(overrides && { overrides }),
          decidedAt: now,
        },
        $setOnInsert: {
          ...(isBlocked === undefined && { isBlocked: false }),
          ...(overrides === undefined && { overrides: {} }),
        },
      },
      { upsert: true },
    ),
  )
  await announce()
}

/**
 * From then on it counts as its federation says.
 *
 * @throws {IdpError} NOT_FOUND
 */
export async function forgetDecision(entityId: string): Promise<void> {
  const { deletedCount } = await federatedDecisions().deleteOne({ _id: entityId })
  if (deletedCount === 0) {
    throw new IdpError('NOT_FOUND', `nothing was decided on "${entityId}"`, { status: 404 })
  }
  await announce()
}

export function listDecisions(): Promise<FederatedDecision[]> {
  return federatedDecisions().find().sort({ _id: 1 }).toArray()
}

async function announce(): Promise<void> {
  clearServiceCache()
  await bumpVersion('federation')
}
