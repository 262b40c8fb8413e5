import Provider, {
  type AdapterPayload,
  type Configuration,
  interactionPolicy,
  type JWK,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { pairwiseValue } from '../attributes/pairwise.ts'
import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { oidcScopes, supportedClaims } from '../attributes/scopes.ts'
import { oidcReleaseTarget, registeredScopes } from '../attributes/targets.ts'
import type { AppContext } from '../context.ts'
import type { RelyingParty } from '../federation/service.ts'
import { claimsOf } from '../oidc/account.ts'
import { clientFetch, mayCallFrom } from '../oidc/client-fetch.ts'
import { clientMetadata } from '../oidc/relying-party.ts'
import { authnContextClasses } from '../saml/uris.ts'
import { SandboxAdapter } from './sandbox-adapter.ts'
import type { ProviderError } from './sandbox-problem.ts'
import { type SandboxClient, sandboxOidcPath } from './sandbox-trial.ts'
import { syntheticAccount, syntheticPerson } from './synthetic-person.ts'

/** Somebody reads the page in between. Seconds. */
const codeSeconds = 600
const trialSeconds = 3600

/** Of the registration, what decides how the client's requests are answered. */
const usedFields = [
  'client_name',
  'redirect_uris',
  'response_types',
  'grant_types',
  'token_endpoint_auth_method',
  'jwks',
  'jwks_uri',
  'application_type',
  'scope',
  'id_token_signed_response_alg',
  'default_max_age',
  'require_auth_time',
]

/** What became of an authorization request; nothing of it is sent by itself. */
export type AuthorizationOutcome =
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'post'; readonly action: string; readonly fields: Record<string, string> }
  /** No address to send it to can be trusted. */
  | { readonly kind: 'page' }

type Context = KoaContextWithOIDC

export interface SandboxProviderOptions {
  readonly reference: string
  readonly client: RelyingParty
  readonly credentials: SandboxClient
  readonly jwks: { keys: JWK[] }
  /** The sandbox's, see sandboxEnvironment(). */
  readonly environment: AttributeEnvironment
  readonly onOutcome: (ctx: Context, outcome: AuthorizationOutcome) => void
  readonly onError: (ctx: Context, error: ProviderError) => void
  /** Answers other than of authorization requests, those with errors left out. */
  readonly onAnswer: (ctx: Context) => void
  readonly onUnknownPath: (path: string) => void
  readonly onFault: (error: unknown) => void
  /** After all of these, and before the answer leaves. */
  readonly onDone: () => Promise<void>
}

/**
 * An OpenID provider for one client that waits for approval: its registration, redirect addresses,
 * PKCE and releases are held to the rules of the real one, by the same library. Nobody signs in:
 * the person is always the one who does not exist, and there is neither session nor cookie.
 */
export function createSandboxProvider(
  context: Pick<AppContext, 'config' | 'now'>,
  options: SandboxProviderOptions,
): Provider {
  const { issuer } = options.credentials
  const ProviderClass = providerWithHeldPost(options)
  const provider = new ProviderClass(issuer, configuration(context, options))
  withoutSession(provider, subjectOf(options))
  provider.OIDCContext.prototype.urlFor = (name, given) =>
    `${issuer}${provider.pathFor(name, { ...given, mountPath: '' })}`
  for (const event of [
    'authorization.error',
    'grant.error',
    'userinfo.error',
    'pushed_authorization_request.error',
    'server_error',
  ] as const) {
    provider.on(event as 'grant.error', (ctx: KoaContextWithOIDC, error: Error) =>
      options.onError(ctx, error as ProviderError),
    )
  }
  provider.use(async (koa, next) => {
    const ctx = koa as unknown as Context
    try {
      await next()
    } catch (error) {
      // A fault of ours or of the store: the one error page answers, not the library's plain text.
      ctx.respond = false
      return options.onFault(error)
    }
    const { route } = ctx.oidc ?? {}
    const location = ctx.response.get('Location')
    if (route === undefined) options.onUnknownPath(ctx.path)
    else if (route !== 'authorization') {
      if (ctx.status < 400) options.onAnswer(ctx)
    } else if (location) {
      ctx.remove('Location')
      ctx.respond = false
      options.onOutcome(ctx, { kind: 'redirect', location })
    }
    await options.onDone()
  })
  return provider
}

function providerWithHeldPost({ onOutcome }: Pick<SandboxProviderOptions, 'onOutcome'>) {
  return class extends Provider {
    override registerResponseMode(
      name: string,
      handler: Parameters<Provider['registerResponseMode']>[1],
    ) {
      super.registerResponseMode(
        name,
        name === 'form_post'
          ? (ctx, action, payload) => {
              ctx.respond = false
              onOutcome(ctx, { kind: 'post', action, fields: payload as Record<string, string> })
            }
          : handler,
      )
    }
  }
}

type WantedClaims = Readonly<Record<string, null | { essential?: boolean } | undefined>>

