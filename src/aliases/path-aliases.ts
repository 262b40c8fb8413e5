import type { AliasSet, AliasSetName } from './alias-sets.ts'

/** What an alias is of, when our SAML metadata lists it too. */
export interface PublishedEndpoint {
  readonly service: 'SingleSignOnService' | 'SingleLogoutService'
  readonly binding: 'HTTP-Redirect' | 'HTTP-POST' | 'SOAP'
}

export interface PathAlias {
  readonly path: string
  /** The address of ours that answers. */
  readonly target: string
  readonly publish?: PublishedEndpoint
}

/** All that lies below `prefix` is answered by what lies below `target`. */
export interface PrefixAlias {
  readonly prefix: string
  readonly target: string
}

export interface PathAliases {
  readonly paths: ReadonlyMap<string, PathAlias>
  readonly prefixes: readonly PrefixAlias[]
  /** Where a link may begin a sign-on by `?spentityid=`, as SimpleSAMLphp has it. */
  readonly unsolicited: ReadonlySet<string>
}

interface AliasSettings {
  readonly pathAliases: readonly AliasSet[]
  readonly keycloakRealm: string | undefined
  readonly baseUrl: string
  readonly oidcIssuer: string
}

type Row = readonly [path: string, target: string, ...publish: PublishedEndpoint[]]

const signOn = (binding: PublishedEndpoint['binding']): PublishedEndpoint => ({
  service: 'SingleSignOnService',
  binding,
})
const logout = (binding: PublishedEndpoint['binding']): PublishedEndpoint => ({
  service: 'SingleLogoutService',
  binding,
})

/** Below the prefix, as each software has it in its own distribution. */
const rows: Readonly<Record<AliasSetName, readonly Row[]>> = {
  // Shibboleth Identity Provider 3 to 5, with its OIDC OP plugin.
  shibboleth: [
    ['/shibboleth', '/saml/metadata'],
    ['/profile/SAML2/Redirect/SSO', '/saml/sso', signOn('HTTP-Redirect')],
    ['/profile/SAML2/POST/SSO', '/saml/sso', signOn('HTTP-POST')],
    ['/profile/SAML2/Unsolicited/SSO', '/saml/unsolicited'],
    ['/profile/SAML2/Redirect/SLO', '/saml/slo', logout('HTTP-Redirect')],
    ['/profile/SAML2/POST/SLO', '/saml/slo', logout('HTTP-POST')],
    ['/profile/SAML2/SOAP/SLO', '/saml/slo/soap', logout('SOAP')],
    ['/profile/Logout', '/logout'],
    ['/profile/oidc/authorize', '/oidc/auth'],
    ['/profile/oidc/token', '/oidc/token'],
    ['/profile/oauth2/introspection', '/oidc/introspection'],
    ['/profile/oauth2/revocation', '/oidc/revocation'],
    ['/profile/oidc/userinfo', '/oidc/userinfo'],
    ['/profile/oidc/keyset', '/oidc/jwks'],
  ],
  // 1.x by files, 2.x by module.php.
  simplesamlphp: [
    ['/saml2/idp/metadata.php', '/saml/metadata'],
    ['/saml2/idp/SSOService.php', '/saml/sso', signOn('HTTP-Redirect'), signOn('HTTP-POST')],
    [
      '/saml2/idp/SingleLogoutService.php',
      '/saml/slo',
      logout('HTTP-Redirect'),
      logout('HTTP-POST'),
    ],
    ['/module.php/saml/idp/metadata', '/saml/metadata'],
    [
      '/module.php/saml/idp/singleSignOnService',
      '/saml/sso',
      signOn('HTTP-Redirect'),
      signOn('HTTP-POST'),
    ],
    [
      '/module.php/saml/idp/singleLogout',
      '/saml/slo',
      logout('HTTP-Redirect'),
      logout('HTTP-POST'),
    ],
  ],
  cas: [],
  'cas-oauth': [
    ['/authorize', '/oauth2/authorize'],
    ['/accessToken', '/oidc/token'],
    ['/token', '/oidc/token'],
    ['/profile', '/oauth2/profile'],
    ['/introspect', '/oidc/introspection'],
    ['/revoke', '/oidc/revocation'],
  ],
}

/** Always there: the token endpoint by the names it has for OAuth 2.0 without OpenID Connect. */
const oauth2Rows: readonly Row[] = [
  ['/token', '/oidc/token'],
  ['/accessToken', '/oidc/token'],
]

