import { createHash, createPublicKey } from 'node:crypto'
import { attributeBySamlName } from '../attributes/attribute-table.ts'
import { registeredScopes } from '../attributes/targets.ts'
import { cleanText } from '../federation/metadata-text.ts'
import type {
  CasService,
  MetadataKey,
  RegisteredService,
  RelyingParty,
  ServiceProvider,
  ServiceText,
} from '../federation/service.ts'

export type DifferencePart = 'endpoints' | 'keys' | 'attributes' | 'contacts' | 'texts' | 'options'

/** Lines that were not there before, and lines that would be gone. Foreign text. */
export interface Difference {
  readonly part: DifferencePart
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

type Facts = Readonly<Record<DifferencePart, readonly string[]>>

/** An address may have 1024 characters. */
const maxLineLength = 1200

const parts: readonly DifferencePart[] = [
  'endpoints',
  'keys',
  'attributes',
  'contacts',
  'texts',
  'options',
]

/** What would change, in the order of how much it matters; all of it as added when nothing runs. */
export function differenceOf(
  running: RegisteredService | undefined,
  wanted: RegisteredService,
): readonly Difference[] {
  const before = running && factsOf(running)
  const after = factsOf(wanted)
  return parts
    .map((part) => ({
      part,
      added: after[part].filter((line) => !before?.[part].includes(line)).map(clean),
      removed: (before?.[part].filter((line) => !after[part].includes(line)) ?? []).map(clean),
    }))
    .filter(({ added, removed }) => added.length > 0 || removed.length > 0)
}

/** An administrator reads it in a terminal, where a control character can do more than on a page. */
const clean = (line: string) => cleanText(line, maxLineLength)

function factsOf(service: RegisteredService): Facts {
  const own = ownFacts(service)
  const { displayName, description, informationUrl, privacyStatementUrl, logoUrl } = service
  return {
    ...own,
    texts: [
      ...texts('name', displayName),
      ...texts('description', description),
      ...texts('information', informationUrl),
      ...texts('privacy', privacyStatementUrl),
      ...(logoUrl ? [`logo ${shorten(logoUrl)}`] : []),
      // The home page leads there: the address with a language may be another.
      ...(service.protocol !== 'saml' ? oneLine('start', service.metadata.client_uri) : []),
    ],
  }
}

function ownFacts(service: RegisteredService): Omit<Facts, 'texts'> {
  switch (service.protocol) {
    case 'saml':
      return samlFacts(service)
    case 'oidc':
      return oidcFacts(service)
    case 'cas':
      return casFacts(service)
  }
}

function casFacts({ pattern, logoutUrl, requestedAttributes, contacts }: CasService) {
  return {
    endpoints: [`service ${pattern.text}`, ...oneLine('logout', logoutUrl)],
    keys: [],
    attributes: requestedAttributes.map(({ name }) => name),
    contacts,
    options: [],
  }
}

function samlFacts(sp: ServiceProvider): Omit<Facts, 'texts'> {
  const endpoints = [
    ...sp.assertionConsumerServices.map((one) => ({ ...one, kind: 'AssertionConsumerService' })),
    ...sp.singleLogoutServices.map((one) => ({ ...one, kind: 'SingleLogoutService' })),
  ]
  return {
    endpoints: endpoints.map(({ kind, binding, location, index, isDefault, responseLocation }) =>
      [
        kind,
        binding.slice(binding.lastIndexOf(':') + 1),
        location,
        index === undefined ? '' : `index ${index}`,
        isDefault ? 'default' : '',
        responseLocation ? `answers to ${responseLocation}` : '',
      ]
        .filter(Boolean)
        .join(' '),
    ),
    keys: [
      ...sp.signingKeys.map((key) => `signing ${fingerprint(key)}`),
      ...sp.encryptionKeys.map((key) => `encryption ${fingerprint(key)}`),
    ],
    attributes: sp.attributeConsumingServices.flatMap(({ requestedAttributes }) =>
      requestedAttributes.map(
        ({ name, isRequired }) =>
          `${attributeBySamlName(name)?.name ?? name}${isRequired ? ' (required)' : ''}`,
      ),
    ),
    contacts: sp.contacts.map(({ type, email, givenName, surName }) =>
      [type, email, givenName, surName].filter(Boolean).join(' '),
    ),
    options: [
      ...sp.nameIdFormats.map((format) => `NameIDFormat ${format}`),
      ...(sp.authnRequestsSigned ? ['AuthnRequestsSigned'] : []),
      ...(sp.wantAssertionsSigned ? ['WantAssertionsSigned'] : []),
      ...Object.entries(sp.entityAttributes).flatMap(([name, values]) =>
        values.map((value) => `${name} ${value}`),
      ),
      ...(sp.registrationAuthority ? [`registrationAuthority ${sp.registrationAuthority}`] : []),
      ...(sp.validUntil ? [`validUntil ${sp.validUntil.toISOString()}`] : []),
    ],
  }
}

const endpointFields = [
  'redirect_uris',
  'post_logout_redirect_uris',
  'initiate_login_uri',
  'backchannel_logout_uri',
  'sector_identifier_uri',
]
const elsewhere = new Set([
  ...endpointFields,
  'jwks',
  'jwks_uri',
  'scope',
  'contacts',
  'client_id',
  'client_secret',
])
/** Shown as texts; with a language as `client_name#el`. */
const textFields = ['client_name', 'client_description', 'client_uri', 'policy_uri', 'logo_uri']

function oidcFacts(rp: RelyingParty): Omit<Facts, 'texts'> {
  const { metadata } = rp
  const lines = (field: string) =>
    [metadata[field] ?? []].flat().map((value) => `${field} ${String(value)}`)
  const keys = (metadata.jwks as { keys?: object[] } | undefined)?.keys ?? []
  return {
    endpoints: endpointFields.flatMap(lines),
    keys: [...keys.map((jwk) => `jwks ${hash(JSON.stringify(jwk))}`), ...lines('jwks_uri')],
    attributes: registeredScopes(rp).map((scope) => `scope ${scope}`),
    contacts: [metadata.contacts ?? []].flat().map(String),
    options: Object.entries(metadata)
      .filter(([field]) => !elsewhere.has(field) && !textFields.includes(field.split('#')[0]!))
      .map(([field, value]) => `${field} ${JSON.stringify(value)}`),
  }
}

function texts(kind: string, text: ServiceText): string[] {
  return Object.entries(text).map(([language, value]) => `${kind} ${language}: ${value}`)
}

/** Of the key, not of its certificate: that is only an envelope. */
function fingerprint({ publicKeyPem }: MetadataKey): string {
  const der = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' })
  return `SHA-256 ${hash(der)}`
}

function hash(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}

function oneLine(kind: string, value: unknown): string[] {
  return value === undefined ? [] : [`${kind} ${String(value)}`]
}

/** What is cut off counts too: pictures of one kind begin alike. */
function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}… SHA-256 ${hash(text)}` : text
}
