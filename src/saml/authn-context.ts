import type { RequestedAuthnContext } from './authn-request.ts'
import { authnContextClasses } from './uris.ts'

/**
 * What a sign-in of each class is worth, weakest first. Whoever reached one may be said to have
 * reached those before it.
 */
const byStrength: readonly string[] = [
  authnContextClasses.unspecified,
  authnContextClasses.password,
  authnContextClasses.passwordProtectedTransport,
  authnContextClasses.refedsMfa,
]

/**
 * The AuthnContextClassRef to state, given what the sign-in reached: the first one that the service
 * asked for and that holds, or what was reached when it asked for none.
 *
 * Core 3.3.2.2.1: exact matches one of those asked for; minimum is at least as strong as one of
 * them; better is stronger than all; maximum is as strong as possible, but no stronger than one.
 *
 * @returns undefined when the request is not met (NoAuthnContext)
 */
export function satisfyAuthnContext(
  requested: RequestedAuthnContext | undefined,
  reached: string,
): string | undefined {
  if (!requested) return reached
  const reachedStrength = strengthOf(reached)
  const available = reachedStrength < 0 ? [reached] : byStrength.slice(0, reachedStrength + 1)
  const asked = requested.classRefs
  if (requested.comparison === 'exact') return asked.find((ref) => available.includes(ref))
  // A class outside the ladder cannot be compared, only met exactly.
  const strengths = asked.map(strengthOf).filter((strength) => strength >= 0)
  if (strengths.length === 0) return undefined
  switch (requested.comparison) {
    case 'minimum':
      return reachedStrength >= Math.min(...strengths) ? reached : undefined
    case 'better':
      return reachedStrength > Math.max(...strengths) ? reached : undefined
    case 'maximum':
      return byStrength[Math.min(reachedStrength, Math.max(...strengths))]
  }
}

function strengthOf(classRef: string): number {
  return byStrength.indexOf(classRef)
}