/** What the client would get for these scopes and claims, `sub` aside. */
export function sandboxClaims(
  { client, environment }: Pick<SandboxProviderOptions, 'client' | 'environment'>,
  wanted: { readonly scope: string; readonly claims: WantedClaims; readonly now: Date },
): Record<string, unknown> {
  const target = oidcReleaseTarget(client, environment, {
    scopes: wanted.scope.split(' '),
    claims: Object.entries(wanted.claims).map(([name, member]) => ({
      name,
      isEssential: member?.essential === true,
    })),
  })
  const subject = { account: syntheticAccount, person: syntheticPerson, now: wanted.now }
  return claimsOf(decideRelease(subject, target, environment))
}

/** `sub`, by the rules of the real one with the sandbox's key: nobody's and no service's else. */
function subjectOf({ client, environment }: SandboxProviderOptions): string {
  if (client.metadata.subject_type === 'public') return syntheticPerson._id
  const sector = `oidc-sector:${client.clientId}`
  return pairwiseValue(environment.pairwiseKey, syntheticPerson._id, sector)
}

function configuration(
  { config, now }: Pick<AppContext, 'config' | 'now'>,
  options: SandboxProviderOptions,
): Configuration {
  const { reference, jwks, client, onOutcome } = options
  return {
    adapter: (kind) =>
      kind === 'Client' ? clientAdapter(options) : new SandboxAdapter(reference, kind, now),
    jwks,
    routes: {
      authorization: '/auth',
      token: '/token',
      userinfo: '/userinfo',
      jwks: '/jwks',
      pushed_authorization_request: '/par',
    },
    // Nobody is asked anything: the page after the checks is where a person goes on or not.
    interactions: {
      policy: ['login', 'consent'].map(
        (name) => new interactionPolicy.Prompt({ name, requestable: true }),
      ),
      url: () => sandboxOidcPath,
    },
    findAccount: (_ctx, accountId) => ({
      accountId,
      claims: async (_use, scope, claims) => ({
        ...sandboxClaims(options, { scope, claims, now: now() }),
        sub: accountId,
      }),
    }),
    loadExistingGrant: async ({ oidc }) => {
      if (!oidc.account || !oidc.client) return undefined
      const { accountId } = oidc.account
      const grant = new oidc.provider.Grant({ accountId, clientId: oidc.client.clientId })
      grant.addOIDCScope(`${registeredScopes(client).join(' ')} offline_access`)
      grant.addOIDCClaims([...supportedClaims])
      await grant.save()
      return grant
    },
    scopes: [...new Set(['openid', 'offline_access', ...Object.keys(oidcScopes)])],
    claims: {
      ...oidcScopes,
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      acr: null,
      amr: null,
      auth_time: null,
      iss: null,
      sid: null,
    },
    acrValues: [authnContextClasses.unspecified],
    responseTypes: ['code'],
    // `sub` is computed here already, so a sector's address need not be fetched.
    subjectTypes: ['public'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    pkce: { required: (_ctx, { clientAuthMethod }) => clientAuthMethod === 'none' },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, one) => one.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    clientBasedCORS: (_ctx, origin, { redirectUris = [] }) => mayCallFrom(origin, redirectUris),
    clockTolerance: Math.min(config.clockSkewSeconds, 60),
    fetch: clientFetch({ config }),
    ttl: {
      AuthorizationCode: codeSeconds,
      AccessToken: trialSeconds,
      IdToken: trialSeconds,
      RefreshToken: trialSeconds,
      Grant: trialSeconds,
      Interaction: codeSeconds,
      Session: trialSeconds,
    },
    cookies: { keys: ['none is set'] },
    discovery: { claims_locales_supported: undefined },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
    },
    renderError: (ctx) => {
      ctx.respond = false
      onOutcome(ctx, { kind: 'page' })
    },
  }
}

function clientAdapter({ client, credentials }: SandboxProviderOptions) {
  const refuse = async (): Promise<never> => {
    throw new Error('the sandbox has one client, which it does not change')
  }
  return {
    find: async (clientId: string): Promise<AdapterPayload | undefined> => {
      // The rules by which a registered client may be used; it counts as approved here alone.
      const checked = clientMetadata({ ...client, state: 'approved' })
      if (clientId !== client.clientId || !checked) return undefined
      const fields = usedFields.filter((name) => checked[name] !== undefined)
      return {
        ...(Object.fromEntries(fields.map((name) => [name, checked[name]])) as object),
        client_id: clientId,
        subject_type: 'public',
        ...(credentials.clientSecret && { client_secret: credentials.clientSecret }),
      }
    },
    upsert: refuse,
    findByUid: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  }
}

/** Every request comes with a sign-in of the person who does not exist; nothing of it is kept. */
function withoutSession(provider: Provider, accountId: string): void {
  const { Session, OIDCContext } = provider
  Session.get = async (ctx) => {
    const createSession = Session as unknown as new (
      payload: object,
    ) => InstanceType<Provider['Session']>
    const loginTs = Math.floor(Date.now() / 1000)
    const session = new createSession({ accountId, loginTs, acr: authnContextClasses.unspecified })
    const { oidc } = ctx as unknown as { oidc?: KoaContextWithOIDC['oidc'] }
    oidc?.entity('Session', session)
    return session
  }
  const notSaved = async () => 'not kept'
  Object.assign(Session.prototype, { save: notSaved, persist: notSaved })
  Object.defineProperty(OIDCContext.prototype, 'cookies', {
    get: () => ({ get: () => undefined, set: () => undefined, secure: false }),
  })
}