/** Keycloak's addresses below `/realms/NAME`. */
const keycloakRows: readonly Row[] = [
  ['/.well-known/openid-configuration', '/.well-known/openid-configuration'],
  ['/protocol/openid-connect/auth', '/oidc/auth'],
  ['/protocol/openid-connect/token', '/oidc/token'],
  ['/protocol/openid-connect/userinfo', '/oidc/userinfo'],
  ['/protocol/openid-connect/certs', '/oidc/jwks'],
  ['/protocol/openid-connect/logout', '/oidc/end_session'],
  ['/protocol/openid-connect/token/introspect', '/oidc/introspection'],
  ['/protocol/openid-connect/revoke', '/oidc/revocation'],
  ['/protocol/openid-connect/ext/par/request', '/oidc/par'],
]

/**
 * All further addresses that the settings turn on. An alias is never code of its own: its path is
 * put in the place of ours before anything is routed, so limits, checks, headers and cookies are
 * those of the address that answers.
 */
export function pathAliases(settings: AliasSettings): PathAliases {
  const { keycloakRealm: realm, baseUrl, oidcIssuer } = settings
  const all: PathAlias[] = expand('/oauth2', oauth2Rows)
  for (const { name, prefix } of settings.pathAliases) all.push(...expand(prefix, rows[name]))
  if (realm !== undefined) {
    // Until version 17 Keycloak stood under /auth.
    for (const root of ['', '/auth']) all.push(...expand(`${root}/realms/${realm}`, keycloakRows))
  }
  const issuerPath = oidcIssuer.slice(baseUrl.length)
  if (issuerPath !== '') {
    const target = '/.well-known/openid-configuration'
    all.push({ path: `${issuerPath}${target}`, target })
  }
  const unsolicited = settings.pathAliases
    .filter(({ name }) => name === 'simplesamlphp')
    .flatMap(({ prefix }) => expand(prefix, rows.simplesamlphp))
    .filter(({ target }) => target === '/saml/sso')
  return {
    paths: new Map(all.map((alias) => [alias.path, alias])),
    prefixes: settings.pathAliases
      .filter(({ name }) => name === 'cas' || name === 'shibboleth')
      .map(({ name, prefix }) => ({
        // Shibboleth has a CAS server inside.
        prefix: name === 'shibboleth' ? `${prefix}/profile/cas` : prefix,
        target: '/cas',
      })),
    unsolicited: new Set(unsolicited.map(({ path }) => path)),
  }
}

/** The SAML endpoints among them, for our metadata: each binding one entry. */
export function publishedAliases(
  settings: AliasSettings,
): readonly (PublishedEndpoint & { readonly path: string })[] {
  return settings.pathAliases.flatMap(({ name, prefix }) =>
    rows[name].flatMap(([path, , ...publish]) =>
      publish.map((endpoint) => ({ ...endpoint, path: `${prefix}${path}` })),
    ),
  )
}

/**
 * What answers an address.
 *
 * @param url path and query, as on the request line
 * @returns undefined for an address that is no alias
 */
export function resolveAlias({ paths, prefixes, unsolicited }: PathAliases, url: string) {
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const query = at < 0 ? '' : url.slice(at)
  if (unsolicited.has(path)) {
    const link = unsolicitedLink(query)
    if (link !== undefined) return { path, url: link }
  }
  const exact = paths.get(path)
  if (exact) return { path, url: exact.target + query }
  const below = prefixes.find(({ prefix }) => path.startsWith(`${prefix}/`))
  return below && { path, url: below.target + url.slice(below.prefix.length) }
}

/** SimpleSAMLphp's link to a service, in the names that ours has. */
function unsolicitedLink(query: string): string | undefined {
  const given = new URLSearchParams(query)
  const providerId = given.get('spentityid')
  if (providerId === null || given.has('SAMLRequest')) return undefined
  const ours = new URLSearchParams({ providerId })
  const target = given.get('RelayState')
  const shire = given.get('ConsumerURL')
  if (target !== null) ours.set('target', target)
  if (shire !== null) ours.set('shire', shire)
  return `/saml/unsolicited?${ours}`
}

function expand(prefix: string, list: readonly Row[]): PathAlias[] {
  return list.map(([path, target]) => ({ path: `${prefix}${path}`, target }))
}
