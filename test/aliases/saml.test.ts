import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { elements, makeKey, parse } from '../saml/saml-support.ts'
import {
  newPerson,
  pathOf,
  postedForm,
  registerService,
  type ServiceOptions,
  serviceLibrary,
  signIn,
} from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'

const entityId = 'https://idp.old.example.gr/idp/shibboleth'
const service: ServiceOptions = {
  entityId: 'https://wiki.example.gr/shibboleth',
  acsUrl: 'https://wiki.example.gr/Shibboleth.sso/SAML2/POST',
  logoutUrl: 'https://wiki.example.gr/Shibboleth.sso/SLO/Redirect',
  key: makeKey(),
  requestsSigned: true,
}

const shibboleth = {
  redirect: '/idp/profile/SAML2/Redirect/SSO',
  post: '/idp/profile/SAML2/POST/SSO',
  logout: '/idp/profile/SAML2/Redirect/SLO',
}
const simplesamlphp = '/simplesaml/saml2/idp/SSOService.php'

let app: TestApp
before(async () => {
  app = await startTestApp({
    PATH_ALIASES: 'shibboleth,simplesamlphp',
    SAML_ENTITY_ID: entityId,
  })
  await registerService(service)
})
after(() => app.close())

/** The service's library with the addresses of our predecessor. */
const library = (signOn: string) =>
  serviceLibrary(app, service, {
    entryPoint: `${app.baseUrl}${signOn}`,
    logoutUrl: `${app.baseUrl}${shibboleth.logout}`,
    idpIssuer: entityId,
  })

