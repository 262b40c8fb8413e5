import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { DOMParser } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'
import type { MetadataKey, ServiceProvider } from '../../src/federation/service.ts'
import { selfSignedCertificate } from '../../src/keys/certificate.ts'
import { localKey } from '../../src/keys/local-key.ts'
import type { ResponseContent } from '../../src/saml/assertion.ts'
import { algorithms, bindings, nameIdFormats, namespaces } from '../../src/saml/uris.ts'

export const now = new Date('2026-11-21T10:00:00.000Z')
export const idpEntityId = 'https://idp.uni.example.gr/saml/metadata'
export const ssoUrl = 'https://idp.uni.example.gr/saml/sso'
export const spEntityId = 'https://sp.example.gr/saml'
export const acsUrl = 'https://sp.example.gr/saml/acs'

export interface TestKey {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly certificate: string
  readonly metadataKey: MetadataKey
}

/** A key pair of a service, as its metadata would carry it. */
export function makeKey(metadata: Partial<MetadataKey> = {}): TestKey {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = selfSignedCertificate({
    ...pair,
    commonName: 'synthetic.example.gr',
    notBefore: now,
    days: 3650,
  })
  return { ...pair, certificate, metadataKey: metadataKeyOf(pair.publicKey, certificate, metadata) }
}

export function metadataKeyOf(
  publicKey: KeyObject,
  certificate?: string,
  metadata: Partial<MetadataKey> = {},
): MetadataKey {
  return {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    certificate,
    encryptionMethods: [],
    oaepDigests: [],
    ...metadata,
  }
}

export function makeSigningKey(
  type: 'rsa-2048' | 'ec-p256' = 'rsa-2048',
): ReturnType<typeof localKey> {
  const { privateKey, certificate } = type === 'ec-p256' ? makeEcKey() : makeKey()
  return localKey(
    { kid: 'test-key', use: 'saml', type, state: 'active', certificate, createdAt: now },
    privateKey,
  )
}

function makeEcKey() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const commonName = 'synthetic.example.gr'
  return {
    ...pair,
    certificate: selfSignedCertificate({ ...pair, commonName, notBefore: now, days: 3650 }),
  }
}

export function makeServiceProvider(changes: Partial<ServiceProvider> = {}): ServiceProvider {
  return {
    protocol: 'saml',
    entityId: spEntityId,
    state: 'approved',
    origin: 'test',
    displayName: { en: 'Synthetic service' },
    description: {},
    informationUrl: {},
    privacyStatementUrl: {},
    assertionConsumerServices: [
      { binding: bindings.httpPost, location: acsUrl, index: 1, isDefault: true },
      { binding: bindings.httpPost, location: `${acsUrl}2`, index: 2 },
    ],
    singleLogoutServices: [],
    nameIdFormats: [],
    authnRequestsSigned: false,
    wantAssertionsSigned: false,
    signingKeys: [],
    encryptionKeys: [],
    attributeConsumingServices: [],
    entityCategories: [],
    entityAttributes: {},
    contacts: [],
    overrides: {},
    ...changes,
  }
}

export function responseContent(changes: Partial<ResponseContent> = {}): ResponseContent {
  return {
    issuer: idpEntityId,
    audience: spEntityId,
    destination: acsUrl,
    inResponseTo: '_request1',
    nameId: {
      format: nameIdFormats.transient,
      value: '_subject',
      nameQualifier: idpEntityId,
      spNameQualifier: spEntityId,
    },
    sessionIndex: '_session',
    authnInstant: new Date('2026-11-21T09:55:00.000Z'),
    sessionNotOnOrAfter: new Date('2026-11-21T19:55:00.000Z'),
    authnContextClassRef: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    attributes: [
      attribute('eduPersonScopedAffiliation', 'urn:oid:1.3.6.1.4.1.5923.1.1.1.9', [
        'member@uni.example.gr',
        'student@uni.example.gr',
      ]),
      attribute('displayName', 'urn:oid:2.16.840.1.113730.3.1.241', ['Νίκη Συνθετική & Υιοί <3']),
    ],
    now,
    clockSkewMs: 180_000,
    ...changes,
  }
}

export function attribute(name: string, samlName: string, values: readonly string[]) {
  return {
    samlName,
    definition: {
      name,
      samlName,
      multiValued: true,
      sensitivity: 'personal' as const,
      source: 'test',
      values: () => values,
    },
    values,
  }
}

