import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { AppContext } from '../context.ts'
import { findInFederations } from '../federation/aggregates/own-entity.ts'
import { thumbprint } from '../keys/local-key.ts'
import { upsertAgain } from '../store/duplicate-key.ts'

/** What a federation gives its members of us. */
export interface FederationEvidence {
  readonly federation: string
  /** Services that it vouches for here; absent when it is asked entity by entity. */
  readonly services?: number
  /** Whether we are in it at all. */
  readonly isMember: boolean
  /** Kid of each key that it publishes for us, and since when we know. */
  readonly keys: ReadonlyMap<string, Date>
}

interface PublicationRecord {
  /** Federation and kid. */
  readonly _id: string
  readonly firstSeenAt: Date
  readonly expiresAt: Date
}

const keptMs = 60 * 86_400_000

const publicationSchema = new Schema(
  {
    _id: { type: String, required: true },
    firstSeenAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true, index: { expireAfterSeconds: 0 } },
  },
  { versionKey: false },
)
const PublicationModel = model('KeyPublication', publicationSchema, 'keyPublications')
const publications = () => PublicationModel.collection as unknown as Collection<PublicationRecord>

/**
 * Looks up what every federation that we read publishes about us, and remembers since when. Servers
 * do it every few minutes, because nobody else can tell when a federation took a key up.
 */
export async function observeFederations({
  config,
  now,
}: Pick<AppContext, 'config' | 'now'>): Promise<FederationEvidence[]> {
  const found = await findInFederations(config.samlEntityId, now())
  return Promise.all(
    found.map(async ({ federation, services, signingKeys = undefined }) => ({
      federation,
      services,
      isMember: signingKeys !== undefined,
      keys: new Map(
        await Promise.all(
          (signingKeys ?? []).map(async (key) => {
            const kid = thumbprint(key)
            return [kid, await firstSeen(federation, kid, now())] as const
          }),
        ),
      ),
    })),
  )
}

async function firstSeen(federation: string, kid: string, now: Date): Promise<Date> {
  const _id = `${federation} ${kid}`
  const record = await upsertAgain(() =>
    publications().findOneAndUpdate(
      { _id },
      {
        $set: { expiresAt: new Date(now.getTime() + keptMs) },
        $setOnInsert: { firstSeenAt: now },
      },
      { upsert: true, returnDocument: 'after' },
    ),
  )
  return record?.firstSeenAt ?? now
}
