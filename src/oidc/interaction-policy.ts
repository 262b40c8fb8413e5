import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'

const { Check, Prompt, base } = interactionPolicy

/** Reasons of the login prompt that only a new proof of the password can resolve. */
const freshLoginReasons = new Set([
  'login_prompt',
  'max_age',
  'id_token_hint',
  'claims_id_token_sub_value',
])

/** Reasons that stay after a sign-in when the wrong person signed in. */
const subjectReasons = new Set(['id_token_hint', 'claims_id_token_sub_value'])

/** The service insists on a way of signing in that the session does not have. */
const acrReasons = new Set(['essential_acr', 'essential_acrs'])

/**
 * When the person must be asked: the library's own checks, and one more, that no answer goes out
 * unless the SSO session of this very request belongs to whom the library takes it for.
 *
 * @param holder who is signed in on this request, undefined for nobody
 */
export function promptPolicy(
  holder: (ctx: KoaContextWithOIDC) => Promise<string | undefined>,
): interactionPolicy.Prompt[] {
  const login = base().get('login') as interactionPolicy.Prompt
  login.checks.add(
    new Check(
      'sso_session',
      'End-User authentication is required',
      async (ctx) => (await holder(ctx)) !== ctx.oidc.session?.accountId,
    ),
  )
  // There is no consent page: what a service gets is decided by the release rules. `prompt=consent`
  // stays legal, because offline_access depends on it (OIDC Core 11), and is answered at once.
  return [login, new Prompt({ name: 'consent', requestable: true })]
}

/** What sign-in reaches so far; a service that insists on more gets an error. */
export const supportedAcrValues = [
  'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
]

export type LoginNeed = 'any-session' | 'fresh-login' | 'impossible'

/**
 * What would resolve the login prompt.
 *
 * @param prompt the library's reasons and details
 * @param afterLogin the person just signed in for this very request: if the same is still asked
 *   for, another round would end the same way
 */
export function loginNeed(
  prompt: { readonly reasons: readonly string[]; readonly details: Record<string, unknown> },
  afterLogin: boolean,
): LoginNeed {
  const { reasons, details } = prompt
  const isAbout = (set: Set<string>) => reasons.some((reason) => set.has(reason))
  if (isAbout(acrReasons) && (afterLogin || !isReachable(details.acr))) return 'impossible'
  if (isAbout(subjectReasons) && afterLogin) return 'impossible'
  return isAbout(freshLoginReasons) ? 'fresh-login' : 'any-session'
}

/** The `acr` member of the claims parameter (OIDC Core 5.5.1.1). */
function isReachable(acr: unknown): boolean {
  const { value, values } = (acr ?? {}) as { value?: unknown; values?: unknown }
  return [value, values].flat().some((one) => supportedAcrValues.includes(one as string))
}