describe('an entityID that was another identity provider’s', () => {
  it('is that of our metadata, at each address that there is for it', async () => {
    const own = await (await fetch(`${app.baseUrl}/saml/metadata`)).text()
    assert.equal(parse(own).documentElement.getAttribute('entityID'), entityId)
    for (const path of [
      '/idp/shibboleth',
      '/simplesaml/saml2/idp/metadata.php',
      '/simplesaml/module.php/saml/idp/metadata',
      `/mdq/entities/${encodeURIComponent(entityId)}`,
    ]) {
      const answer = await fetch(`${app.baseUrl}${path}`)
      assert.equal(answer.headers.get('content-type'), 'application/samlmetadata+xml', path)
      assert.equal(await answer.text(), own, path)
    }
    const byAddress = encodeURIComponent(`${app.baseUrl}/saml/metadata`)
    assert.equal((await fetch(`${app.baseUrl}/mdq/entities/${byAddress}`)).status, 404)
  })

  it('is nobody’s to register, and neither is the address of our metadata', async () => {
    for (const taken of [entityId, `${app.baseUrl}/saml/metadata`]) {
      const { serviceMetadata } = await import('../saml/sso-support.ts')
      const answer = await fetch(`${app.baseUrl}/federation/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ metadata: serviceMetadata({ ...service, entityId: taken }) }),
      })
      const { findings } = await answer.json()
      assert.ok(
        findings.some(({ code }: { code: string }) => code === 'ENTITY_ID_TAKEN'),
        JSON.stringify(findings),
      )
    }
  })
})

describe('SAML at the addresses of another identity provider', () => {
  for (const path of [shibboleth.redirect, simplesamlphp]) {
    it(`signs in with a signed request at ${path}, under the entityID that the service knows`, async () => {
      const { client, account } = await newPerson(app)
      const saml = library(path)
      const url = await saml.getAuthorizeUrlAsync('state', undefined, {})
      assert.ok(pathOf(url).startsWith(path))
      const form = postedForm(await signIn(client, await client.get(pathOf(url)), account.username))
      assert.equal(form.action, service.acsUrl)
      const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: form.SAMLResponse })
      assert.equal(profile?.issuer, entityId)
      assert.ok(profile?.nameQualifier === undefined || profile.nameQualifier === entityId)
      // And signs out where it knows to, by a signed request.
      const logoutUrl = await saml.getLogoutUrlAsync(profile!, 'state', {})
      assert.ok(pathOf(logoutUrl).startsWith(shibboleth.logout))
      const answer = await client.get(pathOf(logoutUrl))
      assert.equal(answer.status, 303, answer.body)
      assert.ok(answer.headers.location?.startsWith(`${service.logoutUrl}?SAMLResponse=`))
      assert.match((await client.get('/account')).headers.location ?? '', /^\/login/)
    })
  }

  it('takes a Destination that names the address where the request came in, and no other of ours', async () => {
    const url = new URL(await library(shibboleth.redirect).getAuthorizeUrlAsync('', undefined, {}))
    const client = new HttpClient(app.baseUrl)
    assert.equal((await client.get(url.pathname + url.search)).status, 303)
    for (const other of ['/saml/sso', simplesamlphp, '/idp/profile/SAML2/POST/SSO']) {
      const answer = await client.get(other + url.search)
      assert.equal(answer.status, 400, other)
      assert.match(answer.body, /SAML_DESTINATION_MISMATCH/)
    }
    const ours = new URL(await library('/saml/sso').getAuthorizeUrlAsync('', undefined, {}))
    assert.equal((await client.get(ours.pathname + ours.search)).status, 303)
    const moved = await client.get(shibboleth.redirect + ours.search)
    assert.match(moved.body, /SAML_DESTINATION_MISMATCH/)
  })

  it('takes a posted request', async () => {
    const xml = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a1" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${app.baseUrl}${shibboleth.post}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${unsigned.entityId}</saml:Issuer></samlp:AuthnRequest>`
    await registerService(unsigned)
    const client = new HttpClient(app.baseUrl)
    const answer = await client.post(shibboleth.post, {
      SAMLRequest: Buffer.from(xml).toString('base64'),
    })
    assert.equal(answer.status, 303, answer.body)
    assert.match(answer.headers.location ?? '', /\/saml\/sso\/resume\?flow=/)
    // What is wrong is refused there as it is here.
    const broken = await client.get(
      `${shibboleth.redirect}?SAMLRequest=${encodeURIComponent(deflateRawSync('<x/>').toString('base64'))}`,
    )
    assert.equal(broken.status, 400)
  })

  it('answers by SOAP as we do', async () => {
    const ask = async (path: string) => {
      const response = await fetch(`${app.baseUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'text/xml' },
        body: '<x/>',
      })
      return [response.status, response.headers.get('content-type'), await response.text()]
    }
    const [alias, own] = await Promise.all([
      ask('/idp/profile/SAML2/SOAP/SLO'),
      ask('/saml/slo/soap'),
    ])
    assert.match(String(own[2]), /:Fault>/)
    assert.deepEqual(alias, own)
  })

  it('starts a sign-on by the links that people have', async () => {
    const providerId = encodeURIComponent(service.entityId)
    for (const link of [
      `/idp/profile/SAML2/Unsolicited/SSO?providerId=${providerId}&target=ss%3Amem&time=1`,
      `${simplesamlphp}?spentityid=${providerId}&RelayState=ss%3Amem`,
    ]) {
      const { client, account } = await newPerson(app)
      const form = postedForm(await signIn(client, await client.get(link), account.username))
      assert.equal(form.action, service.acsUrl)
      assert.equal(form.relayState, 'ss:mem')
      assert.doesNotMatch(form.xml, /InResponseTo/)
    }
  })

  it('is in our metadata behind our own addresses, each with its binding', async () => {
    const document = parse(await (await fetch(`${app.baseUrl}/saml/metadata`)).text())
    const endpoints = (name: string) =>
      elements(document, name).map((element) => [
        element.getAttribute('Binding')?.split(':').at(-1),
        element.getAttribute('Location')?.slice(app.baseUrl.length),
      ])
    const signOn = endpoints('SingleSignOnService')
    assert.deepEqual(signOn.slice(0, 4), [
      ['HTTP-Redirect', '/saml/sso'],
      ['HTTP-POST', '/saml/sso'],
      ['HTTP-Redirect', shibboleth.redirect],
      ['HTTP-POST', shibboleth.post],
    ])
    const logout = endpoints('SingleLogoutService').map(([binding, path]) => `${binding} ${path}`)
    assert.ok(logout.includes(`HTTP-Redirect ${shibboleth.logout}`))
    assert.ok(logout.includes('SOAP /idp/profile/SAML2/SOAP/SLO'))
  })
})

const unsigned: ServiceOptions = {
  entityId: 'https://blog.example.gr/shibboleth',
  acsUrl: 'https://blog.example.gr/Shibboleth.sso/SAML2/POST',
}
