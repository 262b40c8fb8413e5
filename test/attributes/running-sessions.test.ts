import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as oidc from 'openid-client'
import { hashPassword } from '../../src/login/password.ts'
import { accounts } from '../../src/people/people-store.ts'
import { athensDate } from '../../src/people/person.ts'
import { importRegistry } from '../../src/people/registry-import.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import type { RoleChoice } from '../../src/people/role-choice.ts'
import { Browser, TestService } from '../oidc/relying-party-support.ts'
import { asRead, studentRow } from '../people/support.ts'
import { elements, parse, redirectQuery } from '../saml/saml-support.ts'
import { postedForm, registerService, signIn } from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'
import { testPassword } from '../support/people.ts'

const service = {
  entityId: 'https://roles.example.gr',
  acsUrl: 'https://roles.example.gr/acs',
  requestedAttributes: {
    eduPersonAffiliation: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.1',
    schacPersonalUniqueCode: 'urn:oid:1.3.6.1.4.1.25178.1.2.14',
  },
}

let app: TestApp
before(async () => {
  app = await startTestApp()
  await registerService(service)
})
after(() => app.close())

const today = () => athensDate(app.context.now())

const tenMinutesMs = 10 * 60_000

const isTomorrowIn = (ms: number) =>
  athensDate(new Date(app.context.now().getTime() + ms)) !== today()

/** Moves the clock to between ten and twenty minutes before midnight in Greece; says which day ends. */
function advanceToEndOfDay(): string {
  // A test that begins just before midnight waits for the next.
  if (isTomorrowIn(tenMinutesMs)) app.advance(2 * tenMinutesMs)
  while (!isTomorrowIn(2 * tenMinutesMs)) app.advance(tenMinutesMs)
  return today()
}

function advanceOverMidnight(): void {
  const day = today()
  app.advance(2 * tenMinutesMs)
  assert.notEqual(today(), day)
}

const importRows = (rows: readonly RegistryRow[]) =>
  importRegistry(asRead(rows), {
    secrets: app.context.secrets,
    scope: app.context.config.scope,
    now: app.context.now,
    onRejected: (rejected) => assert.fail(JSON.stringify(rejected)),
  })

let people = 0

/** A synthetic student who works here too, imported and active. */
async function studentAtWork(changes: RegistryRow = {}, activatedRoles?: RoleChoice[]) {
  const number = ++people
  const facts = { username: `running${number}`, amka: '', ssnCountry: 'CY', ssn: `90000${number}` }
  const student = studentRow({
    ...facts,
    sourceId: `S${number}`,
    ministryCode: '267',
    registrationNumber: `2023${number}`,
    ...changes,
  })
  const staff = studentRow({ ...facts, source: 'hr', sourceId: `E${number}`, role: 'staff' })
  await importRows([student, staff])
  await accounts().updateOne(
    { username: facts.username },
    {
      $set: {
        state: 'active',
        passwordHash: await hashPassword(testPassword),
        activatedAt: app.context.now(),
        ...(activatedRoles && { activatedRoles }),
      },
    },
  )
  return { username: facts.username, student }
}

let requests = 0

function authnRequestPath(): string {
  const xml = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r${++requests}" Version="2.0" IssueInstant="${app.context.now().toISOString()}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${service.entityId}</saml:Issuer></samlp:AuthnRequest>`
  return `/saml/sso?${redirectQuery(xml)}`
}

/** A session that runs: each call is the next assertion, without a password. */
async function samlSession(username: string) {
  const client = new HttpClient(app.baseUrl)
  postedForm(await signIn(client, await client.get(authnRequestPath()), username))
  return async (name: keyof (typeof service)['requestedAttributes']) => {
    const { xml } = postedForm(await client.get(authnRequestPath()))
    const found = elements(parse(xml), 'Attribute').find(
      (attribute) => attribute.getAttribute('FriendlyName') === name,
    )
    return found ? elements(found, 'AttributeValue').map(({ textContent }) => textContent) : []
  }
}

/** A service with a refresh token: each call uses it for new tokens and asks userinfo. */
async function oidcSession(username: string) {
  const relyingParty = await TestService.create(app.baseUrl)
  const browser = new Browser(app.baseUrl)
  const claims = JSON.stringify({ id_token: { eduperson_affiliation: null } })
  let tokens = await relyingParty.signIn(browser, username, { claims })
  return async () => {
    const { configuration } = relyingParty
    tokens = await oidc.refreshTokenGrant(configuration, tokens.refresh_token as string)
    const idToken = tokens.claims()
    const userInfo = await oidc.fetchUserInfo(
      configuration,
      tokens.access_token,
      idToken?.sub as string,
    )
    assert.deepEqual(
      userInfo.eduperson_affiliation,
      idToken?.eduperson_affiliation,
      'userinfo and ID token say the same',
    )
    return userInfo.eduperson_affiliation as string[] | undefined
  }
}

const both = ['staff', 'employee', 'student', 'member']
const staffOnly = ['staff', 'employee', 'member']

describe('a role that ends while a session runs', () => {
  it('is in the assertions until the end of its last day in Greece, and then in none', async () => {
    const { username } = await studentAtWork({ validTo: advanceToEndOfDay() })
    const saml = await samlSession(username)
    assert.deepEqual(await saml('eduPersonAffiliation'), both)
    assert.equal((await saml('schacPersonalUniqueCode')).length, 1)
    advanceOverMidnight()
    assert.deepEqual(await saml('eduPersonAffiliation'), staffOnly)
    assert.deepEqual(await saml('schacPersonalUniqueCode'), [])
  })

  it('is gone from ID token and userinfo with the next refresh token', async () => {
    const { username } = await studentAtWork({ validTo: advanceToEndOfDay() })
    const refresh = await oidcSession(username)
    assert.deepEqual(await refresh(), both)
    advanceOverMidnight()
    assert.deepEqual(await refresh(), staffOnly)
  })

  it('leaves an alum when it ended with a degree', async () => {
    const graduatedOn = advanceToEndOfDay()
    const { username } = await studentAtWork({ validTo: graduatedOn, graduatedOn })
    const saml = await samlSession(username)
    const refresh = await oidcSession(username)
    advanceOverMidnight()
    const expected = ['staff', 'employee', 'alum', 'member']
    assert.deepEqual(await saml('eduPersonAffiliation'), expected)
    assert.deepEqual(await refresh(), expected)
  })

  it('leaves no alum who did not activate the studies', async () => {
    const graduatedOn = advanceToEndOfDay()
    const { username } = await studentAtWork({ validTo: graduatedOn, graduatedOn }, ['staff'])
    const saml = await samlSession(username)
    assert.deepEqual(await saml('eduPersonAffiliation'), staffOnly)
    advanceOverMidnight()
    assert.deepEqual(await saml('eduPersonAffiliation'), staffOnly)
  })
})

describe('a role that an import changes while a session runs', () => {
  for (const status of ['ended', 'suspended'] as const) {
    it(`is in no answer any more once it is ${status}, and back when it is active again`, async () => {
      const { username, student } = await studentAtWork()
      const saml = await samlSession(username)
      const refresh = await oidcSession(username)
      assert.deepEqual([await saml('eduPersonAffiliation'), await refresh()], [both, both])
      await importRows([{ ...student, status }])
      assert.deepEqual(
        [await saml('eduPersonAffiliation'), await refresh()],
        [staffOnly, staffOnly],
      )
      assert.deepEqual(await saml('schacPersonalUniqueCode'), [])
      await importRows([student])
      assert.deepEqual([await saml('eduPersonAffiliation'), await refresh()], [both, both])
    })
  }
})
