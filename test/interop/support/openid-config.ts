/** One relying party of mod_auth_openidc, on a port of its own. */
export interface RelyingPartySite {
  readonly clientId: string
  readonly port: number
  readonly scope: string
  readonly responseMode?: 'query' | 'form_post'
  /** Registers the address at which mod_auth_openidc takes logout tokens. */
  readonly hasBackchannelLogout?: boolean
  /** Registers where it takes logout tokens. */
  readonly takesLogoutTokens?: boolean
  readonly authentication:
    | { readonly method: 'client_secret_basic'; readonly secret: string }
    | {
        readonly method: 'private_key_jwt'
        readonly kid: string
        readonly privateKeyFile: string
        readonly publicKeyFile: string
      }
}

export function relyingPartyUrl({ port }: RelyingPartySite): string {
  return `http://127.0.0.1:${port}`
}

/** Where mod_auth_openidc takes answers, and its logout and refresh calls. */
export function redirectUri(site: RelyingPartySite): string {
  return `${relyingPartyUrl(site)}/protected/redirect_uri`
}

export function loggedOutUrl(site: RelyingPartySite): string {
  return `${relyingPartyUrl(site)}/signed-out`
}

/** The client metadata (RFC 7591) that registers the site with us. */
export function clientMetadata(site: RelyingPartySite, jwks?: { keys: object[] }) {
  const { authentication } = site
  return {
    client_id: site.clientId,
    client_name: site.clientId,
    ...(authentication.method === 'client_secret_basic'
      ? { client_secret: authentication.secret }
      : { jwks }),
    token_endpoint_auth_method: authentication.method,
    redirect_uris: [redirectUri(site)],
    post_logout_redirect_uris: [loggedOutUrl(site)],
    ...(site.hasBackchannelLogout && {
      backchannel_logout_uri: `${redirectUri(site)}?logout=backchannel`,
    }),
    ...(site.takesLogoutTokens && {
      backchannel_logout_uri: `${redirectUri(site)}?logout=backchannel`,
    }),
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: site.scope,
  }
}

/** The directives of the site's virtual host. */
export function openIdDirectives(site: RelyingPartySite, issuer: string): string {
  const { authentication } = site
  return `
  OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
  OIDCClientID ${site.clientId}
  ${
    authentication.method === 'client_secret_basic'
      ? `OIDCClientSecret ${authentication.secret}`
      : `OIDCPrivateKeyFiles ${authentication.kid}#${authentication.privateKeyFile}\n  OIDCPublicKeyFiles ${authentication.kid}#${authentication.publicKeyFile}`
  }
  OIDCProviderTokenEndpointAuth ${authentication.method}
  OIDCRedirectURI ${redirectUri(site)}
  OIDCCryptoPassphrase interop-${site.clientId}
  OIDCCookie oidc_session_${site.port}
  OIDCStateCookiePrefix oidc_state_${site.port}_
  OIDCResponseType code
  OIDCResponseMode ${site.responseMode ?? 'query'}
  OIDCPKCEMethod S256
  OIDCScope "${site.scope}"
  OIDCPassIDTokenAs claims payload serialized
  OIDCPassUserInfoAs claims json
  OIDCPassClaimsAs environment
  OIDCPassRefreshToken On
  OIDCClaimDelimiter ;
  OIDCRedirectURLsAllowed ^${relyingPartyUrl(site)}/
  <Location /protected>
    AuthType openid-connect
    Require valid-user
  </Location>
  <Location /protected/again>
    OIDCPathAuthRequestParams prompt=login
  </Location>
  <Location /protected/silently>
    OIDCPathAuthRequestParams prompt=none
  </Location>`
}
