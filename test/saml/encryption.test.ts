import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { constants, createDecipheriv, privateDecrypt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ExclusiveCanonicalization } from 'xml-crypto'
import type { MetadataKey } from '../../src/federation/service.ts'
import { buildResponse } from '../../src/saml/assertion.ts'
import { assertionEncryption, usesWeakCipher } from '../../src/saml/encryption.ts'
import { encryptOaep } from '../../src/saml/rsa-oaep.ts'
import type { SamlStatusError } from '../../src/saml/status-response.ts'
import { algorithms, namespaces } from '../../src/saml/uris.ts'
import {
  elements,
  makeKey,
  makeServiceProvider,
  makeSigningKey,
  metadataKeyOf,
  opensslMissing,
  parse,
  responseContent,
  xmlsec,
  xmlsecMissing,
  xmlsecVerify,
} from './saml-support.ts'

const key = makeSigningKey()
const spKey = makeKey()
const otherKey = makeKey()

async function encryptedResponse(metadata: Partial<MetadataKey> = {}, signAssertion = true) {
  const sp = makeServiceProvider({ encryptionKeys: [{ ...spKey.metadataKey, ...metadata }] })
  const encryption = assertionEncryption(sp)
  return buildResponse(responseContent(), { key, signAssertion, encryption })
}

/** Decrypts as a service would, by what the message says of itself. */
function decrypt(xml: string): string {
  const document = parse(xml)
  const [contentMethod, keyMethod] = elements(document, 'EncryptionMethod').map((method) =>
    method.getAttribute('Algorithm'),
  )
  const [wrapped, content] = elements(document, 'CipherValue').map((value) =>
    Buffer.from(value.textContent!, 'base64'),
  )
  const digest = elements(document, 'DigestMethod').at(-1)!.getAttribute('Algorithm')
  assert.ok(keyMethod && digest === algorithms.sha1)
  const contentKey = privateDecrypt(
    { key: spKey.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    wrapped!,
  )
  const bits = contentKey.length * 8
  if (contentMethod!.endsWith('-gcm')) {
    const decipher = createDecipheriv(
      `aes-${bits}-gcm` as 'aes-256-gcm',
      contentKey,
      content!.subarray(0, 12),
    )
    decipher.setAuthTag(content!.subarray(-16))
    return Buffer.concat([decipher.update(content!.subarray(12, -16)), decipher.final()]).toString()
  }
  const decipher = createDecipheriv(`aes-${bits}-cbc`, contentKey, content!.subarray(0, 16))
  return Buffer.concat([decipher.update(content!.subarray(16)), decipher.final()]).toString()
}

describe('SAML Response: encryption (saml2int SDP-IDP11)', () => {
  it('encrypts whenever the service publishes an encryption key', async () => {
    const xml = await encryptedResponse()
    const document = parse(xml)
    assert.equal(elements(document, 'EncryptedAssertion').length, 1)
    assert.equal(elements(document, 'Assertion').length, 0)
    assert.doesNotMatch(xml, /student@uni/)
    assert.equal(
      elements(document, 'EncryptedData')[0]!.getAttribute('Type'),
      `${namespaces.xenc}Element`,
    )
  })

  it('sends in clear to a service without an encryption key, or where an admin says so', () => {
    assert.equal(assertionEncryption(makeServiceProvider()), undefined)
    const sp = makeServiceProvider({
      encryptionKeys: [spKey.metadataKey],
      overrides: { encryptAssertions: false },
    })
    assert.equal(assertionEncryption(sp), undefined)
  })

  it('gives an assertion that stands alone after decryption, its own signature intact', {
    skip: xmlsecMissing,
  }, async () => {
    const assertion = decrypt(await encryptedResponse())
    const root = parse(assertion).documentElement
    assert.equal(root.namespaceURI, namespaces.saml)
    assert.equal(new ExclusiveCanonicalization().process(root as never, {}), assertion)
    xmlsecVerify(assertion, key.certificate!, 'Assertion', root.getAttribute('ID')!)
  })

  it('signs the Response over the encrypted assertion', { skip: xmlsecMissing }, async () => {
    const xml = await encryptedResponse()
    const id = parse(xml).documentElement.getAttribute('ID')!
    xmlsecVerify(xml, key.certificate!, 'Response', id)
  })

  it('is in canonical form', async () => {
    const xml = await encryptedResponse()
    const root = parse(xml).documentElement
    assert.ok(new ExclusiveCanonicalization().process(root as never, {}) === xml)
  })

  for (const [name, method] of [
    ['AES-256-GCM', algorithms.aes256Gcm],
    ['AES-128-GCM', algorithms.aes128Gcm],
    ['AES-256-CBC', algorithms.aes256Cbc],
    ['AES-128-CBC', algorithms.aes128Cbc],
  ] as const) {
    it(`is decrypted by xmlsec1: ${name}`, { skip: xmlsecMissing }, async () => {
      const xml = await encryptedResponse({ encryptionMethods: [method, algorithms.rsaOaepMgf1p] })
      assert.equal(elements(parse(xml), 'EncryptionMethod')[0]!.getAttribute('Algorithm'), method)
      const privatePem = spKey.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      const plain = xmlsec({ 'message.xml': xml, 'key.pem': privatePem }, [
        '--decrypt',
        '--privkey-pem',
        '{key.pem}',
        '{message.xml}',
      ])
      assert.match(plain, /student@uni\.example\.gr/)
      assert.equal(elements(parse(plain), 'Assertion').length, 1)
    })
  }

  it('uses AES-256-GCM when the service does not say what it reads', async () => {
    const [content, transport] = elements(parse(await encryptedResponse()), 'EncryptionMethod')
    assert.equal(content!.getAttribute('Algorithm'), algorithms.aes256Gcm)
    assert.equal(transport!.getAttribute('Algorithm'), algorithms.rsaOaepMgf1p)
  })

  it('stays within what the service lists, GCM before CBC', async () => {
    const xml = await encryptedResponse({
      encryptionMethods: [algorithms.aes128Cbc, algorithms.aes128Gcm, algorithms.rsaOaep],
    })
    const [content, transport] = elements(parse(xml), 'EncryptionMethod')
    assert.equal(content!.getAttribute('Algorithm'), algorithms.aes128Gcm)
    assert.equal(transport!.getAttribute('Algorithm'), algorithms.rsaOaep)
    assert.match(decrypt(xml), /^<saml:Assertion/)
  })

  it('uses CBC only for a service that lists nothing better, and says that it is weak', async () => {
    const metadata = { encryptionMethods: [algorithms.aes256Cbc, algorithms.rsaOaepMgf1p] }
    const sp = makeServiceProvider({ encryptionKeys: [{ ...spKey.metadataKey, ...metadata }] })
    assert.equal(usesWeakCipher(assertionEncryption(sp)!), true)
    assert.equal(
      usesWeakCipher(
        assertionEncryption(makeServiceProvider({ encryptionKeys: [spKey.metadataKey] }))!,
      ),
      false,
    )
    assert.match(decrypt(await encryptedResponse(metadata)), /^<saml:Assertion/)
  })

  it('takes the newest key of several', async () => {
    const sp = makeServiceProvider({
      encryptionKeys: [otherKey.metadataKey, spKey.metadataKey],
    })
    const xml = await buildResponse(responseContent(), {
      key,
      signAssertion: false,
      encryption: assertionEncryption(sp),
    })
    assert.match(decrypt(xml), /^<saml:Assertion/)
  })

  it('passes over a key whose methods it does not have', () => {
    const unusable = metadataKeyOf(otherKey.publicKey, undefined, {
      encryptionMethods: ['http://www.w3.org/2001/04/xmlenc#rsa-1_5'],
    })
    const sp = makeServiceProvider({ encryptionKeys: [spKey.metadataKey, unusable] })
    assert.ok(assertionEncryption(sp)!.publicKey.equals(spKey.publicKey))
  })

  it('sends nothing, rather than in clear, when no key is usable', async () => {
    const unusable = { encryptionMethods: ['http://www.w3.org/2001/04/xmlenc#rsa-1_5'] }
    await assert.rejects(
      () => encryptedResponse(unusable),
      (error: SamlStatusError) =>
        error.code === 'SAML_ENCRYPTION_UNSUPPORTED' && error.samlStatus.code === 'Responder',
    )
  })

  it('never uses a content key or IV twice', async () => {
    const seen = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const content = elements(parse(await encryptedResponse()), 'CipherValue')[1]!.textContent!
      seen.add(Buffer.from(content, 'base64').subarray(0, 12).toString('hex'))
    }
    assert.equal(seen.size, 20)
  })
})

