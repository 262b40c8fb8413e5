import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { AppContext } from '../context.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'

/** What services know us by. */
interface OwnNames {
  readonly samlEntityId: string
  readonly oidcIssuer: string
}

interface OwnNamesRecord extends OwnNames {
  readonly _id: 'own'
  readonly since: Date
}

const ownNamesSchema = new Schema(
  {
    _id: { type: String, required: true },
    samlEntityId: { type: String, required: true },
    oidcIssuer: { type: String, required: true },
    since: { type: Date, required: true },
  },
  { versionKey: false },
)
const OwnNamesModel = model('OwnNames', ownNamesSchema, 'ownNames')
const records = () => OwnNamesModel.collection as unknown as Collection<OwnNamesRecord>

/**
 * Says so, in log and audit, when the entityID or the issuer is another one than at the start before:
 * every service that was told the former one refuses our answers. Once for each change; of several
 * processes that start, one says it.
 */
export async function noteOwnNames(
  context: Pick<AppContext, 'config' | 'now' | 'log' | 'audit'>,
): Promise<void> {
  const { samlEntityId, oidcIssuer } = context.config
  const names: OwnNamesRecord = { _id: 'own', samlEntityId, oidcIssuer, since: context.now() }
  const before = await records().findOne({ _id: 'own' })
  if (!before) {
    try {
      await records().insertOne(names)
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
    return
  }
  if (before.samlEntityId === samlEntityId && before.oidcIssuer === oidcIssuer) return
  const { _id, ...change } = names
  const { samlEntityId: formerEntityId, oidcIssuer: formerIssuer } = before
  const { modifiedCount } = await records().updateOne(
    { _id: 'own', samlEntityId: formerEntityId, oidcIssuer: formerIssuer },
    { $set: change },
  )
  if (modifiedCount === 0) return
  const details = { samlEntityId, formerEntityId, oidcIssuer, formerIssuer }
  context.log.warn(
    details,
    'our entityID or issuer is another one than at the start before: services that know the former one refuse our answers. If that is not meant, set SAML_ENTITY_ID and OIDC_ISSUER, or BASE_URL, as they were and start again',
  )
  context.audit.record({ event: 'identity.changed', result: 'success', details })
}
