import type { ServiceRef } from '../consent/consent.ts'
import { type Account, signInCounts } from '../people/account.ts'
import { ArtifactModel, type GrantRecord, grantMark } from './oidc-model.ts'

/**
 * Removes the codes and tokens of sign-ins that were ended, and marks their grants as revoked. None
 * of them worked any more (adapter.ts): this keeps the store tidy, and what people are shown true.
 *
 * @returns how many grants there were
 */
export async function endGrants(
  account: Pick<Account, '_id' | 'sessionGeneration' | 'keptSessionId'>,
): Promise<number> {
  const grants = await ArtifactModel.find({ personId: account._id, revokedAt: { $exists: false } })
    .select(['sessionId', 'sessionGeneration'])
    .lean<GrantRecord[]>()
  const ended = grants.filter((grant) => !signInCounts(account, grantMark(grant)))
  await revoke(ended.map((grant) => grant._id))
  return ended.length
}

/**
 * Ends what services hold by one sign-in, except what they got with offline_access: that outlives a
 * logout (Back-Channel Logout 1.0 section 2.7). Without it nothing worked any more (session-binding.ts).
 */
export async function endGrantsOfSession({ id }: { readonly id: string }): Promise<void> {
  const session = await ArtifactModel.findOneAndDelete({ _id: `Session:${id}` })
    .select('authorizations')
    .lean<{ authorizations?: Record<string, { grantId?: string; persistsLogout?: boolean }> }>()
  const grantIds = Object.values(session?.authorizations ?? {}).flatMap(
    ({ grantId, persistsLogout }) => (grantId && !persistsLogout ? [`Grant:${grantId}`] : []),
  )
  // Who is on the way to a service goes on, as whoever signs in next.
  if (grantIds.length > 0) await revoke(grantIds, { kind: { $ne: 'Interaction' } })
}

/** Ends what one service holds of a person, in all sign-ins, offline too. */
export async function endGrantsOfService(personId: string, service: ServiceRef): Promise<void> {
  if (service.protocol !== 'oidc') return
  const grants = await ArtifactModel.find({ personId, revokedAt: { $exists: false } })
    .select('payload')
    .lean()
  const ofService = grants.filter(({ payload }) => JSON.parse(payload).clientId === service.id)
  // Who is on the way to the service goes on, and is asked again.
  const ids = ofService.map((grant) => grant._id)
  await revoke(ids, { kind: { $ne: 'Interaction' } })
}

/** The mark first: no code or token works without its grant, and one that is on its way comes too late. */
async function revoke(
  ids: readonly string[],
  which: { readonly kind?: { readonly $ne: string } } = {},
): Promise<void> {
  await ArtifactModel.updateMany({ _id: { $in: ids } }, { $set: { revokedAt: new Date() } })
  const grantIds = ids.map((id) => id.slice('Grant:'.length))
  await ArtifactModel.deleteMany({ grantId: { $in: grantIds }, ...which })
}
