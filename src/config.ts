import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAliasSets, readRealm } from './aliases/alias-sets.ts'
import { readNetworks } from './fetch/named-networks.ts'

/** What a setting may look like: turns the text of the variable into its value or throws why not. */
type Parser<T> = (text: string) => T

const text: Parser<string> = (value) => value
const path: Parser<string> = (value) => resolve(value)
const optionalPath: Parser<string | undefined> = (value) => (value ? resolve(value) : undefined)

/** An address that may hold a password, so it is never printed. */
function connectionString(...schemes: string[]): Parser<string | undefined> {
  return (value) => {
    if (value && !schemes.some((scheme) => value.startsWith(`${scheme}://`)))
      throw new Error(`must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`)
    return value || undefined
  }
}

function integer(min: number, max: number): Parser<number> {
  return (value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < min || number > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`)
    }
    return number
  }
}

function oneOf<const T extends string>(...allowed: T[]): Parser<T> {
  return (value) => {
    if (!allowed.includes(value as T)) throw new Error(`must be one of ${allowed.join(', ')}`)
    return value as T
  }
}

/** An optional absolute URL in one of the given schemes, returned without a trailing slash. */
function url(...schemes: string[]): Parser<string | undefined> {
  return (value) => {
    if (!value) return undefined
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1))) {
      throw new Error(
        `must be a URL that starts with ${schemes.map((s) => `${s}://`).join(' or ')}`,
      )
    }
    return value.replace(/\/+$/, '')
  }
}

/** Scheme and host only: every path below it is fixed by the protocols' registrations. */
const origin: Parser<string | undefined> = (value) => {
  const parsed = url('http', 'https')(value)
  if (parsed !== undefined && new URL(parsed).origin !== parsed.toLowerCase()) {
    throw new Error('must be scheme and host only, such as https://sso.uni.example.gr')
  }
  return parsed?.toLowerCase()
}

/** What express takes for `trust proxy`: addresses, subnets and its three names, by comma. */
const proxies: Parser<string> = (value) => {
  for (const entry of value.split(',').map((part) => part.trim())) {
    const [address = '', prefix, ...rest] = entry.split('/')
    const version = isIP(address)
    const isSubnet =
      prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
    const isName = ['loopback', 'linklocal', 'uniquelocal'].includes(entry)
    if (!isName && (version === 0 || !isSubnet || rest.length > 0)) {
      throw new Error(
        'must be addresses or subnets separated by commas, or loopback, linklocal, uniquelocal',
      )
    }
  }
  return value
}

/** A DNS name, lower-cased: the scope of eduPersonPrincipalName and its kin. */
const domain: Parser<string> = (value) => {
  if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/i.test(value)) {
    throw new Error('must be a domain name such as uni.example.gr')
  }
  return value.toLowerCase()
}

/** An absolute URI of at most 1024 characters (SAML Core 8.3.6). */
const entityId: Parser<string | undefined> = (value) => {
  if (value === '') return undefined
  if (!/^[a-z][a-z0-9+.-]*:[^\s<>"]+$/i.test(value) || value.length > 1024) {
    throw new Error(
      'must be a URI of at most 1024 characters, such as https://sso.uni.example.gr/idp/shibboleth',
    )
  }
  return value
}

const keyType = oneOf('rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256')

const variableNames: Parser<readonly string[]> = (value) => {
  const names = value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (names.some((name) => !/^[A-Za-z_]\w*$/.test(name))) {
    throw new Error('must be names of environment variables separated by commas')
  }
  return names
}

/** Keys of exactly 32 bytes as base64url, separated by commas. */
const masterKeys: Parser<readonly Buffer[]> = (value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const key = Buffer.from(part, 'base64url')
      if (!/^[\w-]{43}$/.test(part) || key.length !== 32) {
        throw new Error('must be 32 bytes as base64url (43 characters), or several by comma')
      }
      return key
    })

/** Keys of 32 bytes or more, as hex or base64url, separated by commas. All of hex digits is hex. */
const sharedKeys: Parser<readonly Buffer[]> = (value) => {
  const keys = value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const isHex = /^([0-9a-f]{2})+$/i.test(part)
      const key = Buffer.from(part, isHex ? 'hex' : 'base64url')
      if (!/^[\w-]+$/.test(part) || key.length < 32) {
        throw new Error(
          'must be keys of at least 32 bytes each, in hex or base64url, separated by commas; make one with: openssl rand -hex 32',
        )
      }
      return key
    })
  if (new Set(keys.map((key) => key.toString('hex'))).size < keys.length) {
    throw new Error('holds the same key twice')
  }
  return keys
}

/** Every setting: variable, default, check, manual. `secret` values are never printed. */
const options = {
  environment: {
    env: 'NODE_ENV',
    fallback: 'development',
    parse: oneOf('development', 'test', 'production'),
    about: 'In production the demo data, /dev pages and weak defaults are refused.',
  },
  port: {
    env: 'PORT',
    fallback: '3000',
    parse: integer(0, 65_535),
    about: 'TCP port of the web server.',
  },
  host: {
    env: 'HOST',
    fallback: '127.0.0.1',
    parse: text,
    about:
      'Address to listen on. The default is reachable only through a reverse proxy on this machine.',
  },
  baseUrl: {
    env: 'BASE_URL',
    fallback: '',
    parse: origin,
    about:
      'What people and services see: scheme and host of this identity provider, no path. https in production. Default http://localhost:PORT.',
  },
  samlEntityId: {
    env: 'SAML_ENTITY_ID',
    fallback: '',
    parse: entityId,
    about:
      'Our SAML entityID. Set it only when moving from another identity provider whose entityID services know (docs/moving-from.md); it never changes afterwards. Default BASE_URL/saml/metadata.',
  },
  oidcIssuer: {
    env: 'OIDC_ISSUER',
    fallback: '',
    parse: url('https', 'http'),
    about:
      'Our OpenID Connect issuer: BASE_URL, or an address below it that services know from what we replace, such as BASE_URL/realms/NAME (docs/moving-from.md). Default BASE_URL.',
  },
  keycloakRealm: {
    env: 'KEYCLOAK_REALM',
    fallback: '',
    parse: readRealm,
    about:
      'Realm name under which the addresses of a Keycloak server answer too: BASE_URL/realms/NAME/protocol/openid-connect/… None when empty.',
  },
  pathAliases: {
    env: 'PATH_ALIASES',
    fallback: '',
    parse: readAliasSets,
    about:
      'Addresses of other software that answer too, by comma: shibboleth, simplesamlphp, cas-oauth, each with =/path when it did not stand at /idp, /simplesaml, /cas/oauth2.0; and cas=/path (docs/moving-from.md).',
  },
  trustProxy: {
    env: 'TRUST_PROXY',
    fallback: 'loopback',
    parse: proxies,
    about:
      'Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses, subnets, or "loopback".',
  },
  dataDir: {
    env: 'DATA_DIR',
    fallback: './data',
    parse: path,
    about: 'Folder of the embedded store. Unused with MONGODB_URI.',
  },
  certsDir: {
    env: 'CERTS_DIR',
    fallback: './certs',
    parse: path,
    about: "Folder of this machine's secrets (master.key).",
  },
  masterKeys: {
    env: 'MASTER_KEY',
    fallback: '',
    parse: masterKeys,
    secret: true,
    about:
      'Master key in place of certs/master.key: 32 bytes as base64url. Of several, separated by commas, the first seals and the others open (docs/keys.md). The file when empty.',
  },
  metadataDir: {
    env: 'METADATA_DIR',
    fallback: './metadata',
    parse: path,
    about: 'Folder of service metadata that is registered and approved at start.',
  },
  institutionFile: {
    env: 'INSTITUTION_FILE',
    fallback: '',
    parse: optionalPath,
    about:
      'JSON file with what the institution says about itself (docs/institution-file.md). The demo institution when empty (not in production).',
  },
  presetsDir: {
    env: 'PRESETS_DIR',
    fallback: '',
    parse: optionalPath,
    about:
      'Folder of your own service presets, one JSON file each, that add to ours or replace them (docs/releasing-attributes.md).',
  },
  scope: {
    env: 'SCOPE',
    fallback: 'uni.example.gr',
    parse: domain,
    about: "The institution's domain, the part after @ in scoped attributes.",
  },
  mongodbUri: {
    env: 'MONGODB_URI',
    fallback: '',
    parse: connectionString('mongodb', 'mongodb+srv'),
    secret: true,
    about: 'MongoDB connection string. The embedded store when empty.',
  },
  redisUrl: {
    env: 'REDIS_URL',
    fallback: '',
    parse: connectionString('redis', 'rediss'),
    secret: true,
    about: 'Redis for sessions. Sessions live in the store when empty.',
  },
  smtpUrl: {
    env: 'SMTP_URL',
    fallback: '',
    parse: connectionString('smtp', 'smtps'),
    secret: true,
    about:
      'Mail server, such as smtp://user:password@mail.uni.example.gr:587. STARTTLS is required unless it says ?requireTLS=false or smtps. No mail when empty.',
  },
  smsGatewayUrl: {
    env: 'SMS_GATEWAY_URL',
    fallback: '',
    parse: url('https', 'http'),
    about: 'HTTP gateway that takes SMS as JSON (docs/operation.md). No SMS when empty.',
  },
  smsGatewayToken: {
    env: 'SMS_GATEWAY_TOKEN',
    fallback: '',
    parse: text,
    secret: true,
    about: 'Bearer token for SMS_GATEWAY_URL.',
  },
  amkaRegistryUrl: {
    env: 'AMKA_REGISTRY_URL',
    fallback: '',
    parse: url('https', 'http'),
    about:
      "National AMKA registry, GUnet's interface; the part before /ssn/. When empty an embedded registry answers from the imported records.",
  },
  amkaRegistryToken: {
    env: 'AMKA_REGISTRY_TOKEN',
    fallback: '',
    parse: text,
    secret: true,
    about: 'Token for AMKA_REGISTRY_URL.',
  },
  academicIdUrl: {
    env: 'ACADEMICID_URL',
    fallback: '',
    parse: url('https', 'http'),
    about:
      'AcademicID registry that several institutions share; the part before /v1/ (docs/academicid.md). When empty this institution has one of its own, in its store.',
  },
  academicIdToken: {
    env: 'ACADEMICID_TOKEN',
    fallback: '',
    parse: text,
    secret: true,
    about: 'Bearer token for ACADEMICID_URL, from the operator of the registry.',
  },
  academicIdSharedKeys: {
    env: 'ACADEMICID_SHARED_KEYS',
    fallback: '',
    parse: sharedKeys,
    secret: true,
    about:
      'Keys over national numbers, the same at every institution of the registry: the first is in use, further ones are of a rotation. Required with ACADEMICID_URL; a secret of the institution when empty.',
  },
  academicIdHost: {
    env: 'ACADEMICID_HOST',
    fallback: '127.0.0.1',
    parse: text,
    about: 'Address that "propylaia academicid serve" listens on.',
  },
  academicIdPort: {
    env: 'ACADEMICID_PORT',
    fallback: '3010',
    parse: integer(0, 65_535),
    about: 'TCP port of "propylaia academicid serve".',
  },
  workers: {
    env: 'WEB_CONCURRENCY',
    fallback: '1',
    parse: integer(1, 64),
    about: `Web server processes (this machine has ${availableParallelism()} cores).`,
  },
  demo: {
    env: 'DEMO',
    fallback: 'auto',
    parse: oneOf('auto', 'true', 'false'),
    about:
      'Import the synthetic demo institution and start the demo services; auto: yes outside production when no institution file is given.',
  },
  devPages: {
    env: 'DEV_PAGES',
    fallback: 'auto',
    parse: oneOf('auto', 'true', 'false'),
    about: 'Serve /dev pages; auto: only in development. Refused in production.',
  },
  sessionIdleSeconds: {
    env: 'SESSION_IDLE_SECONDS',
    fallback: '1800',
    parse: integer(60, 86_400),
    about: 'Seconds without a request before the person signs in again.',
  },
  sessionAbsoluteSeconds: {
    env: 'SESSION_ABSOLUTE_SECONDS',
    fallback: '36000',
    parse: integer(300, 604_800),
    about: 'Seconds after which the person signs in again whatever they did.',
  },
  loginFlowSeconds: {
    env: 'LOGIN_FLOW_SECONDS',
    fallback: '3600',
    parse: integer(60, 86_400),
    about: 'Seconds a sign-in that a service asked for may take.',
  },
  loginTriesPerAccount: {
    env: 'LOGIN_TRIES_PER_ACCOUNT',
    fallback: '10',
    parse: integer(3, 1000),
    about: 'Failed sign-ins of one username in 15 minutes before further wrong tries must wait.',
  },
  loginTriesPerAddress: {
    env: 'LOGIN_TRIES_PER_ADDRESS',
    fallback: '100',
    parse: integer(3, 100_000),
    about: 'Failed sign-ins from one address in 15 minutes before further tries must wait.',
  },
  activationMinutes: {
    env: 'ACTIVATION_MINUTES',
    fallback: '60',
    parse: integer(20, 1440),
    about: 'Minutes an activation may take from its start to the password.',
  },
  activationSearchesPerAddress: {
    env: 'ACTIVATION_SEARCHES_PER_ADDRESS',
    fallback: '30',
    parse: integer(3, 100_000),
    about:
      'Contacts from one address that nobody was found for, in 15 minutes, before further ones must wait.',
  },
  activationPinsPerAddress: {
    env: 'ACTIVATION_PINS_PER_ADDRESS',
    fallback: '200',
    parse: integer(3, 100_000),
    about: 'PINs sent for one address in 15 minutes before further ones must wait.',
  },
  activationPinsPerContact: {
    env: 'ACTIVATION_PINS_PER_CONTACT',
    fallback: '5',
    parse: integer(2, 1000),
    about: 'PINs sent to one number or mail address in an hour before further ones must wait.',
  },
  recoveryRequestsPerAddress: {
    env: 'RECOVERY_REQUESTS_PER_ADDRESS',
    fallback: '100',
    parse: integer(3, 100_000),
    about: 'Codes to recover a password asked for from one address in 15 minutes.',
  },
  recoveryCodesPerContact: {
    env: 'RECOVERY_CODES_PER_CONTACT',
    fallback: '5',
    parse: integer(2, 1000),
    about:
      'Codes to recover a password asked for with one username and contact in an hour; three times as many in a day.',
  },
  serviceRegistration: {
    env: 'SERVICE_REGISTRATION',
    fallback: 'open',
    parse: oneOf('open', 'closed'),
    about:
      'open: services may ask for their registration at /federation/register; an administrator decides. closed: administrators register all of them.',
  },
  serviceLogos: {
    env: 'SERVICE_LOGOS',
    fallback: 'fetch',
    parse: oneOf('fetch', 'off'),
    about:
      'fetch: logos of registered services are fetched and shown from this server. off: pages show the first letter of their names.',
  },
  fetchLoopback: {
    env: 'FETCH_LOOPBACK',
    fallback: 'false',
    parse: oneOf('true', 'false'),
    about:
      'true: addresses that services give us (metadata, logos) may also be on this machine, over http too. For trials only; refused in production.',
  },
  logoutNetworks: {
    env: 'LOGOUT_PRIVATE_NETWORKS',
    fallback: '',
    parse: readNetworks,
    about:
      'Addresses or subnets, such as 10.20.0.0/16, where services that this institution registered are told of a logout although the address is private or the port unusual; by https. Empty: public addresses on ports 443 and 8443 only.',
  },
  samlKeyType: {
    env: 'SAML_KEY_TYPE',
    fallback: 'rsa-3072',
    parse: keyType,
    about:
      'Kind of the SAML signing key that is made at first start: rsa-2048, rsa-3072, rsa-4096 or ec-p256. Later changes are a key rotation.',
  },
  samlEncryptionKeyType: {
    env: 'SAML_ENCRYPTION_KEY_TYPE',
    fallback: 'none',
    parse: oneOf('none', 'rsa-2048', 'rsa-3072', 'rsa-4096'),
    about:
      'Kind of the key for which services may encrypt identifiers in their requests: made at the next start when there is none, and published in the SAML metadata.',
  },
  certificateDays: {
    env: 'SAML_CERTIFICATE_DAYS',
    fallback: '3650',
    parse: integer(30, 7300),
    about: 'Days that certificates of new SAML keys are valid.',
  },
  keySignerCommand: {
    env: 'KEY_SIGNER_COMMAND',
    fallback: '',
    parse: text,
    about:
      'Program and arguments, without a shell, that signs with keys kept elsewhere: a PKCS#11 token or a key management service (docs/keys.md). None when empty.',
  },
  keySignerEnvironment: {
    env: 'KEY_SIGNER_ENV',
    fallback: '',
    parse: variableNames,
    about:
      'Names of environment variables, with commas, that the program in KEY_SIGNER_COMMAND needs, such as SOFTHSM2_CONF. It gets these, PATH, HOME, the locale and the like, and nothing else of ours.',
  },
  oidcKeyType: {
    env: 'OIDC_KEY_TYPE',
    fallback: 'rsa-2048',
    parse: keyType,
    about:
      'Kind of the OpenID Connect signing key that is made at first start. ec-p256 makes a key for ES256 beside one of RSA 2048, which services that name no algorithm need.',
  },
  metadataValidDays: {
    env: 'METADATA_VALID_DAYS',
    fallback: '14',
    parse: integer(1, 28),
    about: 'Days until our own SAML metadata expires (validUntil).',
  },
  federationRefreshHours: {
    env: 'FEDERATION_REFRESH_HOURS',
    fallback: '24',
    parse: integer(0, 720),
    about:
      'Hours until a federation that republishes our metadata has the new version and its members have read it; 0 without a federation. A staged SAML key waits so much longer (docs/keys.md).',
  },
  oidcJwksCacheHours: {
    env: 'OIDC_JWKS_CACHE_HOURS',
    fallback: '24',
    parse: integer(1, 720),
    about:
      'Hours that clients may keep our JWKS: a staged OpenID Connect key signs that much later at the earliest.',
  },
  oidcKeyRotationDays: {
    env: 'OIDC_KEY_ROTATION_DAYS',
    fallback: '90',
    parse: integer(0, 3650),
    about:
      'Days after which another OpenID Connect signing key takes over by itself; 0: only when an administrator says so.',
  },
  casTicketSeconds: {
    env: 'CAS_TICKET_SECONDS',
    fallback: '10',
    parse: integer(1, 300),
    about: 'Seconds in which a CAS service must validate its ticket.',
  },
  clockSkewSeconds: {
    env: 'CLOCK_SKEW_SECONDS',
    fallback: '180',
    parse: integer(0, 300),
    about: "How far other servers' clocks may be off.",
  },
  logLevel: {
    env: 'LOG_LEVEL',
    fallback: 'info',
    parse: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'silent'),
    about: 'How much is logged.',
  },
} as const satisfies Record<
  string,
  { env: string; fallback: string; parse: Parser<unknown>; about: string; secret?: boolean }
>

type RawConfig = { readonly [K in keyof typeof options]: ReturnType<(typeof options)[K]['parse']> }

export type Config = Omit<
  RawConfig,
  'baseUrl' | 'demo' | 'devPages' | 'samlEntityId' | 'oidcIssuer'
> & {
  /** Scheme and host (and port), without a trailing slash. */
  readonly baseUrl: string
  /** Our entityID: nothing else may compute it. */
  readonly samlEntityId: string
  /** BASE_URL, or an address below it. */
  readonly oidcIssuer: string
  readonly demo: boolean
  readonly devPages: boolean
  readonly isProduction: boolean
  /** BASE_URL is https: cookies get Secure and the `__Host-` prefix. */
  readonly isHttps: boolean
}

/** The settings are not usable. `message` lists every mistake, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * Reads all settings once, at start. Nothing else reads the environment.
 *
 * @param program the AcademicID registry is no identity provider: it needs none of what one must
 *   have in production
 * @throws {ConfigError} naming every bad variable, its value (no secrets) and what is allowed
 */
export function readConfig(
  environment: NodeJS.ProcessEnv = process.env,
  program: 'identity-provider' | 'academicid-registry' = 'identity-provider',
): Config {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [key, option] of Object.entries(options)) {
    const given = environment[option.env]
    // An empty variable means "not set": compose files and systemd units leave such lines behind.
    const value = given === undefined || given === '' ? option.fallback : given
    try {
      values[key] = option.parse(value)
    } catch (error) {
      const shown = 'secret' in option ? '' : `, got "${value}"`
      problems.push(`${option.env}: ${(error as Error).message}${shown}`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const raw = values as RawConfig
  const isProduction = raw.environment === 'production'
  const wantsDemo =
    raw.demo === 'true' || (raw.demo === 'auto' && !isProduction && !raw.institutionFile)
  const baseUrl = raw.baseUrl ?? `http://localhost:${raw.port}`
  const config: Config = {
    ...raw,
    baseUrl,
    samlEntityId: raw.samlEntityId ?? `${baseUrl}/saml/metadata`,
    oidcIssuer: raw.oidcIssuer ?? baseUrl,
    isHttps: baseUrl.startsWith('https://'),
    demo: wantsDemo,
    devPages:
      raw.devPages === 'true' || (raw.devPages === 'auto' && raw.environment === 'development'),
    isProduction,
  }
  if (!isBelow(config.oidcIssuer, baseUrl)) {
    problems.push(
      `OIDC_ISSUER: must be BASE_URL (${baseUrl}) or a path below it, got "${config.oidcIssuer}"`,
    )
  }
  if (program === 'identity-provider') {
    problems.push(...missingForAcademicId(raw))
    if (isProduction) problems.push(...weakInProduction(raw, environment))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config)
}

/** The same host, and a plain path: services put /.well-known/openid-configuration behind it. */
function isBelow(issuer: string, baseUrl: string): boolean {
  return (
    issuer === baseUrl ||
    (issuer.startsWith(`${baseUrl}/`) &&
      /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(issuer.slice(baseUrl.length)))
  )
}

export const demoInstitutionFile = fileURLToPath(
  new URL('../demo/institution.json', import.meta.url),
)

/** A shared registry is of no use without what opens it, and without the key that all share. */
function missingForAcademicId(raw: RawConfig): string[] {
  if (raw.academicIdUrl === undefined) return []
  const problems: string[] = []
  if (raw.academicIdToken === '') {
    problems.push(
      'ACADEMICID_TOKEN: must be set with ACADEMICID_URL; the operator of the registry makes one with "propylaia academicid token add NAME"',
    )
  }
  if (raw.academicIdSharedKeys.length === 0) {
    problems.push(
      'ACADEMICID_SHARED_KEYS: must be set with ACADEMICID_URL, to the key that all institutions of the registry share: with another one people who move would get a second AcademicID',
    )
  }
  return problems
}

/** What a demo may do and a university must not, each with what to do instead. */
function weakInProduction(raw: RawConfig, environment: NodeJS.ProcessEnv): string[] {
  const problems: string[] = []
  if (raw.demo === 'true')
    problems.push(
      'DEMO: the demo institution has published passwords, so it cannot run with NODE_ENV=production; remove DEMO',
    )
  if (raw.devPages === 'true')
    problems.push(
      'DEV_PAGES: the /dev pages show secrets, so they cannot run with NODE_ENV=production; remove DEV_PAGES',
    )
  if (raw.fetchLoopback === 'true')
    problems.push(
      'FETCH_LOOPBACK: strangers could reach programs on this machine, so it cannot be true with NODE_ENV=production; remove FETCH_LOOPBACK',
    )
  if (!raw.institutionFile || raw.institutionFile === demoInstitutionFile)
    problems.push(
      "INSTITUTION_FILE: must name your institution's JSON file in production (docs/institution-file.md); the default is the demo institution",
    )
  if (!environment.SCOPE)
    problems.push(
      "SCOPE: must be your institution's domain in production; the default uni.example.gr is the demo's",
    )
  if (!raw.baseUrl)
    problems.push('BASE_URL: must be set in production, for example https://sso.uni.example.gr')
  else if (!raw.baseUrl.startsWith('https://'))
    problems.push(`BASE_URL: must start with https:// in production, got "${raw.baseUrl}"`)
  return problems
}

/** The settings as a table for `propylaia help settings` and the operation manual. */
export function describeOptions(): { env: string; fallback: string; about: string }[] {
  return Object.values(options).map(({ env, fallback, about }) => ({ env, fallback, about }))
}
