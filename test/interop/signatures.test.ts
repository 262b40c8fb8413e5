import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadInstitution } from '../../src/institution.ts'
import { buildMetadata } from '../../src/saml/metadata.ts'
import { makeSigningKey } from '../saml/saml-support.ts'
import { federationFacts } from '../support/federation-facts.ts'
import { attributeNames } from './support/attribute-map.ts'
import { Browser } from './support/browser.ts'
import { student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import {
  type StaticServiceProvider,
  startAcceptingServer,
  staticServiceProvider,
} from './support/static-service-provider.ts'
import { decrypt, validate, verifySignature } from './support/xml-tools.ts'

const demoFile = fileURLToPath(new URL('../../demo/institution.json', import.meta.url))

const requestedAttributes = [attributeNames.eppn, attributeNames.affiliation, attributeNames.sn]

let identityProvider: RunningIdentityProvider
let certificate: string
let acceptingServer: Awaited<ReturnType<typeof startAcceptingServer>>
let folder: string
let plain: StaticServiceProvider
let sealed: StaticServiceProvider

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'propylaia-interop-signatures-'))
  acceptingServer = await startAcceptingServer()
  identityProvider = await startIdentityProvider()
  certificate = await identityProvider.certificate()
  plain = staticServiceProvider(acceptingServer.url, 'plain', {
    wantsSignedAssertions: true,
    requestedAttributes,
  })
  sealed = staticServiceProvider(acceptingServer.url, 'sealed', {
    wantsSignedAssertions: true,
    hasEncryptionKey: true,
    requestedAttributes,
  })
  for (const [name, { metadata }] of Object.entries({ plain, sealed })) {
    const file = join(folder, `${name}.xml`)
    writeFileSync(file, metadata)
    await identityProvider.cli('sp', 'add', file, '--approve')
  }
})

