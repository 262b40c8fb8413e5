import { createHash } from 'node:crypto'
import type { PublishedEndpoint } from '../aliases/path-aliases.ts'
import type { Institution, LocalizedText } from '../institution.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { acceptedEncryptionMethods } from './decryption.ts'
import { writeDiscoveryHints, writeEntityExtensions } from './metadata-extensions.ts'
import { bindings, nameIdFormats, namespaces } from './uris.ts'
import { keyInfo, signEnveloped } from './xml-signature.ts'
import { escapeAttribute, escapeText } from './xml-writer.ts'

export interface OwnMetadata {
  readonly entityId: string
  readonly baseUrl: string
  /** The institution's domain (shibmd:Scope). */
  readonly scope: string
  readonly institution: Institution
  /** Every key that is published, the one that signs first. */
  readonly keys: readonly SigningKey[]
  /** Keys that services may encrypt for. */
  readonly encryptionKeys?: readonly SigningKey[]
  readonly validUntil: Date
  /** Further addresses that answer, after our own. */
  readonly aliases?: readonly (PublishedEndpoint & { readonly path: string })[]
}

/**
 * Our entityID, one for ever (saml2int SDP-G04): where the metadata is, or the one that services know
 * from what we replaced.
 */
export function idpEntityId(config: { readonly samlEntityId: string }): string {
  return config.samlEntityId
}

export const endpointPaths = {
  singleSignOn: '/saml/sso',
  singleLogout: '/saml/slo',
  singleLogoutSoap: '/saml/slo/soap',
} as const

/** How long readers may go without looking again; eduGAIN asks for one to six hours. */
export const cacheDuration = 'PT6H'

/**
 * Our signed md:EntityDescriptor, in exclusive-canonical form. The same facts give the same bytes,
 * so all workers and machines serve one document under one ETag.
 *
 * SAML Metadata 2.3.2 and 2.4.3; MDUI 1.0; saml2int SDP-MD08 to MD12, SDP-IDP14 and 33; REFEDS errorURL 1.0;
 * Sirtfi (security contact).
 */
export async function buildMetadata(own: OwnMetadata): Promise<string> {
  const key = metadataSigner(own.keys)
  const content = writeContent(own)
  const id = `_${createHash('sha256').update(own.validUntil.toISOString()).update(content).digest('hex').slice(0, 40)}`
  const before = `<md:EntityDescriptor xmlns:md="${namespaces.md}" ID="${id}" cacheDuration="${cacheDuration}" entityID="${escapeAttribute(own.entityId)}" validUntil="${own.validUntil.toISOString()}">`
  return signEnveloped({ before, after: `${content}</md:EntityDescriptor>`, id }, key)
}

/**
 * The key that signs our metadata: the one that did so longest, for as long as it is published.
 * Readers that check this signature have its certificate fixed, and learn of another one by people.
 * So the promotion of a key for answers must not change the signature of metadata; retiring the old
 * key does, on a day of the administrator's choice.
 *
 * @param keys as KeyRing.published() gives them
 */
export function metadataSigner(keys: readonly SigningKey[]): SigningKey {
  const key = keys.findLast(({ state }) => state === 'retiring') ?? keys[0]
  if (!key) throw new Error('no SAML signing key is published')
  return key
}

function writeContent(own: OwnMetadata): string {
  const { institution, baseUrl } = own
  const errorUrl = `${baseUrl}/saml/error?code=ERRORURL_CODE&ts=ERRORURL_TS&rp=ERRORURL_RP&tid=ERRORURL_TID&ctx=ERRORURL_CTX`
  return (
    `<md:Extensions>${writeEntityExtensions(institution)}</md:Extensions>` +
    `<md:IDPSSODescriptor WantAuthnRequestsSigned="false" errorURL="${escapeAttribute(errorUrl)}" protocolSupportEnumeration="${namespaces.samlp}">` +
    `<md:Extensions><shibmd:Scope xmlns:shibmd="${namespaces.shibmd}" regexp="false">${escapeText(own.scope)}</shibmd:Scope>${writeUserInterfaceInfo(own)}${writeDiscoveryHints(institution.federation)}</md:Extensions>` +
    own.keys
      .map(
        (key) =>
          `<md:KeyDescriptor use="signing">${keyInfo(key).replace('<ds:KeyInfo>', `<ds:KeyInfo xmlns:ds="${namespaces.ds}">`)}</md:KeyDescriptor>`,
      )
      .join('') +
    (own.encryptionKeys ?? []).map(writeEncryptionKey).join('') +
    writeEndpoints('SingleLogoutService', `${baseUrl}${endpointPaths.singleLogout}`) +
    writeEndpoint(
      'SingleLogoutService',
      bindings.soap,
      `${baseUrl}${endpointPaths.singleLogoutSoap}`,
    ) +
    writeAliases('SingleLogoutService', own) +
    Object.values(nameIdFormats)
      .map((format) => `<md:NameIDFormat>${format}</md:NameIDFormat>`)
      .join('') +
    writeEndpoints('SingleSignOnService', `${baseUrl}${endpointPaths.singleSignOn}`) +
    writeAliases('SingleSignOnService', own) +
    `</md:IDPSSODescriptor>${writeOrganization(institution)}${writeContacts(institution)}`
  )
}

