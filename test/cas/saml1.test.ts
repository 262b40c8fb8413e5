import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from '../support/app.ts'
import { casService, loginPath, serviceServer, signedIn, ticketOf } from './cas-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

function soap(ticket: string): string {
  return `<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><samlp:Request xmlns:samlp="urn:oasis:names:tc:SAML:1.0:protocol" MajorVersion="1" MinorVersion="1" RequestID="_192.168.16.51.1024506224022" IssueInstant="2002-06-19T17:03:44.022Z"><samlp:AssertionArtifact>${ticket}</samlp:AssertionArtifact></samlp:Request></SOAP-ENV:Body></SOAP-ENV:Envelope>`
}

function validate(service: string, body: string) {
  return serviceServer(app).send(
    'POST',
    `/cas/samlValidate?TARGET=${encodeURIComponent(service)}`,
    body,
    { 'content-type': 'text/xml', 'content-length': String(Buffer.byteLength(body)) },
  )
}

async function newTicket() {
  const service = await casService()
  const browser = await signedIn(app)
  const ticket = ticketOf(await browser.client.get(loginPath(service.url)), service.url)
  return { ...browser, service, ticket }
}

describe('CAS validation by SAML 1.1 (CAS Protocol 2.9)', () => {
  it('answers with an assertion: the user, the attributes, for this service', async () => {
    const { service, ticket, account } = await newTicket()
    const { status, headers, body } = await validate(service.url, soap(ticket))
    assert.equal(status, 200)
    assert.match(String(headers['content-type']), /^text\/xml/)
    assert.match(body, /StatusCode Value="saml1p:Success"/)
    assert.match(body, /InResponseTo="_192\.168\.16\.51\.1024506224022"/)
    assert.match(
      body,
      new RegExp(`<saml1:NameIdentifier>${account.username}</saml1:NameIdentifier>`),
    )
    assert.match(body, /AttributeName="mail"[^>]*><saml1:AttributeValue>[^<]+@uni\.example\.gr</)
    assert.match(body, /AuthenticationMethod="urn:oasis:names:tc:SAML:1\.0:am:password"/)
    const audience = service.url.replaceAll('&', '&amp;')
    assert.ok(body.includes(`<saml1:Audience>${audience}</saml1:Audience>`))
  })

  it('uses the ticket up, and says so the second time', async () => {
    const { service, ticket } = await newTicket()
    await validate(service.url, soap(ticket))
    const { body } = await validate(service.url, soap(ticket))
    assert.match(body, /StatusCode Value="saml1p:RequestDenied"/)
    assert.match(body, /INVALID_TICKET/)
    assert.doesNotMatch(body, /NameIdentifier/)
  })

  it('refuses hostile XML, and what is no request, without using the ticket up', async () => {
    const { service, ticket } = await newTicket()
    const hostile = [
      `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${soap('&e;')}`,
      soap(ticket).replace('AssertionArtifact', 'Artifact'),
      soap(ticket).replaceAll('urn:oasis:names:tc:SAML:1.0:protocol', 'urn:x'),
      'not xml at all',
      '',
    ]
    for (const body of hostile) {
      const answer = await validate(service.url, body)
      assert.equal(answer.status, 200)
      assert.match(answer.body, /INVALID_REQUEST/)
    }
    assert.match((await validate(service.url, soap(ticket))).body, /saml1p:Success/)
  })

  it('reads no more than sixteen kilobytes', async () => {
    const { service, ticket } = await newTicket()
    const answer = await validate(service.url, soap(ticket) + ' '.repeat(20_000))
    assert.equal(answer.status, 413)
  })
})