describe('RSA-OAEP (RFC 8017, 7.1.1)', () => {
  it('pads with a SHA-256 label hash and MGF1-SHA-1 as OpenSSL does', {
    skip: opensslMissing,
  }, () => {
    const secret = Buffer.from('synthetic content key of 32 byte')
    const wrapped = encryptOaep(spKey.publicKey, secret, 'sha256', 'sha1')
    const folder = mkdtempSync(join(tmpdir(), 'propylaia-oaep-'))
    try {
      writeFileSync(
        join(folder, 'key.pem'),
        spKey.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      )
      writeFileSync(join(folder, 'in'), wrapped)
      const options = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha1']
      const plain = execFileSync('openssl', [
        'pkeyutl',
        '-decrypt',
        '-inkey',
        join(folder, 'key.pem'),
        '-in',
        join(folder, 'in'),
        ...options.flatMap((option) => ['-pkeyopt', option]),
      ])
      assert.deepEqual(plain, secret)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is what a service gets that lists only the SHA-256 digest', () => {
    const sp = makeServiceProvider({
      encryptionKeys: [{ ...spKey.metadataKey, oaepDigests: [algorithms.sha256] }],
    })
    const { transport } = assertionEncryption(sp)!
    assert.deepEqual(transport, {
      uri: algorithms.rsaOaepMgf1p,
      digestUri: algorithms.sha256,
      labelHash: 'sha256',
    })
  })
})
