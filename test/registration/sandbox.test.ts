import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { SignedXml } from 'xml-crypto'
import { approveRequest } from '../../src/registration/request-decision.ts'
import { findRequest, registrationRequests } from '../../src/registration/request-store.ts'
import { childElement, parseXml, textOf } from '../../src/xml/safe-xml.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { forgetRegistrations, goodMetadata, RegistrationWalk } from './registration-walk.ts'

const ns = {
  ds: 'http://www.w3.org/2000/09/xmldsig#',
  saml: 'urn:oasis:names:tc:SAML:2.0:assertion',
}

describe('The sandbox', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())
  beforeEach(async () => {
    await forgetRegistrations()
  })

  /** A request that waits; without an encryption key the test can read what is sent. */
  async function waiting(
    change = (xml: string) => xml.replace('<KeyDescriptor>', '<KeyDescriptor use="signing">'),
  ) {
    const service = new RegistrationWalk(app.baseUrl)
    const link = await service.askAndGetLink(change(goodMetadata('sp.example.org')), {
      'reason-mail': 'receipts',
    })
    const { token } = await service.confirm(link)
    return { service, page: `/federation/request?token=${token}` }
  }

  const login = ({ service, page }: { service: RegistrationWalk; page: string }) =>
    service.press('/federation/sandbox/login', page)

  const metadata = async () =>
    (await new RegistrationWalk(app.baseUrl).client.get('/federation/sandbox/metadata')).body

  /** Verifies the enveloped signature of the root by the certificate. */
  function isSignedBy(xml: string, certificate: string): boolean {
    const root = parseXml(xml).documentElement
    const signature = childElement(root, ns.ds, 'Signature')
    const verifier = new SignedXml({
      publicCert: `-----BEGIN CERTIFICATE-----\n${certificate.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`,
    })
    verifier.loadSignature(signature as unknown as Node)
    try {
      return verifier.checkSignature(xml)
    } catch {
      return false
    }
  }

  const certificateIn = (xml: string) => /<ds:X509Certificate>([^<]+)</.exec(xml)?.[1] ?? ''

  it('sends the service’s own endpoint a response that verifies by the sandbox’s metadata', async () => {
    const { status, body } = await login(await waiting())
    assert.equal(status, 200)
    assert.match(body, /action="https:\/\/sp\.example\.org\/acs"/)
    const xml = Buffer.from(hiddenField(body, 'SAMLResponse'), 'base64').toString()
    const about = await metadata()
    assert.ok(isSignedBy(about, certificateIn(about)))
    assert.ok(isSignedBy(xml, certificateIn(about)))
    const issuer = textOf(childElement(parseXml(xml).documentElement, ns.saml, 'Issuer'))
    assert.equal(issuer, `${app.baseUrl}/federation/sandbox/metadata`)
    assert.match(about, new RegExp(`entityID="${issuer}"`))
    assert.match(xml, /<saml:Audience>https:\/\/sp\.example\.org\/sp<\/saml:Audience>/)
  })

  it('cannot be taken for us: another Issuer, another key, a scope of nobody', async () => {
    const { body } = await login(await waiting())
    const xml = Buffer.from(hiddenField(body, 'SAMLResponse'), 'base64').toString()
    const client = new RegistrationWalk(app.baseUrl).client
    const ours = (await client.get('/saml/metadata')).body
    assert.ok(!ours.includes(certificateIn(xml)))
    assert.ok(!isSignedBy(xml, certificateIn(ours)))
    assert.match(xml, />test-student@sandbox\.invalid</)
    assert.ok(!xml.includes(`@${app.context.config.scope}`))
    assert.match(xml, /ac:classes:unspecified</)
  })

  it('encrypts to the service as a real login would', async () => {
    const { body } = await login(await waiting((xml) => xml))
    const xml = Buffer.from(hiddenField(body, 'SAMLResponse'), 'base64').toString()
    assert.match(xml, /<saml:EncryptedAssertion/)
    assert.doesNotMatch(xml, /test-student/)
  })

  it('keeps one key', async () => {
    const [one, two] = await Promise.all([metadata(), metadata()])
    assert.equal(certificateIn(one), certificateIn(two))
    assert.equal(certificateIn(await metadata()), certificateIn(one))
  })

  it('is for who has the request’s link, with a form of its own, while it waits', async () => {
    const request = await waiting()
    const { service, page } = request
    const none = await service.press('/federation/sandbox/login', page, '/?token=x')
    assert.equal(none.status, 404)
    const token = page.slice(page.indexOf('=') + 1)
    assert.equal((await service.client.post('/federation/sandbox/login', { token })).status, 403)
    const [{ _id = '' } = {}] = await registrationRequests().find().toArray()
    await approveRequest(app.context, await findRequest(_id))
    assert.equal((await login(request)).status, 409)
  })

  it('has a limit', async () => {
    const request = await waiting()
    let status = 0
    for (let tries = 0; tries < 21; tries++) status = (await login(request)).status
    assert.equal(status, 429)
  })

  it('tells a service that asks it where a test begins', async () => {
    const client = new RegistrationWalk(app.baseUrl).client
    const { status, body } = await client.get('/federation/sandbox/sso?SAMLRequest=x')
    assert.equal(status, 400)
    assert.match(body, /Η δοκιμή αρχίζει από τη σελίδα της αίτησης/)
  })
})
