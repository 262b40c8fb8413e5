import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { findConsent } from '../../src/consent/consent-store.ts'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import type { ServiceOverrides } from '../../src/federation/service.ts'
import { namespaces } from '../../src/saml/uris.ts'
import { redirectQuery } from '../saml/saml-support.ts'
import {
  newPerson,
  pathOf,
  postedForm,
  redirectOf,
  registerService,
  type ServiceOptions,
  signIn,
} from '../saml/sso-support.ts'
import type { TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { type Answer, type HttpClient, hiddenField } from '../support/http-client.ts'

export const oids = {
  displayName: 'urn:oid:2.16.840.1.113730.3.1.241',
  mail: 'urn:oid:0.9.2342.19200300.100.1.3',
  eduPersonScopedAffiliation: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.9',
}

/** A synthetic SAML service that asks or informs, or what the overrides say. */
export async function samlService(
  overrides: ServiceOverrides,
  options: Partial<ServiceOptions> = {},
) {
  const entityId = `https://s${randomBytes(6).toString('hex')}.example.gr`
  const service = { entityId, acsUrl: `${entityId}/acs`, requestedAttributes: oids, ...options }
  await registerService(service)
  await setServiceOverrides(entityId, overrides, 'saml')
  return service
}

let requests = 0

/** The address that a service sends a browser to. */
export function samlAddress(
  app: TestApp,
  entityId: string,
  attributes: Readonly<Record<string, string>> = {},
): string {
  const all = {
    ID: `_c${++requests}`,
    Version: '2.0',
    IssueInstant: app.context.now().toISOString(),
    Destination: `${app.baseUrl}/saml/sso`,
    ...attributes,
  }
  const written = Object.entries(all)
    .map(([name, value]) => ` ${name}="${value}"`)
    .join('')
  const xml = `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}"${written}><saml:Issuer xmlns:saml="${namespaces.saml}">${entityId}</saml:Issuer></samlp:AuthnRequest>`
  return `/saml/sso?${redirectQuery(xml, { relayState: 'kept' })}`
}

/** Somebody who is signed in already, by way of the home page. */
export async function signedInPerson(app: TestApp) {
  const someone = await newPerson(app)
  await signInAt(someone.client, someone.account.username)
  return someone
}

export async function signInAt(client: HttpClient, username: string): Promise<void> {
  const page = await client.get('/account')
  await signIn(client, page, username)
}

/** The consent page that the answer leads to, with its path. */
export async function consentPage(client: HttpClient, answer: Answer) {
  const path = redirectOf(answer)
  assert.match(path, /^\/consent\?flow=/)
  const page = await client.get(path)
  assert.equal(page.status, 200, page.body.slice(0, 2000))
  return { path, body: page.body, headers: page.headers }
}

/** Presses a button of the page. */
export function decide(
  client: HttpClient,
  page: { readonly body: string },
  fields: { readonly decision?: string; readonly remember?: string } = {},
): Promise<Answer> {
  const action = /<form[^>]*class="card[^"]*"[^>]*action="([^"]+)"/.exec(page.body)?.[1] ?? ''
  return client.post(pathOf(unescapeHtml(action)), {
    _csrf: hiddenField(page.body, '_csrf'),
    flow: hiddenField(page.body, 'flow'),
    ...fields,
  })
}

/** Asks for the service, decides on the page, and reads what the service gets. */
export async function throughPage(
  client: HttpClient,
  address: string,
  fields: { readonly decision: string; readonly remember?: string },
) {
  const page = await consentPage(client, await client.get(address))
  const decided = await decide(client, page, fields)
  return postedForm(await client.get(redirectOf(decided)))
}

export const agreed = { decision: 'agree', remember: 'yes' }

/** FriendlyNames in an assertion that is not encrypted. */
export function attributesIn(xml: string): string[] {
  return [...xml.matchAll(/FriendlyName="([^"]+)"/g)].map(([, name]) => name!)
}

export async function recordOf(personId: string, id: string, protocol: 'saml' | 'oidc' = 'saml') {
  return findConsent(personId, { protocol, id })
}

/** Entries of the audit log, the oldest first; it is written a moment after the answer. */
export async function auditOf(app: TestApp, personId: string, event: RegExp) {
  await app.context.audit.close()
  return AuditModel.find({ personId, event }).sort({ at: 1, _id: 1 }).lean()
}

/** What a person reads: without markup, and with single spaces. */
export function textOf(html: string): string {
  const main = /<main[\s\S]*<\/main>/.exec(html)?.[0] ?? html
  return unescapeHtml(main.replace(/<[^>]+>/g, ' ')).replace(/\s+/g, ' ')
}
