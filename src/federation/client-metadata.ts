import { createPublicKey, randomBytes } from 'node:crypto'
import { MetadataError } from './metadata-finding.ts'
import { cleanText, isLoopbackUrl, isWebUrl } from './metadata-text.ts'
import type { ServiceDisplay, ServiceText } from './service.ts'

/** Client metadata of RFC 7591 and OpenID Connect Registration, checked and completed. */
export type ClientMetadata = Readonly<Record<string, unknown>> & { readonly client_id: string }

export interface CheckedClient {
  readonly metadata: ClientMetadata
  /** Made here because the registration had none: tell it once, it is not shown again. */
  readonly generated: { readonly clientId: boolean; readonly clientSecret: boolean }
  /** Fields that mean nothing to us. */
  readonly ignored: readonly string[]
}

const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']
const grantTypes = ['authorization_code', 'refresh_token']
/** Texts that may have a language, as `client_name#el`. */
const localizedFields = ['client_name', 'client_description', 'client_uri', 'policy_uri', 'tos_uri']
const urlFields = ['client_uri', 'policy_uri', 'tos_uri', 'logo_uri']
/** Keys that came in clear would be those of whoever is on the way. */
const secureUrlFields = [
  'jwks_uri',
  'sector_identifier_uri',
  'initiate_login_uri',
  'backchannel_logout_uri',
]
/** Taken as they are; the protocol room checks their values when the client is used. */
const passedOn = [
  'application_type',
  'backchannel_logout_session_required',
  'contacts',
  'default_acr_values',
  'default_max_age',
  'id_token_signed_response_alg',
  'require_auth_time',
]

/**
 * Checks a registration in the form of RFC 7591 section 2 and completes it: client_id and
 * client_secret when absent, pairwise subjects, the scopes `openid profile email`.
 *
 * @throws {IdpError} METADATA_INVALID with every mistake: field, what was expected, what came
 */
export function checkClientMetadata(
  given: unknown,
  random: (bytes: number) => Buffer = randomBytes,
): CheckedClient {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refusal('', ['client metadata must be one JSON object (RFC 7591)'])
  }
  const input = given as Record<string, unknown>
  const problems: string[] = []
  const metadata: Record<string, unknown> = {}
  const ignored: string[] = []
  for (const [field, value] of Object.entries(input)) {
    const [name = '', language] = field.split('#', 2)
    const isKnown = language === undefined ? isPlainField(name) : localizedFields.includes(name)
    if (isKnown) metadata[field] = value
    else if (!checkedFields.includes(field)) ignored.push(field)
    if (isKnown) problems.push(...checkDisplayField(field, name, value))
  }

  const clientId = input.client_id ?? `client-${random(12).toString('hex')}`
  if (typeof clientId !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(clientId)) {
    problems.push(`client_id must be 1 to 255 printable characters, got ${show(clientId)}`)
  }
  metadata.client_id = clientId
  problems.push(...checkFlow(input, metadata))
  const generated = checkAuthentication(input, metadata, problems, random)
  checkRedirects(input, metadata, problems)
  problems.push(...checkSubject(input, metadata))
  if (problems.length > 0) {
    const who = typeof input.client_id === 'string' ? `client "${input.client_id}": ` : ''
    throw refusal(who, problems)
  }
  return {
    metadata: metadata as ClientMetadata,
    generated: { clientId: input.client_id === undefined, clientSecret: generated },
    ignored,
  }
}

function refusal(who: string, problems: readonly string[]): MetadataError {
  return new MetadataError(
    `${who}${problems.join('; ')}.`,
    problems.map((message) => ({ code: 'CLIENT_FIELD_INVALID', message })),
  )
}

/** Fields that a check below copies into the result. */
const checkedFields = [
  'client_id',
  'client_secret',
  'grant_types',
  'response_types',
  'scope',
  'subject_type',
  'token_endpoint_auth_method',
  'jwks',
  'redirect_uris',
  'post_logout_redirect_uris',
]

function isPlainField(name: string): boolean {
  return [...localizedFields, ...urlFields, ...secureUrlFields, ...passedOn].includes(name)
}

function checkDisplayField(field: string, name: string, value: unknown): string[] {
  if (passedOn.includes(name)) return []
  if (typeof value !== 'string' || value === '')
    return [`${field} must be a text, got ${show(value)}`]
  if (urlFields.includes(name) && !isWebUrl(value)) {
    return [`${field} must be an https address, got ${show(value)}`]
  }
  const isSecure = isWebUrl(value) && (value.startsWith('https:') || isLoopbackUrl(value))
  if (secureUrlFields.includes(name) && !isSecure) {
    return [`${field} must be an https address, got ${show(value)}`]
  }
  return []
}

function checkFlow(input: Record<string, unknown>, metadata: Record<string, unknown>): string[] {
  const problems: string[] = []
  const grants = input.grant_types ?? ['authorization_code']
  if (!isTextList(grants) || grants.some((grant) => !grantTypes.includes(grant))) {
    problems.push(`grant_types may hold ${grantTypes.join(' and ')}, got ${show(grants)}`)
  } else if (!grants.includes('authorization_code')) {
    problems.push('grant_types must hold authorization_code')
  }
  const responses = input.response_types ?? ['code']
  if (!isTextList(responses) || responses.join() !== 'code') {
    problems.push(`response_types must be ["code"], got ${show(responses)}`)
  }
  const scope = input.scope ?? 'openid profile email'
  if (
    typeof scope !== 'string' ||
    !/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(scope)
  ) {
    problems.push(`scope must be names separated by single spaces, got ${show(scope)}`)
  } else if (!scope.split(' ').includes('openid')) {
    problems.push(`scope must hold "openid", got ${show(scope)}`)
  }
  Object.assign(metadata, { grant_types: grants, response_types: responses, scope })
  return problems
}

