import type { IncomingMessage } from 'node:http'
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { pairwiseValue } from '../attributes/pairwise.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { oidcScopes, supportedClaims } from '../attributes/scopes.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { findRelyingParty } from '../federation/service-store.ts'
import type { Secrets } from '../keys/secrets.ts'
import { sessionIndexFor } from '../sso/sessions.ts'
import { renderPostForm } from '../web/post-form.ts'
import { accountFinder } from './account.ts'
import { StoreAdapter } from './adapter.ts'
import { clientFetch, mayCallFrom } from './client-fetch.ts'
import { mustShow } from './disclosure.ts'
import { standingGrant } from './grants.ts'
import { promptPolicy, supportedAcrValues } from './interaction-policy.ts'
import { grantSeconds, lifetimes, wantsOfflineAccess } from './lifetimes.ts'
import { type Answer, logoutDone, logoutQuestion } from './logout-pages.ts'
import { clientMetadata } from './relying-party.ts'
import { activeSession, bindToSsoSession } from './session-binding.ts'
import { jwksOf, signingAlgorithms } from './signing-keys.ts'

const basePathOf = (baseUrl: string) => new URL(baseUrl).pathname.replace(/\/$/, '')

/** Where answers that express shall write wait for oidc-provider to finish. */
export interface AnswerSlots {
  answer(request: IncomingMessage, answer: Answer): void
  fail(request: IncomingMessage, error: unknown): void
}

/** form_post answers on our own page, like the SAML ones, instead of the library's inline script. */
function providerWithPostPage(slots: AnswerSlots) {
  return class extends Provider {
    override registerResponseMode(
      name: string,
      handler: Parameters<Provider['registerResponseMode']>[1],
    ) {
      super.registerResponseMode(
        name,
        name === 'form_post'
          ? (ctx, redirectUri, payload) => {
              hold(ctx)
              ctx.status = 200
              slots.answer(ctx.req, (request, response) =>
                renderPostForm(request, response, {
                  action: redirectUri,
                  fields: payload as Record<string, string>,
                }),
              )
            }
          : handler,
      )
    }
  }
}

/** oidc-provider finishes its work (cookies, session) but writes no answer. */
function hold(ctx: KoaContextWithOIDC): void {
  ctx.respond = false
}

/** Builds the OpenID provider; cheap, and done again whenever the signing keys change. */
export function createProvider(
  context: AppContext,
  environment: AttributeEnvironment,
  slots: AnswerSlots,
): Provider {
  const ProviderClass = providerWithPostPage(slots)
  const provider = new ProviderClass(
    context.config.oidcIssuer,
    configuration(context, environment, slots),
  )
  const { isHttps } = context.config
  // TLS may end at a reverse proxy: whether cookies are Secure follows from BASE_URL.
  Object.defineProperty(provider.request, 'protocol', { get: () => (isHttps ? 'https' : 'http') })
  bindToSsoSession(provider, context)
  // The library would tell its own services in turn with ours, by its own rules for addresses and
  // time: whoever ends the session tells all of them, whatever their protocol.
  Object.defineProperty(provider.Client.prototype, 'backchannelLogout', { value: async () => {} })
  return provider
}

