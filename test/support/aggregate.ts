import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignedXml } from 'xml-crypto'

/** Key pairs of synthetic federations. */
export function federationKeys() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

export const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

const c14n = 'http://www.w3.org/2001/10/xml-exc-c14n#'

/** Metadata of one synthetic service provider, to stand in an aggregate. */
export function entity(
  name: string,
  about: {
    readonly authority?: string
    readonly categories?: readonly string[]
    readonly role?: 'sp' | 'idp'
    readonly attributes?: string
    readonly inside?: string
  } = {},
): string {
  const { authority, categories = [], role = 'sp', attributes = '', inside = '' } = about
  const extensions = [
    authority && `<mdrpi:RegistrationInfo registrationAuthority="${authority}"/>`,
    categories.length > 0 &&
      `<mdattr:EntityAttributes><saml:Attribute Name="http://macedir.org/entity-category">${categories
        .map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`)
        .join('')}</saml:Attribute></mdattr:EntityAttributes>`,
  ]
    .filter(Boolean)
    .join('')
  const post = `Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://${name}.example.org/acs"`
  const sp = `<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions><mdui:UIInfo><mdui:DisplayName xml:lang="en">Service ${name}</mdui:DisplayName><mdui:DisplayName xml:lang="el">Υπηρεσία ${name}</mdui:DisplayName></mdui:UIInfo></md:Extensions><md:AssertionConsumerService index="0" ${post}/></md:SPSSODescriptor>`
  const idp = `<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:SingleSignOnService ${post}/></md:IDPSSODescriptor>`
  return `<md:EntityDescriptor entityID="https://${name}.example.org/sp"${attributes}><md:Extensions>${extensions}</md:Extensions>${role === 'sp' ? sp : idp}${inside}<md:Organization><md:OrganizationName xml:lang="en">${name}</md:OrganizationName><md:OrganizationDisplayName xml:lang="en">Organization ${name}</md:OrganizationDisplayName><md:OrganizationURL xml:lang="en">https://${name}.example.org/</md:OrganizationURL></md:Organization></md:EntityDescriptor>\n`
}

export const namespaces =
  'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'

/** An aggregate without signature; ready for sign(). */
export function group(
  entities: readonly string[],
  attributes = 'validUntil="2027-01-29T12:00:00Z" cacheDuration="PT6H"',
  id = '_root',
): string {
  return `<md:EntitiesDescriptor ${namespaces} ID="${id}" Name="urn:synthetic:federation" ${attributes}>\n${entities.join('')}</md:EntitiesDescriptor>`
}

export interface SignOptions {
  readonly signatureAlgorithm?: string
  readonly digestAlgorithm?: string
  /** XPath of what is signed. */
  readonly element?: string
  /** Where the signature goes. */
  readonly location?: { reference: string; action: 'prepend' | 'append' | 'before' | 'after' }
  readonly transforms?: readonly string[]
}

/** Signs the root as federations do, with xml-crypto: not the code under test. */
export function sign(xml: string, key: KeyObject, options: SignOptions = {}): string {
  const signature = new SignedXml({
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }),
    signatureAlgorithm:
      options.signatureAlgorithm ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: c14n,
  })
  signature.addReference({
    xpath: options.element ?? '/*',
    digestAlgorithm: options.digestAlgorithm ?? 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: options.transforms ?? [
      'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
      c14n,
    ],
  })
  signature.computeSignature(xml, {
    prefix: 'ds',
    location: options.location ?? { reference: '/*', action: 'prepend' },
  })
  return signature.getSignedXml()
}

/** Gives bytes in pieces of this size. */
export function readerOf(bytes: Uint8Array | string, pieceBytes = 65_536) {
  const all = Buffer.from(bytes as string)
  let position = 0
  return (target: Buffer) => {
    const count = all.copy(
      target,
      0,
      position,
      Math.min(all.length, position + Math.min(pieceBytes, target.length)),
    )
    position += count
    return count
  }
}
