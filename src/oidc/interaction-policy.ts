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
const subjectReasons = new Set(['id_token_hint', 'hinted_person', 'claims_id_token_sub_value'])

/** Our own reason for the consent prompt. */
const disclosureReason = 'disclosure'

/** The library's own: the request says `prompt=consent`. */
export const consentRequested = 'consent_prompt'

/** The service insists on a way of signing in that the session does not have. */
const acrReasons = new Set(['essential_acr', 'essential_acrs'])

/**
 * When the person must be asked: the library's own checks and three of ours. No answer goes out unless
 * the SSO session of this very request belongs to whom the library takes it for; and `id_token_hint`
 * still names that person when the request resumes after a sign-in, where the library does not look
 * again (OIDC Core 3.1.2.1).
 *
 * @param holder who is signed in on this request, undefined for nobody
 * @param subjectOf the `sub` of a person at the client of the request
 * @param mustShow whether something would go that the person has not agreed to or been told of
 */
export function promptPolicy(
  holder: (ctx: KoaContextWithOIDC) => Promise<string | undefined>,
  subjectOf: (ctx: KoaContextWithOIDC, personId: string) => string,
  mustShow: (ctx: KoaContextWithOIDC) => Promise<boolean>,
): interactionPolicy.Prompt[] {
  const login = base().get('login') as interactionPolicy.Prompt
  login.checks.add(
    new Check(
      'sso_session',
      'End-User authentication is required',
      async (ctx) => (await holder(ctx)) !== ctx.oidc.session?.accountId,
    ),
  )
  login.checks.add(
    new Check('hinted_person', 'id_token_hint and authenticated subject do not match', (ctx) => {
      const hint = ctx.oidc.params?.id_token_hint
      const personId = ctx.oidc.session?.accountId
      if (ctx.oidc.route !== 'resume' || typeof hint !== 'string' || !personId) return false
      return hintedSubject(hint) !== subjectOf(ctx, personId)
    }),
  )
  // Of the library's own reasons for the consent prompt none fits: scopes are settled by registration,
  // what goes is decided by the release rules. `prompt=consent` is legal for every service, because
  // offline_access depends on it (OIDC Core 11); who is asked then, interaction.ts decides. Native apps
  // are not asked about each time (RFC 8252 8.6): PKCE and exact redirect addresses hold.
  const consent = new Prompt(
    { name: 'consent', requestable: true },
    new Check(disclosureReason, 'End-User consent is required', mustShow),
  )
  return [login, consent]
}

/** The signature was checked when the request came in; the interaction kept it since. */
function hintedSubject(idTokenHint: string): unknown {
  const [, payload = ''] = idTokenHint.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')).sub
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