after(async () => {
  await identityProvider?.stop()
  acceptingServer?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('our SAML metadata, to xmlsec1 and xmllint', () => {
  let metadata: string
  before(async () => {
    metadata = await (await fetch(identityProvider.entityId)).text()
  })

  it('is valid by the OASIS schemas', async () => {
    await assertValid(metadata)
  })

  it('has a signature that verifies', async () => {
    await assertVerifies(metadata, 'EntityDescriptor')
  })

  it('no longer verifies when one endpoint is changed', async () => {
    const changed = metadata.replaceAll('/saml/sso', '/saml/xxx')
    assert.notEqual(changed, metadata)
    await assertRefused(changed, 'EntityDescriptor')
  })

  it('does not verify under another key', async () => {
    const other = /X509Certificate>([^<]+)</.exec(sealed.metadata)?.[1]
    const pem = `-----BEGIN CERTIFICATE-----\n${other}\n-----END CERTIFICATE-----\n`
    const { ok } = await verifySignature(metadata, 'EntityDescriptor', pem)
    assert.equal(ok, false)
  })
})

const metadataKey = makeSigningKey()
const fullMetadata = await buildMetadata({
  entityId: 'https://idp.uni.example.gr/saml/metadata',
  baseUrl: 'https://idp.uni.example.gr',
  scope: 'uni.example.gr',
  institution: { ...loadInstitution(demoFile), ...federationFacts },
  keys: [metadataKey, makeSigningKey()],
  validUntil: new Date('2026-12-05T00:00:00.000Z'),
})

describe('our SAML metadata with all that an institution may tell, to xmlsec1 and xmllint', () => {
  const key = metadataKey
  const full = fullMetadata

  it('is valid by the OASIS schemas', async () => {
    await assertValid(full)
    await assertInvalid(full.replace('<mdui:GeolocationHint>', '<mdui:GeolocationHint x="1">'))
  })

  it('has a signature that verifies', async () => {
    const pem = `-----BEGIN CERTIFICATE-----\n${key.certificate}\n-----END CERTIFICATE-----\n`
    const { ok, text } = await verifySignature(full, 'EntityDescriptor', pem)
    assert.ok(ok, text)
    const changed = full.replace('personalized', 'pseudonymous')
    assert.equal((await verifySignature(changed, 'EntityDescriptor', pem)).ok, false)
  })
})

describe('a Response with the assertion in clear, to xmlsec1 and xmllint', () => {
  let response: string
  before(async () => {
    response = await responseFor(plain)
  })

  it('holds the assertion and is valid by the OASIS schemas', async () => {
    assert.match(response, /<saml:Assertion\b/)
    await assertValid(response)
  })

  it('has signatures of the Response and of the Assertion that verify', async () => {
    await assertVerifies(response, 'Response')
    await assertVerifies(response, 'Assertion')
  })

  it('no longer verifies when a value in the assertion is changed', async () => {
    const changed = response.replace(`>${student.eppn}<`, '>somebody.else@uni.example.gr<')
    assert.notEqual(changed, response)
    await assertRefused(changed, 'Response')
    await assertRefused(changed, 'Assertion')
  })

  it('has a Response signature that covers the Status too', async () => {
    const changed = response.replace('status:Success', 'status:Responder')
    assert.notEqual(changed, response)
    await assertRefused(changed, 'Response')
    await assertVerifies(changed, 'Assertion')
  })
})

describe('a Response with the assertion encrypted, to xmlsec1 and xmllint', () => {
  let response: string
  before(async () => {
    response = await responseFor(sealed)
  })

  it('shows nothing of the person and is valid by the OASIS schemas', async () => {
    assert.match(response, /<saml:EncryptedAssertion\b/)
    assert.doesNotMatch(response, /<saml:Assertion\b/)
    assert.ok(!response.includes(student.eppn))
    await assertValid(response)
  })

  it('has a Response signature that verifies as received', async () => {
    await assertVerifies(response, 'Response')
  })

  it('holds, once decrypted, an assertion that is valid and whose signature verifies', async () => {
    const opened = await decrypt(response, sealed.privateKey)
    const assertion = /<saml:Assertion\b[\s\S]*<\/saml:Assertion>/.exec(opened)?.[0] ?? ''
    assert.ok(assertion.includes(`>${student.eppn}<`))
    await assertValid(assertion)
    await assertVerifies(opened, 'Assertion')
    await assertRefused(opened.replace(`>${student.eppn}<`, '>x@uni.example.gr<'), 'Assertion')
  })

  it('no longer verifies when a byte of the ciphertext is changed', async () => {
    const changed = response.replace(
      /(<xenc:CipherValue>)(.)/,
      (_whole, tag, first) => tag + (first === 'A' ? 'B' : 'A'),
    )
    await assertRefused(changed, 'Response')
  })
})

describe('a Response that says no, to xmlsec1 and xmllint', () => {
  it('is signed and valid by the OASIS schemas: NoPassive', async () => {
    const browser = new Browser()
    await browser.open(
      plain.requestUrl(identityProvider.baseUrl, { attributes: 'IsPassive="true"' }),
    )
    const response = lastResponse(browser)
    assert.match(response, /status:NoPassive/)
    await assertValid(response)
    await assertVerifies(response, 'Response')
  })

  it('is signed and valid by the OASIS schemas: NoAuthnContext', async () => {
    const browser = new Browser()
    await browser.open(
      plain.requestUrl(identityProvider.baseUrl, {
        content:
          '<samlp:RequestedAuthnContext Comparison="exact"><saml:AuthnContextClassRef xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>',
      }),
      student,
    )
    const response = lastResponse(browser)
    assert.match(response, /status:NoAuthnContext/)
    assert.doesNotMatch(response, /<saml:(Encrypted)?Assertion\b/)
    await assertValid(response)
    await assertVerifies(response, 'Response')
  })
})

/** Signs the student in at this service. @returns the Response, XML */
async function responseFor(sp: StaticServiceProvider): Promise<string> {
  const browser = new Browser()
  const page = await browser.open(sp.requestUrl(identityProvider.baseUrl), student)
  assert.equal(page.text, 'received', `${page.url} answered ${page.status}:\n${page.text}`)
  assert.equal(browser.posted.at(-1)?.fields.get('RelayState'), 'back-to-the-page')
  return lastResponse(browser)
}

function lastResponse(browser: Browser): string {
  const encoded = browser.posted.at(-1)?.fields.get('SAMLResponse')
  assert.ok(encoded, `no Response came by:\n${browser.visited.join('\n')}`)
  return Buffer.from(encoded, 'base64').toString('utf8')
}

async function assertValid(xml: string): Promise<void> {
  const { ok, text } = await validate(xml)
  assert.ok(ok, `${text}\n${xml}`)
}

async function assertInvalid(xml: string): Promise<void> {
  const { ok, text } = await validate(xml)
  assert.equal(ok, false, text)
}

async function assertVerifies(
  xml: string,
  element: Parameters<typeof verifySignature>[1],
): Promise<void> {
  const { ok, text } = await verifySignature(xml, element, certificate)
  assert.ok(ok, `${text}\n${xml}`)
}

async function assertRefused(
  xml: string,
  element: Parameters<typeof verifySignature>[1],
): Promise<void> {
  const { ok, text } = await verifySignature(xml, element, certificate)
  assert.equal(ok, false, `${text}\n${xml}`)
  assert.match(text, /FAIL|data do not match|failed to verify/i)
}
