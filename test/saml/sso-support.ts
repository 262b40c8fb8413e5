import assert from 'node:assert/strict'
import { SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import { bindings, namespaces } from '../../src/saml/uris.ts'
import type { TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { type Answer, HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { pem, type TestKey } from './saml-support.ts'

export interface ServiceOptions {
  readonly entityId: string
  readonly acsUrl: string
  readonly key?: TestKey
  readonly encrypt?: boolean
  readonly requestsSigned?: boolean
  readonly wantAssertionsSigned?: boolean
  readonly nameIdFormats?: readonly string[]
  readonly requestedAttributes?: Readonly<Record<string, string>>
  readonly logoutUrl?: string
  readonly logoutBinding?: string
  /** More than one, or others than HTTP-Redirect. */
  readonly logoutEndpoints?: readonly { readonly binding: string; readonly url: string }[]
  readonly approve?: boolean
}

export const requestedAttributes = {
  displayName: 'urn:oid:2.16.840.1.113730.3.1.241',
  eduPersonPrincipalName: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.6',
  eduPersonScopedAffiliation: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.9',
}

/** Metadata of a synthetic service. */
export function serviceMetadata(options: ServiceOptions): string {
  const keyDescriptor = (use: string) =>
    `<md:KeyDescriptor use="${use}"><ds:KeyInfo xmlns:ds="${namespaces.ds}"><ds:X509Data><ds:X509Certificate>${options.key!.certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
  const attributes = Object.entries(options.requestedAttributes ?? requestedAttributes)
    .map(
      ([name, oid]) =>
        `<md:RequestedAttribute FriendlyName="${name}" Name="${oid}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" isRequired="true"/>`,
    )
    .join('')
  return `<md:EntityDescriptor xmlns:md="${namespaces.md}" entityID="${options.entityId}"><md:SPSSODescriptor AuthnRequestsSigned="${options.requestsSigned ?? false}" WantAssertionsSigned="${options.wantAssertionsSigned ?? false}" protocolSupportEnumeration="${namespaces.samlp}">${options.key ? keyDescriptor('signing') : ''}${options.encrypt ? keyDescriptor('encryption') : ''}${
    options.logoutUrl
      ? `<md:SingleLogoutService Binding="${options.logoutBinding ?? bindings.httpRedirect}" Location="${options.logoutUrl}"/>`
      : ''
  }${(options.logoutEndpoints ?? []).map(({ binding, url }) => `<md:SingleLogoutService Binding="${binding}" Location="${url}"/>`).join('')}${(options.nameIdFormats ?? []).map((format) => `<md:NameIDFormat>${format}</md:NameIDFormat>`).join('')}<md:AssertionConsumerService Binding="${bindings.httpPost}" Location="${options.acsUrl}" index="0" isDefault="true"/><md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">Synthetic service</md:ServiceName>${attributes}</md:AttributeConsumingService></md:SPSSODescriptor><md:ContactPerson contactType="technical"><md:EmailAddress>mailto:synthetic@example.gr</md:EmailAddress></md:ContactPerson></md:EntityDescriptor>`
}

export function registerService(options: ServiceOptions) {
  return registerServiceProvider(serviceMetadata(options), {
    origin: 'test',
    approve: options.approve ?? true,
  })
}

/** The same service's side, by a library that is not ours. */
export function serviceLibrary(
  app: TestApp,
  options: ServiceOptions,
  changes: Partial<SamlConfig> = {},
): SAML {
  const privatePem = options.key?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return new SAML({
    entryPoint: `${app.baseUrl}/saml/sso`,
    logoutUrl: `${app.baseUrl}/saml/slo`,
    issuer: options.entityId,
    callbackUrl: options.acsUrl,
    audience: options.entityId,
    idpIssuer: `${app.baseUrl}/saml/metadata`,
    idpCert: app.context.keys.published('saml').map((key) => pem(key.certificate!)),
    privateKey: options.requestsSigned ? privatePem : undefined,
    decryptionPvk: options.encrypt ? privatePem : undefined,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    wantAuthnResponseSigned: true,
    wantAssertionsSigned: options.wantAssertionsSigned ?? false,
    validateInResponseTo: ValidateInResponseTo.always,
    acceptedClockSkewMs: 0,
    ...changes,
  })
}

/** Path and query of an address of the app. */
export function pathOf(url: string): string {
  const { pathname, search } = new URL(url, 'http://any.invalid')
  return pathname + search
}

/** The path that an answer sends the browser to. */
export function redirectOf(answer: Answer): string {
  assert.equal(answer.status, 303, answer.body.slice(0, 2000))
  return pathOf(answer.headers.location!)
}

/** Types username and password on the sign-in page that `answer` leads to, and goes on from there. */
export async function signIn(
  client: HttpClient,
  answer: Answer,
  username: string,
  password = testPassword,
): Promise<Answer> {
  const loginPath = redirectOf(answer)
  assert.match(loginPath, /^\/login\?flow=/)
  const page = await client.get(loginPath)
  const done = await client.post('/login', {
    _csrf: hiddenField(page.body, '_csrf'),
    flow: hiddenField(page.body, 'flow'),
    username,
    password,
  })
  return client.get(redirectOf(done))
}

/** A browser of a new synthetic person, not signed in. */
export async function newPerson(app: TestApp) {
  const { account, person } = await addPerson()
  return { client: new HttpClient(app.baseUrl), account, person }
}

export interface PostedForm {
  readonly action: string
  readonly xml: string
  readonly SAMLResponse: string
  readonly relayState: string | undefined
}

/** What the page posts, and where. */
export function postedForm(answer: Answer): PostedForm {
  assert.equal(answer.status, 200, answer.body.slice(0, 2000))
  const action = /<form method="post" action="([^"]*)"/.exec(answer.body)?.[1]
  assert.ok(action, `no form: ${answer.body.slice(0, 2000)}`)
  const SAMLResponse = hiddenField(answer.body, 'SAMLResponse')
  return {
    action: unescapeHtml(action),
    SAMLResponse,
    xml: Buffer.from(SAMLResponse, 'base64').toString(),
    relayState: answer.body.includes('name="RelayState"')
      ? hiddenField(answer.body, 'RelayState')
      : undefined,
  }
}

/** `Requester/NoPassive` and the like. */
export function statusOf(xml: string): string {
  return [...xml.matchAll(/StatusCode Value="[^"]*:([A-Za-z]+)"/g)]
    .map(([, code]) => code)
    .join('/')
}
