import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface SyntheticAggregate {
  readonly file: string
  /** The public key it is signed with, PEM. */
  readonly key: string
  readonly bytes: number
}

export const metadataRoot = 'urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor'

const methods = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
const c14n = 'http://www.w3.org/2001/10/xml-exc-c14n#'

/** Indented as federations publish it; about 7 kB an entity, half of it certificates. All is made up. */
export function makeAggregate(folder: string, count: number): SyntheticAggregate {
  const unsigned = join(folder, 'unsigned.xml')
  const file = join(folder, 'aggregate.xml')
  const privateFile = join(folder, 'key.pem')
  const key = join(folder, 'public.pem')
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(privateFile, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(key, pair.publicKey.export({ type: 'spki', format: 'pem' }))
  // Some real certificate: the look-up parses it.
  const certificate = selfSigned(folder)
  const output = openSync(unsigned, 'w')
  const validUntil = new Date(Date.now() + 14 * 86_400_000).toISOString()
  writeSync(
    output,
    `<?xml version="1.0" encoding="UTF-8"?>
<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_root" Name="urn:synthetic" validUntil="${validUntil}" cacheDuration="PT6H">
<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${c14n}"/><ds:SignatureMethod Algorithm="${methods}"/><ds:Reference URI="#_root"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="${c14n}"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>
`,
  )
  for (let number = 0; number < count; number++) {
    writeSync(output, syntheticEntity(number, certificate))
  }
  writeSync(output, '</md:EntitiesDescriptor>\n')
  closeSync(output)
  const signing = ['--sign', '--privkey-pem', privateFile, '--id-attr:ID', metadataRoot]
  execFileSync('xmlsec1', [...signing, '--output', file, unsigned], { stdio: 'ignore' })
  return { file, key, bytes: statSync(file).size }
}

export const entityIdOf = (number: number) => `https://sp${number}.example.org/shibboleth`

function selfSigned(folder: string): string {
  const arguments_ = [
    ...['req', '-x509', '-newkey', 'rsa:3072', '-nodes', '-days', '1', '-subj', '/CN=synthetic'],
    ...['-keyout', join(folder, 'unused.pem')],
  ]
  const pem = execFileSync('openssl', arguments_, {
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()
  return pem.replace(/-----[^-]+-----/g, '').trim()
}

function syntheticEntity(number: number, certificate: string): string {
  const host = `sp${number}.example.org`
  const endpoint = (name: string, binding: string, path: string, index?: number) =>
    `      <md:${name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="https://${host}/Shibboleth.sso/${path}"${index === undefined ? '' : ` index="${index}"`}/>\n`
  const key = (use: string, text: string) => `      <md:KeyDescriptor use="${use}">
        <ds:KeyInfo>
          <ds:KeyName>${randomBytes(8).toString('hex')}</ds:KeyName>
          <ds:X509Data>
            <ds:X509Certificate>
${text}
            </ds:X509Certificate>
          </ds:X509Data>
        </ds:KeyInfo>
      </md:KeyDescriptor>\n`
  return `  <md:EntityDescriptor entityID="${entityIdOf(number)}">
    <md:Extensions>
      <mdrpi:RegistrationInfo registrationAuthority="http://aai.example.org/" registrationInstant="2020-01-01T00:00:00Z">
        <mdrpi:RegistrationPolicy xml:lang="en">https://aai.example.org/policy</mdrpi:RegistrationPolicy>
      </mdrpi:RegistrationInfo>
      <mdattr:EntityAttributes>
        <saml:Attribute Name="http://macedir.org/entity-category" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">
          <saml:AttributeValue>http://refeds.org/category/research-and-scholarship</saml:AttributeValue>
        </saml:Attribute>
      </mdattr:EntityAttributes>
    </md:Extensions>
    <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
      <md:Extensions>
        <mdui:UIInfo>
          <mdui:DisplayName xml:lang="en">Synthetic service ${number}</mdui:DisplayName>
          <mdui:DisplayName xml:lang="el">Συνθετική υπηρεσία ${number}</mdui:DisplayName>
          <mdui:Description xml:lang="en">Service number ${number}, made up for a measurement &amp; nothing else.</mdui:Description>
          <mdui:PrivacyStatementURL xml:lang="en">https://${host}/privacy</mdui:PrivacyStatementURL>
          <mdui:Logo height="60" width="80">https://${host}/logo.png</mdui:Logo>
        </mdui:UIInfo>
      </md:Extensions>
${key('signing', certificate)}${key('encryption', certificate)}${endpoint('SingleLogoutService', 'SOAP', 'SLO/SOAP')}${endpoint('SingleLogoutService', 'HTTP-Redirect', 'SLO/Redirect')}${[1, 2, 3, 4].map((index) => endpoint('AssertionConsumerService', 'HTTP-POST', `SAML2/POST/${index}`, index)).join('')}      <md:AttributeConsumingService index="1">
        <md:ServiceName xml:lang="en">Synthetic service ${number}</md:ServiceName>
${[1, 6, 7, 9, 10].map((oid) => `        <md:RequestedAttribute FriendlyName="attribute${oid}" Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.${oid}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" isRequired="true"/>\n`).join('')}      </md:AttributeConsumingService>
    </md:SPSSODescriptor>
    <md:Organization>
      <md:OrganizationName xml:lang="en">University ${number}</md:OrganizationName>
      <md:OrganizationDisplayName xml:lang="en">University ${number}</md:OrganizationDisplayName>
      <md:OrganizationURL xml:lang="en">https://www.u${number}.example.org/</md:OrganizationURL>
    </md:Organization>
    <md:ContactPerson contactType="technical">
      <md:GivenName>Somebody</md:GivenName>
      <md:EmailAddress>mailto:technical@u${number}.example.org</md:EmailAddress>
    </md:ContactPerson>
  </md:EntityDescriptor>
`
}
