import { DOMParser } from '@xmldom/xmldom'
import type { ServiceFace } from './service-page.ts'

const md = 'urn:oasis:names:tc:SAML:2.0:metadata'
const ds = 'http://www.w3.org/2000/09/xmldsig#'
const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'

/** Asked for in the metadata: FriendlyName, OID, required. */
const requestedAttributes = [
  ['displayName', '2.16.840.1.113730.3.1.241', true],
  ['givenName', '2.5.4.42', false],
  ['sn', '2.5.4.4', false],
  ['mail', '0.9.2342.19200300.100.1.3', true],
  ['eduPersonPrincipalName', '1.3.6.1.4.1.5923.1.1.1.6', true],
  ['eduPersonAffiliation', '1.3.6.1.4.1.5923.1.1.1.1', false],
  ['eduPersonScopedAffiliation', '1.3.6.1.4.1.5923.1.1.1.9', true],
  ['schacHomeOrganization', '1.3.6.1.4.1.25178.1.2.9', false],
  ['schacPersonalUniqueCode', '1.3.6.1.4.1.25178.1.2.14', false],
] as const

/** Metadata of the demo SAML service: signed requests, encrypted and signed assertions, single logout by the browser. */
export function samlServiceMetadata(options: {
  entityId: string
  url: string
  face: ServiceFace
  certificatePem: string
}): string {
  const { entityId, url, face, certificatePem } = options
  const certificate = certificatePem.replace(/-----[A-Z ]+-----|\s/g, '')
  const keyInfo = `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
  const inBoth = (element: string, text: Record<'el' | 'en', string>) =>
    `<mdui:${element} xml:lang="el">${text.el}</mdui:${element}><mdui:${element} xml:lang="en">${text.en}</mdui:${element}>`
  return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="${md}" xmlns:ds="${ds}" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" entityID="${entityId}">
  <md:Extensions><mdattr:EntityAttributes>
    <saml:Attribute Name="urn:oasis:names:tc:SAML:profiles:subject-id:req" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue>pairwise-id</saml:AttributeValue></saml:Attribute>
  </mdattr:EntityAttributes></md:Extensions>
  <md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:Extensions><mdui:UIInfo>
      ${inBoth('DisplayName', face.name)}
      ${inBoth('Description', face.description)}
      ${inBoth('InformationURL', { el: url, en: url })}
    </mdui:UIInfo></md:Extensions>
    <md:KeyDescriptor use="signing">${keyInfo}</md:KeyDescriptor>
    <md:KeyDescriptor use="encryption">${keyInfo}
      <md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>
      <md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>
    </md:KeyDescriptor>
    <md:SingleLogoutService Binding="${redirectBinding}" Location="${url}/slo"/>
    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>
    <md:AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${url}/acs"/>
    <md:AttributeConsumingService index="0" isDefault="true">
      <md:ServiceName xml:lang="el">${face.name.el}</md:ServiceName>
      <md:ServiceName xml:lang="en">${face.name.en}</md:ServiceName>
      ${requestedAttributes
        .map(
          ([friendlyName, oid, isRequired]) =>
            `<md:RequestedAttribute Name="urn:oid:${oid}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="${friendlyName}" isRequired="${isRequired}"/>`,
        )
        .join('\n      ')}
    </md:AttributeConsumingService>
  </md:SPSSODescriptor>
  <md:ContactPerson contactType="technical"><md:GivenName>Demo</md:GivenName><md:EmailAddress>mailto:demo@example.org</md:EmailAddress></md:ContactPerson>
</md:EntityDescriptor>
`
}

export interface IdentityProvider {
  readonly entityId: string
  readonly singleSignOnUrl: string
  readonly singleLogoutUrl: string
  /** PEM, every key that may sign. */
  readonly certificates: readonly string[]
}

/**
 * Fetches the identity provider's metadata. Nothing vouches for it but the connection, which here
 * does not leave the machine; a real service checks its signature.
 */
export async function fetchIdentityProvider(metadataUrl: string): Promise<IdentityProvider> {
  const response = await fetch(metadataUrl, { signal: AbortSignal.timeout(5000) })
  if (!response.ok) throw new Error(`${metadataUrl} answered ${response.status}`)
  const root = new DOMParser().parseFromString(await response.text(), 'text/xml').documentElement
  const elements = (name: string, namespace: string) =>
    Array.from(root.getElementsByTagNameNS(namespace, name))
  const locationOf = (endpoint: string) =>
    elements(endpoint, md)
      .find((element) => element.getAttribute('Binding') === redirectBinding)
      ?.getAttribute('Location')
  const certificates = elements('KeyDescriptor', md)
    .filter((element) => element.getAttribute('use') !== 'encryption')
    .flatMap((element) => Array.from(element.getElementsByTagNameNS(ds, 'X509Certificate')))
    .map((element) => (element.textContent ?? '').replace(/\s/g, ''))
  const entityId = root.getAttribute('entityID')
  const singleSignOnUrl = locationOf('SingleSignOnService')
  const singleLogoutUrl = locationOf('SingleLogoutService')
  if (!entityId || !singleSignOnUrl || !singleLogoutUrl || certificates.length === 0) {
    throw new Error(`${metadataUrl} lacks an entityID, redirect endpoints or a signing key`)
  }
  return { entityId, singleSignOnUrl, singleLogoutUrl, certificates }
}