function configuration(
  context: AppContext,
  environment: AttributeEnvironment,
  slots: AnswerSlots,
): Configuration {
  const { config, secrets } = context
  const { isHttps } = config
  const basePath = basePathOf(config.baseUrl)
  const cookieName = (name: string) => (isHttps ? `__Secure-oidc-${name}` : `oidc-${name}`)
  const scopes = [...new Set(['openid', 'offline_access', ...Object.keys(oidcScopes)])]

  return {
    adapter: (kind) =>
      kind === 'Client' ? clientAdapter(context) : new StoreAdapter(kind, context.now),
    jwks: jwksOf(context.keys),
    enabledJWA: { idTokenSigningAlgValues: signingAlgorithms(context.keys) },
    routes: {
      authorization: '/oidc/auth',
      token: '/oidc/token',
      userinfo: '/oidc/userinfo',
      jwks: '/oidc/jwks',
      end_session: '/oidc/end_session',
      introspection: '/oidc/introspection',
      revocation: '/oidc/revocation',
      pushed_authorization_request: '/oidc/par',
    },
    interactions: {
      policy: promptPolicy(
        async (ctx) => (await activeSession(context, ctx.req))?.session.personId,
        (ctx, personId) => subjectOf(secrets, personId, ctx.oidc.client),
        (ctx) => mustShow(context, environment, ctx),
      ),
      url: (_ctx, interaction) => `${basePath}/oidc/interaction/${interaction.uid}`,
    },
    findAccount: accountFinder(context, environment),
    loadExistingGrant: async (ctx) =>
      standingGrant(ctx, {
        generation: (await activeSession(context, ctx.req))?.session.generation,
        claims: supportedClaims,
        lifetimeSeconds: grantSeconds(config, wantsOfflineAccess(ctx)),
        sidOf: (id, clientId) => sessionIndexFor({ id }, clientId),
        secrets,
      }),
    scopes,
    claims: {
      ...oidcScopes,
      openid: ['sub', 'acr', 'amr', 'auth_time'],
      acr: null,
      amr: null,
      auth_time: null,
      iss: null,
      sid: null,
    },
    acrValues: supportedAcrValues,
    responseTypes: ['code'],
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) => pairwiseSubject(secrets, accountId, client),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    pkce: { required: (_ctx, client) => client.clientAuthMethod === 'none' },
    rotateRefreshToken: true,
    // A service that registered the grant gets refresh tokens; they die with the session, unless
    // it also got offline_access, which OIDC Core 11 ties to prompt=consent.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async (_ctx, source) => !source.scopes.has('offline_access'),
    clientBasedCORS: (_ctx, origin, client) => mayCallFrom(origin, client.redirectUris ?? []),
    clockTolerance: Math.min(config.clockSkewSeconds, 60),
    fetch: clientFetch(context),
    cookies: {
      keys: [secrets.get('oidc-cookie').toString('base64url')],
      names: {
        session: cookieName('session'),
        interaction: cookieName('interaction'),
        resume: cookieName('resume'),
      },
      long: { httpOnly: true, sameSite: 'lax', path: `${basePath}/oidc/` },
      short: { httpOnly: true, sameSite: 'lax' },
    },
    ttl: lifetimes(config),
    discovery: {
      claims_locales_supported: undefined,
      ui_locales_supported: ['el', 'en'],
      op_policy_uri: absoluteUrl(context, context.institution.privacyStatementUrl.en),
      op_tos_uri: absoluteUrl(context, context.institution.termsUrl.en),
      service_documentation: absoluteUrl(context, context.institution.informationUrl.en),
    },
    features: {
      devInteractions: { enabled: false },
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      claimsParameter: { enabled: true },
      // Services see and revoke their own tokens, nobody else's.
      introspection: { enabled: true, allowedPolicy: isOwnToken },
      revocation: { enabled: true, allowedPolicy: isOwnToken },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: { enabled: false },
      // For discovery and registration; the telling is ours (createProvider, logout-channel.ts).
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx) => {
          hold(ctx)
          slots.answer(ctx.req, logoutQuestion(ctx))
        },
        postLogoutSuccessSource: (ctx) => {
          hold(ctx)
          slots.answer(ctx.req, logoutDone(ctx))
        },
      },
    },
    renderError: (ctx, out, error) => {
      hold(ctx)
      slots.fail(ctx.req, pageError(out, error))
    },
  }
}

/** The error that the page shows: what is wrong with the service's request, or a fault of ours. */
function pageError(out: { error: string; error_description?: string }, error: Error): unknown {
  if (out.error === 'server_error') return error
  const isClient = out.error === 'invalid_client' || out.error === 'invalid_client_metadata'
  return new IdpError(
    isClient ? 'OIDC_CLIENT_INVALID' : 'OIDC_REQUEST_INVALID',
    `${out.error}: ${out.error_description ?? error.message}`,
    { cause: error },
  )
}

function clientAdapter(context: AppContext) {
  return {
    find: async (clientId: string) => {
      const relyingParty = await findRelyingParty(clientId)
      const metadata = clientMetadata(relyingParty)
      if (relyingParty?.state === 'approved' && !metadata) {
        context.log.warn({ clientId }, 'client has an http redirect address and is refused')
      }
      return metadata
    },
    upsert: refuse,
    findByUid: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  }
}

async function refuse(): Promise<never> {
  throw new Error('clients are registered through the federation room only')
}

type SubjectClient = { clientId: string; sectorIdentifier?: unknown; subjectType?: string }

/**
 * Services of one sector share a subject (OIDC Core 8.1). The prefix keeps the value apart from the
 * persistent NameID of a SAML service that happens to have the same name.
 */
function pairwiseSubject(secrets: Secrets, personId: string, client: SubjectClient): string {
  const sector = `oidc-sector:${sectorOf(client)}`
  return pairwiseValue(secrets.get('pairwise'), personId, sector)
}

/**
 * A native app's redirect address has no host, or the loopback one that all native apps have
 * (RFC 8252 7.1, 7.3): that names no sector, so each such service is one by itself.
 */
function sectorOf({ clientId, sectorIdentifier }: SubjectClient): string {
  const host = String(sectorIdentifier ?? '')
  const isShared = host === '' || /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)
  return isShared ? clientId : host
}

export function subjectOf(
  secrets: Secrets,
  personId: string,
  client: SubjectClient | undefined,
): string {
  return client?.subjectType === 'pairwise' ? pairwiseSubject(secrets, personId, client) : personId
}

async function isOwnToken(
  _ctx: KoaContextWithOIDC,
  client: { clientId: string },
  token: { clientId?: string },
): Promise<boolean> {
  return token.clientId === client.clientId
}

function absoluteUrl(context: AppContext, url: string): string {
  return new URL(url, context.config.baseUrl).href
}
