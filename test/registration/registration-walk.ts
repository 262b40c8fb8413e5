import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { clearServiceCache, serviceRecords } from '../../src/federation/service-store.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { registrationRequests } from '../../src/registration/request-store.ts'
import { type Answer, HttpClient, hiddenField } from '../support/http-client.ts'

export const registerPath = '/federation/register'

/** Nothing is registered, asked for or counted yet. */
export async function forgetRegistrations(): Promise<void> {
  await ThrottleModel.deleteMany({})
  await serviceRecords().deleteMany({})
  await registrationRequests().deleteMany({})
  clearServiceCache()
}

/** A file of test/fixtures/metadata. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/metadata/${name}`, import.meta.url), 'utf8')
}

/** Metadata of a synthetic service at the host that leaves nothing to wish for. */
export function goodMetadata(host: string, change: { contact?: string; acs?: string } = {}) {
  const { contact = `admin@${host}`, acs = `https://${host}/acs` } = change
  const certificate = /<ds:X509Certificate>([^<]+)</
    .exec(fixture('shibboleth.xml'))?.[1]
    ?.replace(/\s/g, '')
  return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://${host}/sp">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <Extensions><mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui">
      <mdui:DisplayName xml:lang="el">Υπηρεσία δοκιμής</mdui:DisplayName>
      <mdui:DisplayName xml:lang="en">Synthetic service</mdui:DisplayName>
      <mdui:PrivacyStatementURL xml:lang="en">https://${host}/privacy</mdui:PrivacyStatementURL>
    </mdui:UIInfo></Extensions>
    <KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${acs}"/>
    <AttributeConsumingService index="0"><ServiceName xml:lang="en">Synthetic</ServiceName><RequestedAttribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail" isRequired="true"/></AttributeConsumingService>
  </SPSSODescriptor>
  <ContactPerson contactType="technical"><EmailAddress>mailto:${contact}</EmailAddress></ContactPerson>
</EntityDescriptor>`
}

/** Client metadata of a synthetic service. */
export function goodClient(host: string, change: object = {}) {
  return {
    client_name: 'Synthetic client',
    redirect_uris: [`https://${host}/callback`],
    policy_uri: `https://${host}/privacy`,
    contacts: [`admin@${host}`],
    scope: 'openid email',
    ...change,
  }
}

/** Somebody who runs a service, in a browser or with software. */
export class RegistrationWalk {
  readonly client: HttpClient

  constructor(baseUrl: string) {
    this.client = new HttpClient(baseUrl)
  }

  /** Sends the form of `page` with these fields and, under `file`, a file. */
  async submit(
    fields: Record<string, string>,
    options: { file?: string | Buffer; path?: string; page?: string; csrf?: string } = {},
  ): Promise<Answer> {
    const { file, path = registerPath, page = registerPath } = options
    const csrf = options.csrf ?? hiddenField((await this.client.get(page)).body, '_csrf')
    const form = new FormData()
    for (const [name, value] of Object.entries({ _csrf: csrf, ...fields })) form.set(name, value)
    if (file !== undefined) form.set('file', new Blob([file as BlobPart]), 'metadata.xml')
    const encoded = new Response(form)
    const body = Buffer.from(await encoded.arrayBuffer())
    return this.client.send('POST', path, body, {
      'content-type': encoded.headers.get('content-type') ?? '',
    })
  }

  async json(
    body: unknown,
    path = registerPath,
    headers: Record<string, string> = {},
    method = 'POST',
  ) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await this.client.send(method, path, text, {
      'content-type': 'application/json',
      ...headers,
    })
    return { ...answer, json: answer.body === '' ? undefined : JSON.parse(answer.body) }
  }

  /** Sends the request as the page after a good check does. */
  async ask(metadata: string, fields: Record<string, string> = {}): Promise<Answer> {
    return this.submit({ metadata, ...fields }, { path: `${registerPath}/request` })
  }

  /** The link that the newest mail about a request holds. */
  async askAndGetLink(metadata: string, fields: Record<string, string> = {}): Promise<string> {
    const answer = await this.ask(metadata, fields)
    assert.equal(answer.status, 303, answer.body)
    const reference = /reference=(.*)$/.exec(answer.headers.location ?? '')?.[1] ?? ''
    const mail = (await this.#outbox()).find(({ text }) => text.includes(reference))
    assert.ok(mail, `no mail about ${reference}`)
    return RegistrationWalk.linkIn(mail.text)
  }

  /** Path and query of the link in a mail. */
  static linkIn(text: string): string {
    const link = /http\S+\?token=[\w-]{22}/.exec(text)?.[0]
    assert.ok(link, text)
    const { pathname, search } = new URL(link)
    return pathname + search
  }

  /** Presses the button of a page whose link carries a token. */
  async press(path: string, page: string, action = page): Promise<Answer> {
    const opened = await this.client.get(page)
    const form = opened.body.includes('_csrf') ? opened : await this.client.get(registerPath)
    const token = new URL(action, 'http://x.invalid').searchParams.get('token') ?? ''
    return this.client.post(path, { _csrf: hiddenField(form.body, '_csrf'), token })
  }

  /** Confirms, and reads the request's page. */
  async confirm(link: string): Promise<Answer & { token: string }> {
    const answer = await this.press(`${registerPath}/confirm`, link)
    assert.equal(answer.status, 303, answer.body)
    const location = answer.headers.location ?? ''
    const token = location.slice(location.indexOf('=') + 1)
    return { ...(await this.client.get(location)), token }
  }

  /** The newest mail to the address. */
  async mailTo(address: string): Promise<OutboxMessage> {
    const mail = await this.findMailTo(address)
    assert.ok(mail, `no mail to ${address}`)
    return mail
  }

  async findMailTo(address: string): Promise<OutboxMessage | undefined> {
    return (await this.#outbox()).find(({ to }) => to === address)
  }

  /** Newest first. */
  async #outbox(): Promise<OutboxMessage[]> {
    const answer = await this.client.send('GET', '/dev/outbox', undefined, {
      accept: 'application/json',
    })
    return JSON.parse(answer.body)
  }
}

interface OutboxMessage {
  readonly to: string
  readonly subject?: string
  readonly text: string
}
