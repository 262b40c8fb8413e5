import type { AppContext } from '../context.ts'
import { type ErrorCode, IdpError } from '../errors.ts'
import { activateKey, type KeysContext } from '../keys/key-life.ts'
import type { KeyRecord } from '../keys/key-records.ts'
import { type Rehearsal, type RehearsedService, rehearse } from './rehearsal.ts'

export type PromotionContext = KeysContext & Pick<AppContext, 'config' | 'now' | 'keys' | 'audit'>

/** What stands in the way of a promotion. */
export type Obstacle =
  | { readonly kind: 'certificate'; readonly validity: 'ended' | 'not-begun'; readonly at: Date }
  | { readonly kind: 'too-early'; readonly safeAt: Date }
  | { readonly kind: 'breaks'; readonly services: readonly RehearsedService[] }

export interface PromotionCheck {
  readonly rehearsal: Rehearsal
  readonly obstacles: readonly Obstacle[]
}

/** Ids in an audit entry. */
const maxListed = 100

/**
 * Whether a staged key may sign from now on, by the rule (promotion-date.ts) and by what is known of
 * each service.
 *
 * @throws {IdpError} KEY_UNKNOWN, KEY_STATE_WRONG
 */
export async function checkPromotion(
  context: PromotionContext,
  kid: string,
): Promise<PromotionCheck> {
  const rehearsal = await rehearse(context, kid)
  const { key, promotion, services } = rehearsal
  const now = context.now()
  const breaking = services.filter(({ state }) => state === 'breaks')
  const obstacles: Obstacle[] = []
  const validity = certificateProblem(key, now)
  if (validity) obstacles.push(validity)
  if (now < promotion.safeAt) obstacles.push({ kind: 'too-early', safeAt: promotion.safeAt })
  if (breaking.length > 0) obstacles.push({ kind: 'breaks', services: breaking })
  return { rehearsal, obstacles }
}

function certificateProblem({ certificate }: KeyRecord, now: Date): Obstacle | undefined {
  if (!certificate) return undefined
  const { notBefore, notAfter } = certificate
  if (notAfter <= now) return { kind: 'certificate', validity: 'ended', at: notAfter }
  if (notBefore > now) return { kind: 'certificate', validity: 'not-begun', at: notBefore }
  return undefined
}

/**
 * Makes a staged key the one that signs, once no service can be locked out by it.
 *
 * @param options.force although it is too early or services would break; written to the audit log
 *   with their names. A certificate that is not valid is refused even so: stage another key.
 * @throws {IdpError} KEY_PROMOTION_TOO_EARLY, KEY_PROMOTION_BREAKS, KEY_CERTIFICATE_NOT_VALID, and
 *   those of activateKey()
 */
export async function promoteKey(
  context: PromotionContext,
  kid: string,
  options: { readonly by: string; readonly force?: boolean },
): Promise<{ readonly key: KeyRecord; readonly check: PromotionCheck }> {
  const check = await checkPromotion(context, kid)
  const { obstacles, rehearsal } = check
  const blocking = options.force
    ? obstacles.find(({ kind }) => kind === 'certificate')
    : obstacles[0]
  if (blocking) {
    record(context, check, 'failure', options.by, codes[blocking.kind])
    throw refusal(rehearsal, blocking)
  }
  // Before it happens: an entry that is missing would be worse than one too many.
  if (obstacles.length > 0) record(context, check, 'success', options.by)
  return { key: await activateKey(context, kid, { by: options.by }), check }
}

const codes: Readonly<Record<Obstacle['kind'], ErrorCode>> = {
  certificate: 'KEY_CERTIFICATE_NOT_VALID',
  'too-early': 'KEY_PROMOTION_TOO_EARLY',
  breaks: 'KEY_PROMOTION_BREAKS',
}

function refusal({ key, promotion }: Rehearsal, obstacle: Obstacle): IdpError {
  return new IdpError(codes[obstacle.kind], explain(), { status: 409 })

  function explain(): string {
    switch (obstacle.kind) {
      case 'certificate':
        return `the certificate of ${key.kid} ${obstacle.validity === 'ended' ? 'ended' : 'begins'} at ${obstacle.at.toISOString()}; stage another key`
      case 'too-early': {
        const hours = promotion.parts.reduce((sum, part) => sum + part.hours, 0)
        return `${key.kid} may sign from ${obstacle.safeAt.toISOString()} on: it was published at ${promotion.stagedAt.toISOString()}, and readers may hold older copies for ${hours} hours; see: npx propylaia keys rehearse ${key.kid}`
      }
      case 'breaks': {
        const names = obstacle.services.map(({ id }) => id).join(', ')
        return `after the promotion of ${key.kid} these would refuse our answers: ${names}; see: npx propylaia keys rehearse ${key.kid}`
      }
    }
  }
}

function record(
  context: PromotionContext,
  { rehearsal: { key, services, promotion } }: PromotionCheck,
  result: 'success' | 'failure',
  by: string,
  reason?: ErrorCode,
): void {
  const inState = (...states: string[]) =>
    services.filter(({ state }) => states.includes(state)).map(({ id }) => id)
  const breaking = inState('breaks', 'waits')
  const unknown = inState('unknown')
  context.audit.record({
    event: result === 'success' ? 'key.promotion_forced' : 'key.promotion_refused',
    result,
    ...(reason && { reason }),
    details: {
      kid: key.kid,
      use: key.use,
      by,
      safeAt: promotion.safeAt.toISOString(),
      wouldBreak: breaking.length,
      unknown: unknown.length,
      services: breaking.slice(0, maxListed),
      unknownServices: unknown.slice(0, maxListed),
    },
  })
}
