import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateRawSync } from 'node:zlib'
import { selfSignedCertificate } from '../../../src/keys/certificate.ts'

/** A service provider that is metadata and an address: what it is sent, the test looks at itself. */
export interface StaticServiceProvider {
  readonly entityId: string
  readonly metadata: string
  /** PEM, for the encryption key that the metadata may publish. */
  readonly privateKey: string
  /** An unsigned AuthnRequest by HTTP-Redirect. `content` are child elements after the Issuer. */
  requestUrl(identityProvider: string, options?: { attributes?: string; content?: string }): string
}

/** Answers 200 to whatever is posted to it. */
export async function startAcceptingServer(): Promise<{ url: string; close(): void }> {
  const server = createServer((req, res) => {
    req.resume()
    req.on('end', () => res.end('received'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

export function staticServiceProvider(
  baseUrl: string,
  name: string,
  options: {
    hasEncryptionKey?: boolean
    wantsSignedAssertions?: boolean
    requestedAttributes: readonly string[]
  },
): StaticServiceProvider {
  const { hasEncryptionKey = false, wantsSignedAssertions = false, requestedAttributes } = options
  const entityId = `${baseUrl}/${name}`
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = selfSignedCertificate({
    privateKey,
    publicKey,
    commonName: name,
    notBefore: new Date(),
    days: 30,
  })
  const key = `<md:KeyDescriptor use="encryption"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo><md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/></md:KeyDescriptor>`
  const requested = requestedAttributes
    .map(
      (attribute) =>
        `<md:RequestedAttribute Name="${attribute}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"/>`,
    )
    .join('')
  return {
    entityId,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    metadata: `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityId}"><md:SPSSODescriptor WantAssertionsSigned="${wantsSignedAssertions}" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${hasEncryptionKey ? key : ''}<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${entityId}/acs" index="0"/><md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">${name}</md:ServiceName>${requested}</md:AttributeConsumingService></md:SPSSODescriptor></md:EntityDescriptor>`,
    requestUrl(identityProvider, { attributes = '', content = '' } = {}) {
      const request = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${randomBytes(16).toString('hex')}" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${identityProvider}/saml/sso" ${attributes}><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${entityId}</saml:Issuer>${content}</samlp:AuthnRequest>`
      const query = new URLSearchParams({
        SAMLRequest: deflateRawSync(request).toString('base64'),
        RelayState: 'back-to-the-page',
      })
      return `${identityProvider}/saml/sso?${query}`
    },
  }
}