/** @returns whether a secret was made */
function checkAuthentication(
  input: Record<string, unknown>,
  metadata: Record<string, unknown>,
  problems: string[],
  random: (bytes: number) => Buffer,
): boolean {
  const method = input.token_endpoint_auth_method ?? 'client_secret_basic'
  metadata.token_endpoint_auth_method = method
  if (typeof method !== 'string' || !authMethods.includes(method)) {
    problems.push(
      `token_endpoint_auth_method must be ${authMethods.join(', ')}, got ${show(method)}`,
    )
    return false
  }
  if (input.jwks !== undefined) {
    metadata.jwks = input.jwks
    const wrong = checkJwks(input.jwks)
    if (wrong) problems.push(wrong)
  }
  if (!method.startsWith('client_secret_')) {
    if (input.client_secret !== undefined) {
      problems.push(`client_secret has no use with token_endpoint_auth_method ${method}; remove it`)
    }
    if (
      method === 'private_key_jwt' &&
      (input.jwks === undefined) === (input.jwks_uri === undefined)
    ) {
      problems.push('private_key_jwt needs the public keys, as either jwks or jwks_uri')
    }
    return false
  }
  const secret = input.client_secret ?? random(32).toString('base64url')
  // The text is not repeated: it may be a real secret.
  if (typeof secret !== 'string' || !/^[\x21-\x7e]{16,256}$/.test(secret)) {
    problems.push(
      'client_secret must be 16 to 256 printable characters without spaces; leave it out to have one made',
    )
  }
  metadata.client_secret = secret
  return input.client_secret === undefined
}

function checkJwks(jwks: unknown): string | undefined {
  const keys = (jwks as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length === 0) return 'jwks must be an object with a list "keys"'
  for (const [index, key] of keys.entries()) {
    if (typeof key === 'object' && key !== null && ('d' in key || 'k' in key)) {
      return `jwks.keys[${index}] holds a private or shared key; register public keys only`
    }
    try {
      createPublicKey({ key, format: 'jwk' })
    } catch {
      return `jwks.keys[${index}] is no public key`
    }
  }
  return undefined
}

/** Nobody reads more, and each sign-in compares with all. */
const maxRedirectUris = 100

function checkRedirects(
  input: Record<string, unknown>,
  metadata: Record<string, unknown>,
  problems: string[],
): void {
  const isNative = input.application_type === 'native'
  for (const field of ['redirect_uris', 'post_logout_redirect_uris']) {
    const uris = input[field] ?? (field === 'redirect_uris' ? undefined : [])
    if (!isTextList(uris) || (field === 'redirect_uris' && uris.length === 0)) {
      problems.push(`${field} must be a list of addresses, got ${show(uris)}`)
      continue
    }
    if (uris.length > maxRedirectUris) {
      problems.push(`${field} must hold at most ${maxRedirectUris} addresses, got ${uris.length}`)
      continue
    }
    uris.forEach((uri, index) => {
      if (!isRedirectUri(uri, isNative)) {
        problems.push(
          `${field}[${index}] must be an exact https address without fragment (http only on localhost), got ${show(uri)}`,
        )
      }
    })
    metadata[field] = uris
  }
}

/** RFC 8252 section 7.1: an app's own scheme is a domain name turned round, so it has a dot. */
function isRedirectUri(uri: string, isNative: boolean): boolean {
  if (uri.includes('#') || uri.includes('*')) return false
  if (isNative && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:\/[^\s<>"\\]*$/i.test(uri)) return true
  return isWebUrl(uri) && (uri.startsWith('https:') || isLoopbackUrl(uri))
}

function checkSubject(input: Record<string, unknown>, metadata: Record<string, unknown>): string[] {
  const type = input.subject_type ?? 'pairwise'
  metadata.subject_type = type
  if (type !== 'pairwise' && type !== 'public') {
    return [`subject_type must be pairwise or public, got ${show(type)}`]
  }
  const uris = isTextList(metadata.redirect_uris) ? metadata.redirect_uris : []
  const hosts = new Set(uris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri).host))
  // OpenID Connect Core 8.1: without it nobody could say for which host the subject is.
  if (type === 'pairwise' && hosts.size > 1 && input.sector_identifier_uri === undefined) {
    return ['redirect_uris on several hosts need a sector_identifier_uri, or subject_type "public"']
  }
  return []
}

/** What the client says to people. */
export function clientDisplay(metadata: Readonly<Record<string, unknown>>): ServiceDisplay {
  const text = (field: string, maxLength: number): ServiceText => {
    const found: Record<string, string> = {}
    for (const [key, value] of Object.entries(metadata)) {
      const [name, tag = 'en'] = key.split('#', 2)
      if (name !== field || typeof value !== 'string') continue
      const language = tag.slice(0, 2).toLowerCase()
      // A text without a language stands in for English, and yields to one that says it is.
      if (key.includes('#') || found[language] === undefined) {
        found[language] = cleanText(value, maxLength)
      }
    }
    return found
  }
  const plain = (field: string) =>
    typeof metadata[field] === 'string' ? (metadata[field] as string) : undefined
  return {
    displayName: text('client_name', 256),
    description: text('client_description', 2000),
    informationUrl: text('client_uri', 1024),
    privacyStatementUrl: text('policy_uri', 1024),
    logoUrl: plain('logo_uri'),
    startUrl: plain('client_uri'),
  }
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
