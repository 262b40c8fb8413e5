import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { registerCasService, setServiceOverrides } from '../../src/federation/registration.ts'
import type { ServiceOverrides } from '../../src/federation/service.ts'
import type { TestApp } from '../support/app.ts'
import { type Answer, HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

export interface TestCasService {
  /** The pattern. */
  readonly id: string
  /** An address that it matches, with a query of its own. */
  readonly url: string
}

/** A synthetic CAS service, approved. */
export async function casService(
  overrides: ServiceOverrides = {},
  metadata: Record<string, unknown> = {},
): Promise<TestCasService> {
  const id = String(
    metadata.cas_service ?? `https://c${randomBytes(6).toString('hex')}.example.gr/app`,
  )
  await registerCasService(
    {
      cas_service: id,
      client_name: 'Δοκιμαστική υπηρεσία',
      attributes: ['mail', 'eduPersonAffiliation'],
      ...metadata,
    },
    { origin: 'cli', approve: true },
  )
  if (Object.keys(overrides).length > 0) await setServiceOverrides(id, overrides, 'cas')
  return { id, url: `${id}/course.php?id=7&lang=el` }
}

export function loginPath(service: string, parameters: Record<string, string> = {}): string {
  return `/cas/login?${new URLSearchParams({ service, ...parameters })}`
}

export function validatePath(
  name: string,
  service: string,
  ticket: string,
  parameters: Record<string, string> = {},
): string {
  return `/cas/${name}?${new URLSearchParams({ service, ticket, ...parameters })}`
}

export function redirectOf(answer: Answer): string {
  assert.ok([302, 303].includes(answer.status), `${answer.status}: ${answer.body.slice(0, 1500)}`)
  return answer.headers.location ?? ''
}

/** The ticket in a redirect to the service; fails when it leads elsewhere. */
export function ticketOf(answer: Answer, service: string): string {
  const location = redirectOf(answer)
  const separator = service.includes('?') ? '&' : '?'
  const prefix = `${service}${separator}ticket=`
  assert.ok(location.startsWith(prefix), location)
  return location.slice(prefix.length)
}

export async function newBrowser(app: TestApp, change: Parameters<typeof addPerson>[0] = {}) {
  const { person, account } = await addPerson(change)
  return { client: new HttpClient(app.baseUrl), person, account }
}

/** Follows our own redirects to the sign-in page, signs in there, and goes on to where that leads. */
export async function signInFrom(
  client: HttpClient,
  answer: Answer,
  username: string,
): Promise<Answer> {
  const path = redirectOf(answer)
  assert.match(path, /^\/login/)
  const page = await client.get(path)
  const done = await client.post('/login', {
    _csrf: hiddenField(page.body, '_csrf'),
    flow: path.includes('flow=') ? hiddenField(page.body, 'flow') : '',
    username,
    password: testPassword,
  })
  return client.get(redirectOf(done))
}

/** Somebody who is signed in at us, and by that at no service yet. */
export async function signedIn(app: TestApp, change: Parameters<typeof addPerson>[0] = {}) {
  const browser = await newBrowser(app, change)
  await signInFrom(browser.client, await browser.client.get('/cas/login'), browser.account.username)
  return browser
}

/** What a service's own server asks with: no cookie. */
export function serviceServer(app: TestApp): HttpClient {
  return new HttpClient(app.baseUrl)
}

/** The code of an authenticationFailure, or undefined. */
export function failureOf({ status, body }: Answer): string | undefined {
  assert.equal(status, 200)
  return /<cas:(?:authentication|proxy)Failure code="([A-Z_]+)">/.exec(body)?.[1]
}

export function elementsOf(body: string, name: string): string[] {
  return [...body.matchAll(new RegExp(`<cas:${name}>([^<]*)</cas:${name}>`, 'g'))].map(
    ([, text = '']) => text,
  )
}
