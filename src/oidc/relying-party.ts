import type { RelyingParty } from '../federation/service.ts'

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Where a code may go: https, a native app's own scheme, http only on the person's own machine. */
export function isSafeRedirect(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, hostname } = new URL(uri)
  if (protocol === 'http:') return loopbackHosts.has(hostname)
  return !['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'].includes(protocol)
}

/**
 * The registered metadata as oidc-provider shall read it. Pairwise unless the service registered
 * `subject_type: "public"`: two services cannot compare whom they serve (OIDC Core 8).
 *
 * @returns undefined for a service that may not be used: not approved, or with a redirect address
 *   that sends codes over the network in clear
 */
export function clientMetadata(
  relyingParty: RelyingParty | undefined,
): Record<string, unknown> | undefined {
  if (relyingParty?.state !== 'approved') return undefined
  const { metadata } = relyingParty
  const addresses = [metadata.redirect_uris, metadata.post_logout_redirect_uris].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  )
  if (!addresses.every((uri) => typeof uri === 'string' && isSafeRedirect(uri))) return undefined
  return {
    subject_type: 'pairwise',
    ...metadata,
    // Both tokens then name the session: without it a logout token ends all of a person's (2.4 of
    // Back-Channel Logout 1.0), on their telephone too.
    ...(metadata.backchannel_logout_uri === undefined
      ? {}
      : { backchannel_logout_session_required: true }),
    client_id: relyingParty.clientId,
  }
}