/** With the methods we read, all of them: services choose among what is listed (saml2int SDP-MD07). */
function writeEncryptionKey(key: SigningKey): string {
  const info = keyInfo(key).replace('<ds:KeyInfo>', `<ds:KeyInfo xmlns:ds="${namespaces.ds}">`)
  const methods = acceptedEncryptionMethods
    .map((uri) => `<md:EncryptionMethod Algorithm="${uri}"></md:EncryptionMethod>`)
    .join('')
  return `<md:KeyDescriptor use="encryption">${info}${methods}</md:KeyDescriptor>`
}

function writeUserInterfaceInfo({ institution, baseUrl }: OwnMetadata): string {
  const logo = institution.logo ?? { url: `${baseUrl}/logo.svg`, width: 240, height: 240 }
  return (
    `<mdui:UIInfo xmlns:mdui="${namespaces.mdui}">` +
    writeTexts('mdui:DisplayName', institution.name) +
    writeTexts('mdui:Description', institution.description) +
    writeTexts('mdui:InformationURL', absolute(institution.informationUrl, baseUrl)) +
    writeTexts('mdui:PrivacyStatementURL', absolute(institution.privacyStatementUrl, baseUrl)) +
    `<mdui:Logo height="${logo.height}" width="${logo.width}">${escapeText(logo.url)}</mdui:Logo></mdui:UIInfo>`
  )
}

function writeEndpoints(name: string, location: string): string {
  return [bindings.httpRedirect, bindings.httpPost]
    .map((binding) => writeEndpoint(name, binding, location))
    .join('')
}

function writeEndpoint(name: string, binding: string, location: string): string {
  return `<md:${name} Binding="${binding}" Location="${escapeAttribute(location)}"></md:${name}>`
}

/** Bindings of aliases by their short names. What is not here is not published. */
const aliasBindings: Readonly<Partial<Record<PublishedEndpoint['binding'], string>>> = {
  'HTTP-Redirect': bindings.httpRedirect,
  'HTTP-POST': bindings.httpPost,
  SOAP: bindings.soap,
}

function writeAliases(name: PublishedEndpoint['service'], { aliases = [], baseUrl }: OwnMetadata) {
  return aliases
    .filter(({ service }) => service === name)
    .map(({ binding, path }) => {
      const uri = aliasBindings[binding]
      return uri === undefined ? '' : writeEndpoint(name, uri, `${baseUrl}${path}`)
    })
    .join('')
}

function writeOrganization(institution: Institution): string {
  return (
    '<md:Organization>' +
    writeTexts('md:OrganizationName', institution.name) +
    writeTexts('md:OrganizationDisplayName', institution.name) +
    writeTexts('md:OrganizationURL', institution.url) +
    '</md:Organization>'
  )
}

function writeContacts(institution: Institution): string {
  const { technicalContact, securityContact, helpdesk } = institution
  const write = (attributes: string, givenName: string, email: string) =>
    `<md:ContactPerson ${attributes}><md:GivenName>${escapeText(givenName)}</md:GivenName><md:EmailAddress>mailto:${escapeText(email)}</md:EmailAddress></md:ContactPerson>`
  return (
    write('contactType="technical"', technicalContact.givenName, technicalContact.email) +
    write('contactType="support"', institution.name.en, helpdesk.email) +
    write(
      `xmlns:remd="${namespaces.remd}" contactType="other" remd:contactType="http://refeds.org/metadata/contactType/security"`,
      securityContact.givenName,
      securityContact.email,
    )
  )
}

function writeTexts(name: string, text: LocalizedText): string {
  return (['el', 'en'] as const)
    .map((language) => `<${name} xml:lang="${language}">${escapeText(text[language])}</${name}>`)
    .join('')
}

/** Institution pages may be given as paths of this server. */
function absolute(url: LocalizedText, baseUrl: string): LocalizedText {
  return { el: new URL(url.el, baseUrl).href, en: new URL(url.en, baseUrl).href }
}
