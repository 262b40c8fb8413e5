import { standing } from './session-record.ts'
import type { SessionService } from './sessions.ts'
import { SsoSessionModel } from './sso-session-model.ts'

/** A sign-in as its record has it, found by what a service knows of it. */
export interface FoundSession {
  readonly id: string
  readonly expressSessionId: string
  readonly personId: string
  readonly username: string
  readonly services: readonly SessionService[]
}

/** One person at one service; nobody has more browsers. */
const maxFound = 50

/**
 * The sign-ins that a service takes part in by these names: those of the SessionIndexes, or with none
 * all that the NameID was given in. Whether the NameID is right the caller checks.
 */
export async function findSessionsOfService(
  service: Pick<SessionService, 'protocol' | 'id'>,
  names: { readonly nameId: string; readonly sessionIndexes: readonly string[] },
  now: Date,
): Promise<FoundSession[]> {
  const { nameId, sessionIndexes } = names
  const key = `${service.protocol} ${service.id}`
  const wanted =
    sessionIndexes.length > 0
      ? { 'services.sessionIndex': { $in: [...sessionIndexes] } }
      : { 'services.nameId': nameId }
  const records = await SsoSessionModel.find({
    ...wanted,
    ...standing,
    expiresAt: { $gt: now },
  })
    .limit(maxFound)
    .lean()
  return records
    .map(({ _id, expressSessionId, personId, username, services }) => ({
      id: _id,
      expressSessionId,
      personId,
      username,
      services: services as unknown as (SessionService & { key: string })[],
    }))
    .filter(({ services }) => services.some((one) => one.key === key))
}
