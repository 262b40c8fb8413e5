import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { certificatePem, selfSignedCertificate } from '../../src/keys/certificate.ts'
import { importKey } from '../../src/keys/key-import.ts'
import { discardKey, stageKey } from '../../src/keys/key-life.ts'
import { findKey } from '../../src/keys/key-records.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

const by = 'niki'
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve })

function certificateOf(pair: { privateKey: KeyObject; publicKey: KeyObject }, from = new Date()) {
  const base64 = selfSignedCertificate({ ...pair, commonName: 'old', notBefore: from, days: 30 })
  return certificatePem(base64)
}

const take = (privateKeyPem: string, more: Partial<Parameters<typeof importKey>[1]> = {}) =>
  importKey(app.context, { use: 'saml', as: 'staged', by, privateKeyPem, ...more })

describe('a key made elsewhere', () => {
  const passphrase = 'σύνθημα με κενά'
  const forms: [string, () => string][] = [
    ['PKCS#8', () => rsa().privateKey.export({ type: 'pkcs8', format: 'pem' }) as string],
    ['PKCS#1', () => rsa().privateKey.export({ type: 'pkcs1', format: 'pem' }) as string],
    ['SEC 1', () => ec().privateKey.export({ type: 'sec1', format: 'pem' }) as string],
    [
      'encrypted PKCS#8',
      () =>
        rsa().privateKey.export({
          type: 'pkcs8',
          format: 'pem',
          cipher: 'aes-256-cbc',
          passphrase,
        }) as string,
    ],
    [
      'encrypted PKCS#1',
      () =>
        rsa().privateKey.export({
          type: 'pkcs1',
          format: 'pem',
          cipher: 'aes-256-cbc',
          passphrase,
        }) as string,
    ],
  ]
  for (const [name, make] of forms) {
    it(`is taken as ${name}, with a certificate made for it`, async () => {
      const pem = make()
      const encrypted = name.startsWith('encrypted')
      const { key, warnings } = await take(pem, encrypted ? { passphrase } : {})
      assert.equal(key.state, 'staged')
      assert.deepEqual(warnings, [])
      assert.match(key.certificate!.subject, /^CN=127\.0\.0\.1$/)
      const opened = app.context.keys.published('saml').find(({ kid }) => kid === key.kid)!
      assert.ok(opened.privateKey!.equals(createPrivateKey({ key: pem, passphrase })))
    })
  }

  it('keeps its certificate, also one that stands in the same file or expired', async () => {
    const pair = rsa()
    const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const expired = certificateOf(pair, new Date('2020-01-01'))
    const { key, warnings } = await take(expired + pem)
    assert.equal(key.certificate!.subject, 'CN=old')
    assert.match(warnings.join(), /expired on 2020-01-31/)
  })

  it('is refused with the certificate of another, and says which it is', async () => {
    const pem = rsa().privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    await assert.rejects(take(pem, { certificatePem: certificateOf(rsa()) }), {
      code: 'KEY_IMPORT_INVALID',
      message: /belongs to another key: its SHA-256 fingerprint is [0-9A-F:]{95}/,
    })
  })

  it('is refused without its passphrase, and with a wrong one', async () => {
    const pem = forms[3]![1]()
    await assert.rejects(take(pem), { code: 'KEY_IMPORT_INVALID', message: /passphrase/ })
    await assert.rejects(take(pem, { passphrase: 'wrong' }), { code: 'KEY_IMPORT_INVALID' })
  })

  it('is refused when it is too small, on another curve, or no key', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
    for (const { privateKey } of [small, ec('P-384'), generateKeyPairSync('ed25519')]) {
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
      await assert.rejects(take(pem), {
        code: 'KEY_IMPORT_INVALID',
        message: /must be RSA with 2048 to 8192 bits or EC on the curve P-256, got/,
      })
    }
    await assert.rejects(take('-----BEGIN nothing'), { code: 'KEY_IMPORT_INVALID' })
  })

  it('is refused a second time, even after it was discarded: no kid comes back', async () => {
    const pem = rsa().privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const { key } = await take(pem)
    await assert.rejects(take(pem), { code: 'KEY_STATE_WRONG' })
    await discardKey(app.context, key.kid, { by })
    await assert.rejects(take(pem, { use: 'oidc' }), { code: 'KEY_STATE_WRONG' })
  })

  it('signs at once when it is to replace ours, which goes on being published', async () => {
    const former = app.context.keys.active('saml').kid
    const pem = rsa().privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const { key } = await take(pem, { as: 'active' })
    assert.equal(app.context.keys.active('saml').kid, key.kid)
    assert.equal((await findKey(former)).state, 'retiring')
  })

  it('may have a size that we do not make ourselves', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2560 })
    const { key } = await take(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
    assert.equal(key.type, 'rsa-2560')
  })

  it('has a certificate of the length that was chosen', async () => {
    const wanted = { use: 'saml' as const, type: 'ec-p256' as const, certificateDays: 90, by }
    const { certificate } = await stageKey(app.context, wanted)
    const days = (certificate!.notAfter.getTime() - certificate!.notBefore.getTime()) / 86_400_000
    assert.equal(days, 90)
  })
})
