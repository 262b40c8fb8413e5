import { attributesOf, type ServiceRef } from './consent.ts'
import { findConsent } from './consent-store.ts'

/**
 * What the person agreed that a service may have which must ask, for protocols that give facts out
 * later and without the person: remembered, or for the tokens of this sign-in.
 *
 * @param sessionId SsoSession.id of the sign-in that the tokens came from
 */
export async function agreedAttributes(
  personId: string,
  service: ServiceRef,
  sessionId: string | undefined,
  now: Date,
): Promise<ReadonlySet<string>> {
  const record = await findConsent(personId, service)
  const once = record?.once.filter((one) => one.sessionId === sessionId && one.until > now) ?? []
  const agreements = [...(record?.standing ? [record.standing] : []), ...once]
  return new Set(attributesOf(agreements.filter(({ mode }) => mode === 'ask')))
}
