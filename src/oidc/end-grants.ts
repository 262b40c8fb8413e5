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
  const ids = ended.map((grant) => grant._id)
  await ArtifactModel.deleteMany({ grantId: { $in: ids.map((id) => id.slice('Grant:'.length)) } })
  await ArtifactModel.updateMany({ _id: { $in: ids } }, { $set: { revokedAt: new Date() } })
  return ended.length
}
