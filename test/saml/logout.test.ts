import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { bindings, nameIdFormats, namespaces } from '../../src/saml/uris.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'
import { signedInAt, unsolicited } from './logout-support.ts'
import {
  makeKey,
  parse,
  redirectQuery,
  signMessage,
  xmlsecMissing,
  xmlsecVerify,
} from './saml-support.ts'
import {
  postedForm,
  redirectOf,
  registerService,
  type ServiceOptions,
  statusOf,
} from './sso-support.ts'

const key = makeKey()
const first: ServiceOptions = {
  entityId: 'https://first.example.gr',
  acsUrl: 'https://first.example.gr/acs',
  logoutUrl: 'https://first.example.gr/slo?keep=1',
  key,
}
const second: ServiceOptions = {
  entityId: 'https://second.example.gr',
  acsUrl: 'https://second.example.gr/acs',
  logoutUrl: 'https://second.example.gr/slo',
  logoutBinding: bindings.httpPost,
  key,
}

let app: TestApp
before(async () => {
  app = await startTestApp()
  for (const service of [first, second]) await registerService(service)
})
after(() => app.close())

let messages = 0

function logoutRequest(
  service: ServiceOptions,
  { nameId, format, sessionIndex }: { nameId: string; format: string; sessionIndex?: string },
  attributes = '',
) {
  const index = sessionIndex ? `<samlp:SessionIndex>${sessionIndex}</samlp:SessionIndex>` : ''
  return `<samlp:LogoutRequest xmlns:samlp="${namespaces.samlp}" xmlns:saml="${namespaces.saml}" ID="_logout${++messages}" Version="2.0" IssueInstant="${app.context.now().toISOString()}" Destination="${app.baseUrl}/saml/slo"${attributes}><saml:Issuer>${service.entityId}</saml:Issuer><saml:NameID Format="${format}">${nameId}</saml:NameID>${index}</samlp:LogoutRequest>`
}

const isSignedIn = async (client: HttpClient) =>
  (await client.get(unsolicited(first))).status === 200

/** Reads a LogoutResponse from the query, its signature verified with our published key. */
function redirectedResponse(location: string) {
  const query = location.slice(location.indexOf('SAMLResponse='))
  const [octets, signature] = query.split('&Signature=')
  const { publicKey } = app.context.keys.active('saml')
  const value = Buffer.from(decodeURIComponent(signature!), 'base64')
  assert.ok(verify('sha256', Buffer.from(octets!), publicKey, value))
  const parameters = new URLSearchParams(query)
  return {
    xml: inflateRawSync(Buffer.from(parameters.get('SAMLResponse')!, 'base64')).toString(),
    relayState: parameters.get('RelayState'),
  }
}

