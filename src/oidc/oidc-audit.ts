import type { Request, Response } from 'express'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'

type AuditContext = Pick<AppContext, 'audit' | 'log'>

/** Event names by route of the library; what is not here is not security-relevant. */
const events: Readonly<Record<string, string>> = {
  authorization: 'oidc.authorization',
  resume: 'oidc.authorization',
  token: 'oidc.token',
  userinfo: 'oidc.userinfo',
  revocation: 'oidc.revocation',
}

/** Codes, tokens and claims that went out: to which service, for whom. */
export function auditSuccess(ctx: KoaContextWithOIDC, { audit }: AuditContext): void {
  const { route, entities } = ctx.oidc
  const event = events[route]
  const went = {
    'oidc.authorization': entities.AuthorizationCode,
    'oidc.token': entities.AccessToken,
    'oidc.userinfo': entities.AccessToken,
    'oidc.revocation': entities.AccessToken ?? entities.RefreshToken,
  }[event ?? '']
  if (event === undefined || went === undefined || ctx.status >= 400) return
  // For whoever watches requests from outside: which client proved itself.
  const { locals } = ctx.res as Response
  if (event === 'oidc.token' && locals) locals.clientId = ctx.oidc.client?.clientId
  const { grant_type: grantType } = ctx.oidc.params ?? {}
  audit.record({
    event,
    result: 'success',
    ...who(ctx),
    personId: (went as { accountId?: string }).accountId,
    details: {
      ...(typeof grantType === 'string' ? { grantType } : {}),
      ...(event === 'oidc.userinfo' ? { released: ctx.state.releasedClaims ?? [] } : {}),
    },
  })
}

/** Requests that were refused, and faults of ours. */
export function auditFailures(provider: Provider, { audit, log }: AuditContext): void {
  const refused = (ctx: KoaContextWithOIDC, error: Error & { error?: string }) => {
    const detail = (error as { error_detail?: string }).error_detail
    const event = events[ctx.oidc.route] ?? `oidc.${ctx.oidc.route}`
    audit.record({ event, result: 'failure', reason: error.error ?? 'server_error', ...who(ctx) })
    log.info({ event, reason: error.error, detail, clientId: who(ctx).service }, error.message)
  }
  provider.on('authorization.error', refused)
  provider.on('grant.error', refused)
  provider.on('userinfo.error', refused)
  provider.on('revocation.error', refused)
  provider.on('introspection.error', refused)
  provider.on('pushed_authorization_request.error', refused)
  provider.on('end_session.error', refused)
  provider.on('server_error', (ctx: KoaContextWithOIDC, error: Error) => {
    log.error({ err: error, path: ctx.path }, 'OpenID Connect request failed')
    // What passes, such as a key signer that is away, is no 500: a service may try again.
    if (error instanceof IdpError && error.status > 500) ctx.status = error.status
  })
}

function who(ctx: KoaContextWithOIDC) {
  const request = ctx.req as Request
  return {
    service: ctx.oidc.client?.clientId,
    ...requestOrigin(request),
    sessionId: request.session?.sso?.id,
  }
}
