/**
 * The sets of addresses that other software had, which services may go on using after a move. A
 * setting turns each on; `prefix` is where that software stood on this host.
 */
export interface AliasSet {
  readonly name: AliasSetName
  /** Path without a trailing slash. */
  readonly prefix: string
}

export type AliasSetName = keyof typeof defaultPrefixes

/** Where each software stands unless somebody moved it. */
const defaultPrefixes = {
  shibboleth: '/idp',
  simplesamlphp: '/simplesaml',
  cas: '/cas',
  'cas-oauth': '/cas/oauth2.0',
} as const

/** First segments of our own addresses: an alias there would hide a page of ours. */
const ownSegments = new Set([
  '.well-known',
  'account',
  'activate',
  'admin',
  'cas',
  'consent',
  'css',
  'dev',
  'federation',
  'health',
  'img',
  'info',
  'js',
  'login',
  'logos',
  'logout',
  'mdq',
  'metrics',
  'oauth2',
  'oidc',
  'realms',
  'register',
  'saml',
])

const prefixPattern = /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/

/**
 * Reads `shibboleth,simplesamlphp,cas=/sso-cas`.
 *
 * @throws {Error} what is allowed, for the person who wrote the setting
 */
export function readAliasSets(text: string): readonly AliasSet[] {
  const sets = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(readEntry)
  const prefixes = sets.map(({ prefix }) => prefix)
  if (new Set(prefixes).size < prefixes.length) throw new Error('names the same path twice')
  return sets
}

function readEntry(entry: string): AliasSet {
  const [given = '', prefix] = entry.split('=')
  const name = Object.keys(defaultPrefixes).find((known) => known === given) as
    | AliasSetName
    | undefined
  if (name === undefined) {
    throw new Error(
      `must be a list of ${Object.keys(defaultPrefixes).join(', ')} by comma, each with =/path when it stood elsewhere; there is no "${given}"`,
    )
  }
  if (name === 'cas' && prefix === undefined) {
    throw new Error('needs the path where CAS stood, such as cas=/sso; /cas is served as it is')
  }
  const path = prefix ?? defaultPrefixes[name]
  if (!prefixPattern.test(path)) {
    throw new Error(
      `has the path "${path}" for ${name}; it must be like /sso, without a slash at its end`,
    )
  }
  const [, first = ''] = path.split('/')
  const isOurs = ownSegments.has(first) && path !== defaultPrefixes[name]
  if (isOurs) {
    throw new Error(`has the path "${path}" for ${name}; /${first} holds addresses of our own`)
  }
  return { name, prefix: path }
}

/** A realm's name, as it stands in Keycloak's addresses. Empty: none. */
export function readRealm(text: string): string | undefined {
  if (text !== '' && !/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(text)) {
    throw new Error('must be a realm name of letters, digits, ".", "_" and "-"')
  }
  return text || undefined
}