describe('SAML logout: a service asks (Profiles 4.4)', () => {
  it('by HTTP-Redirect: ends our session and says Success, signed', async () => {
    const { client, told } = await signedInAt(app, first)
    const query = redirectQuery(logoutRequest(first, told[0]!), {
      key: key.privateKey,
      relayState: 'r & s',
    })
    const answer = await client.get(`/saml/slo?${query}`)
    assert.equal(answer.status, 303)
    const location = answer.headers.location!
    assert.ok(location.startsWith('https://first.example.gr/slo?keep=1&SAMLResponse='))
    const { xml, relayState } = redirectedResponse(location)
    assert.equal(relayState, 'r & s')
    assert.equal(statusOf(xml), 'Success')
    const root = parse(xml).documentElement
    assert.equal(root.localName, 'LogoutResponse')
    assert.equal(root.getAttribute('InResponseTo'), `_logout${messages}`)
    assert.equal(root.getAttribute('Destination'), first.logoutUrl)
    assert.equal(await isSignedIn(client), false)
  })

  it('by HTTP-POST: finds the session by a bounce, and answers by a signed form', {
    skip: xmlsecMissing,
  }, async () => {
    const { client, told } = await signedInAt(app, second)
    const xml = signMessage(logoutRequest(second, told[0]!), key)
    const bounced = await new HttpClient(app.baseUrl).post('/saml/slo', {
      SAMLRequest: Buffer.from(xml).toString('base64'),
    })
    const form = postedForm(await client.get(redirectOf(bounced)))
    assert.equal(form.action, second.logoutUrl)
    assert.equal(statusOf(form.xml), 'Success')
    const { certificate } = app.context.keys.active('saml')
    const id = parse(form.xml).documentElement.getAttribute('ID')!
    xmlsecVerify(form.xml, certificate!, 'LogoutResponse', id)
    assert.equal(await isSignedIn(client), false)
  })

  it('says PartialLogout when another service in the session cannot be told', async () => {
    const deaf = { entityId: 'https://deaf.example.gr', acsUrl: 'https://deaf.example.gr/acs', key }
    await registerService(deaf)
    const { client, told } = await signedInAt(app, first, deaf)
    const query = redirectQuery(logoutRequest(first, told[0]!), { key: key.privateKey })
    const answer = await client.get(`/saml/slo?${query}`)
    assert.equal(
      statusOf(redirectedResponse(answer.headers.location!).xml),
      'Success/PartialLogout',
    )
    assert.equal(await isSignedIn(client), false)
  })

  it('ends the session without its cookie too: the service names it by NameID and SessionIndex', async () => {
    const { client, told } = await signedInAt(app, first)
    const query = redirectQuery(logoutRequest(first, told[0]!), { key: key.privateKey })
    const answer = await new HttpClient(app.baseUrl).get(`/saml/slo?${query}`)
    assert.equal(statusOf(redirectedResponse(answer.headers.location!).xml), 'Success')
    assert.equal(await isSignedIn(client), false)
  })

  it('lets no service join a session that ends in the same moment', async () => {
    const { client } = await signedInAt(app, first)
    // The browser's request was read before; the record, by which services are told, is gone.
    await SsoSessionModel.deleteMany({})
    const answer = await client.get(unsolicited(second))
    assert.doesNotMatch(answer.body, /SAMLResponse/)
    assert.match(String(answer.headers.location), /\/login/)
    assert.equal(await isSignedIn(client), false)
  })

  it('refuses a request that was taken before, and ends nothing by it', async () => {
    const { client, told } = await signedInAt(app, first)
    const all = { ...told[0]!, sessionIndex: undefined }
    const query = redirectQuery(logoutRequest(first, all), { key: key.privateKey })
    assert.equal((await client.get(`/saml/slo?${query}`)).status, 303)
    const answer = await client.get(`/saml/slo?${query}`)
    const { xml } = redirectedResponse(answer.headers.location!)
    assert.equal(statusOf(xml), 'Requester/RequestDenied')
  })

  it('sends no answer to a service that wants none (Asynchronous Single Logout)', async () => {
    const { client, told } = await signedInAt(app, first)
    const extension =
      '<samlp:Extensions><aslo:Asynchronous xmlns:aslo="urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo"/></samlp:Extensions>'
    const xml = logoutRequest(first, told[0]!).replace('<saml:NameID', `${extension}<saml:NameID`)
    const answer = await client.get(`/saml/slo?${redirectQuery(xml, { key: key.privateKey })}`)
    assert.equal(redirectOf(answer), '/logout')
    assert.equal(await isSignedIn(client), false)
  })

  it('says Success when there is no session left', async () => {
    const { client, told } = await signedInAt(app, first)
    for (let round = 0; round < 2; round++) {
      const query = redirectQuery(logoutRequest(first, told[0]!), { key: key.privateKey })
      const answer = await client.get(`/saml/slo?${query}`)
      assert.equal(statusOf(redirectedResponse(answer.headers.location!).xml), 'Success')
    }
  })

  it('knows the NameID of an earlier visit, when the last one brought another format', async () => {
    const { client, told } = await signedInAt(app, first)
    const policy = `<samlp:NameIDPolicy Format="${nameIdFormats.persistent}" AllowCreate="true"/>`
    const request = `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}" ID="_again" Version="2.0" IssueInstant="${app.context.now().toISOString()}"><saml:Issuer xmlns:saml="${namespaces.saml}">${first.entityId}</saml:Issuer>${policy}</samlp:AuthnRequest>`
    const again = postedForm(await client.get(`/saml/sso?${redirectQuery(request)}`))
    assert.ok(again.xml.includes(`${nameIdFormats.persistent}" NameQualifier`))
    const query = redirectQuery(logoutRequest(first, told[0]!), { key: key.privateKey })
    const answer = await client.get(`/saml/slo?${query}`)
    assert.equal(statusOf(redirectedResponse(answer.headers.location!).xml), 'Success')
  })

  it('shows a page of ours when the metadata names no place for the answer', async () => {
    const silent = {
      entityId: 'https://silent.example.gr',
      acsUrl: 'https://silent.example.gr/acs',
      key,
    }
    await registerService(silent)
    const { client, told } = await signedInAt(app, silent)
    const query = redirectQuery(logoutRequest(silent, told[0]!), { key: key.privateKey })
    const answer = await client.get(redirectOf(await client.get(`/saml/slo?${query}`)))
    assert.equal(answer.status, 200)
    assert.doesNotMatch(answer.body, /SAMLResponse/)
    assert.equal(await isSignedIn(client), false)
  })

  it('keeps the session when the NameID or SessionIndex is of another', async () => {
    const { client, told } = await signedInAt(app, first)
    for (const wrong of [
      { ...told[0]!, nameId: '_other' },
      { ...told[0]!, format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' },
      { ...told[0]!, sessionIndex: '_other' },
    ]) {
      const query = redirectQuery(logoutRequest(first, wrong), { key: key.privateKey })
      const answer = await client.get(`/saml/slo?${query}`)
      const { xml } = redirectedResponse(answer.headers.location!)
      assert.equal(statusOf(xml), 'Requester/UnknownPrincipal')
    }
    assert.equal(await isSignedIn(client), true)
  })

  it('keeps the session when the request is unsigned, signed by another, or too old', async () => {
    const { client, told } = await signedInAt(app, first)
    const unsigned = await client.get(`/saml/slo?${redirectQuery(logoutRequest(first, told[0]!))}`)
    assert.match(unsigned.body, /SAML_SIGNATURE_REQUIRED/)
    const foreign = redirectQuery(logoutRequest(first, told[0]!), { key: makeKey().privateKey })
    assert.match((await client.get(`/saml/slo?${foreign}`)).body, /SAML_SIGNATURE_INVALID/)
    const old = redirectQuery(
      logoutRequest(first, told[0]!, ' NotOnOrAfter="2020-01-01T00:00:00Z"'),
      { key: key.privateKey },
    )
    const answer = await client.get(`/saml/slo?${old}`)
    const { xml } = redirectedResponse(answer.headers.location!)
    assert.equal(statusOf(xml), 'Requester/RequestDenied')
    assert.equal(await isSignedIn(client), true)
  })
})