/** An AuthnRequest; `attributes` replace or (undefined) remove those of the usual one. */
export function authnRequest(
  attributes: Record<string, string | undefined> = {},
  content = '<samlp:NameIDPolicy AllowCreate="true"/>',
  issuer = spEntityId,
): string {
  const all: Record<string, string | undefined> = {
    ID: '_request1',
    Version: '2.0',
    IssueInstant: now.toISOString(),
    Destination: ssoUrl,
    ...attributes,
  }
  const written = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${value}"`)
    .join('')
  return `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}" xmlns:saml="${namespaces.saml}"${written}><saml:Issuer>${issuer}</saml:Issuer>${content}</samlp:AuthnRequest>`
}

/** The query string of an HTTP-Redirect message. */
export function redirectQuery(
  xml: string,
  options: {
    relayState?: string
    key?: KeyObject
    algorithm?: string
    digest?: string
    parameter?: 'SAMLRequest' | 'SAMLResponse'
  } = {},
): string {
  const parameter = options.parameter ?? 'SAMLRequest'
  const parts = [`${parameter}=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}`]
  if (options.relayState !== undefined) {
    parts.push(`RelayState=${encodeURIComponent(options.relayState)}`)
  }
  if (!options.key) return parts.join('&')
  parts.push(`SigAlg=${encodeURIComponent(options.algorithm ?? algorithms.rsaSha256)}`)
  const value = sign(options.digest ?? 'sha256', Buffer.from(parts.join('&')), options.key)
  return `${parts.join('&')}&Signature=${encodeURIComponent(value.toString('base64'))}`
}

/** Signs a message inside, as a service with a library other than ours would. */
export function signMessage(
  xml: string,
  key: TestKey,
  options: {
    signatureAlgorithm?: string
    digestAlgorithm?: string
    transforms?: string[]
    isEmptyUri?: boolean
    certificate?: string
  } = {},
): string {
  const signer = new SignedXml({
    privateKey: key.privateKey,
    publicCert: pem(options.certificate ?? key.certificate),
    signatureAlgorithm: options.signatureAlgorithm ?? algorithms.rsaSha256,
    canonicalizationAlgorithm: algorithms.exclusiveC14n,
  })
  signer.addReference({
    xpath: '/*',
    transforms: options.transforms ?? [algorithms.envelopedSignature, algorithms.exclusiveC14n],
    digestAlgorithm: options.digestAlgorithm ?? algorithms.sha256,
    isEmptyUri: options.isEmptyUri ?? false,
  })
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: "/*/*[local-name(.)='Issuer']", action: 'after' },
  })
  return signer.getSignedXml()
}

export function pem(certificate: string): string {
  return `-----BEGIN CERTIFICATE-----\n${certificate.replace(/(.{64})/g, '$1\n').trim()}\n-----END CERTIFICATE-----\n`
}

export function parse(xml: string): Document {
  return new DOMParser({
    errorHandler: (_level: string, message: string) => {
      throw new Error(message)
    },
    // xmldom's own also turns U+0085 and U+2028 into line feeds, which XML 1.0 does not.
    normalizeLineEndings: (text: string) => text.replace(/\r\n?/g, '\n'),
  } as never).parseFromString(xml, 'text/xml')
}

export function elements(root: Document | Element, name: string): Element[] {
  return Array.from(root.getElementsByTagNameNS('*', name))
}

/** Why xmlsec1 cannot be asked, for `skip`. */
export const xmlsecMissing = isInstalled('xmlsec1', '--version')
  ? false
  : 'xmlsec1 is not installed here'

export const opensslMissing = isInstalled('openssl', 'version')
  ? false
  : 'openssl is not installed here'

function isInstalled(command: string, versionArgument: string): boolean {
  try {
    execFileSync(command, [versionArgument], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Runs xmlsec1 on files made of these texts; `{name}` in the arguments is the file's path. */
export function xmlsec(files: Record<string, string | Buffer>, args: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-xmlsec-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const filled = args.map((arg) => arg.replace(/\{(\S+?)\}/g, (_, name) => join(folder, name)))
    return execFileSync('xmlsec1', filled, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Verifies with xmlsec1 the enveloped signature of the element with this ID. */
export function xmlsecVerify(xml: string, certificate: string, element: string, id: string): void {
  const known: Record<string, string> = {
    Assertion: namespaces.saml,
    EntityDescriptor: namespaces.md,
  }
  const namespace = known[element] ?? namespaces.samlp
  xmlsec({ 'message.xml': xml, 'cert.pem': pem(certificate) }, [
    '--verify',
    '--id-attr:ID',
    `${namespace}:${element}`,
    '--node-xpath',
    `//*[@ID='${id}']/*[local-name()='Signature']`,
    '--pubkey-cert-pem',
    '{cert.pem}',
    '{message.xml}',
  ])
}
