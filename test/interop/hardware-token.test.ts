import assert from 'node:assert/strict'
import { createPublicKey, verify, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { splitCommand, startKeySigner } from '../../src/keys/signer-process.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import { makeSoftwareToken, type SoftwareToken } from './support/software-token.ts'
import { verifySignature } from './support/xml-tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'propylaia-token-'))
let token: SoftwareToken
before(() => {
  token = makeSoftwareToken(folder)
  token.generate('saml-rsa', 'rsa:2048', '01')
  token.generate('saml-ec', 'EC:prime256v1', '02')
  token.generate('oidc-rsa', 'rsa:2048', '03')
  Object.assign(process.env, token.environment)
})
after(() => rmSync(folder, { recursive: true, force: true }))

describe('keys in a PKCS#11 token (SoftHSM, by pkcs11-tool)', () => {
  it('are listed, and sign RSA and EC so that OpenSSL verifies it', async () => {
    const start = () =>
      startKeySigner({
        command: splitCommand(token.signerCommand),
        environment: Object.keys(token.environment),
        timeoutMs: 30_000,
      })
    const signer = start()
    try {
      assert.deepEqual([...(await signer.labels())].sort(), ['oidc-rsa', 'saml-ec', 'saml-rsa'])
      const data = Buffer.from('κείμενο')
      const rsa = await signer.sign('saml-rsa', 'RS256', data)
      assert.ok(verify('sha256', data, await signer.publicKey('saml-rsa'), rsa))
      const ec = await signer.sign('saml-ec', 'ES256', data)
      const key = await signer.publicKey('saml-ec')
      assert.ok(verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, ec))
      // As two workers on the evening of a registration.
      const other = start()
      try {
        const many = await Promise.all(
          Array.from({ length: 40 }, (_, index) =>
            [signer, other][index % 2]!.sign('saml-rsa', 'RS256', Buffer.from([index])),
          ),
        )
        assert.equal(new Set(many.map((one) => one.toString('hex'))).size, 40)
      } finally {
        await other.close()
      }
      await assert.rejects(signer.sign('none', 'RS256', data), { code: 'KEY_SIGNER_UNAVAILABLE' })
    } finally {
      await signer.close()
    }
  })
})

describe('an identity provider whose keys are in the token', () => {
  let provider: RunningIdentityProvider
  before(async () => {
    provider = await startIdentityProvider({
      KEY_SIGNER_COMMAND: token.signerCommand,
      KEY_SIGNER_ENV: Object.keys(token.environment).join(','),
      ...token.environment,
    })
  })
  after(() => provider.stop())

  const imported = async (label: string, use: string) =>
    JSON.parse(
      await provider.cli('keys', 'import', '--signer', label, '--use', use, '--activate', '--json'),
    )

  it('signs metadata and is ready, with a certificate that the token signed', async () => {
    const former = JSON.parse(await provider.cli('keys', 'list', '--json')).find(
      (key: { use: string }) => key.use === 'saml',
    )
    const key = await imported('saml-rsa', 'saml')
    assert.equal(key.keptBy, 'signer')
    const pem = await provider.cli('keys', 'export-public', key.kid)
    const certificate = new X509Certificate(pem)
    assert.ok(certificate.verify(certificate.publicKey))
    // The metadata is signed by the former key as long as that is published.
    await provider.cli('keys', 'retire', former.kid, '--force')
    const xml = await changed(
      `${provider.baseUrl}/saml/metadata`,
      (text) => text.split('<md:KeyDescriptor use="signing">').length === 2,
    )
    const { ok, text } = await verifySignature(xml, 'EntityDescriptor', pem)
    assert.ok(ok, text)
    assert.equal((await fetch(`${provider.baseUrl}/health/ready`)).status, 200)
  })

  it('goes on with an EC key in the token', async () => {
    const former = JSON.parse(await provider.cli('keys', 'list', '--json')).find(
      (key: { use: string; state: string }) => key.use === 'saml' && key.state === 'active',
    )
    const key = await imported('saml-ec', 'saml')
    const pem = await provider.cli('keys', 'export-public', key.kid)
    await provider.cli('keys', 'retire', former.kid, '--force')
    const xml = await changed(`${provider.baseUrl}/saml/metadata`, (text) =>
      /SignatureMethod Algorithm="[^"]*#ecdsa-sha256"/.test(text),
    )
    const { ok, text } = await verifySignature(xml, 'EntityDescriptor', pem)
    assert.ok(ok, text)
  })

  it('publishes the token’s key in the JWKS, first', async () => {
    const key = await imported('oidc-rsa', 'oidc')
    const jwks = JSON.parse(
      await changed(`${provider.baseUrl}/oidc/jwks`, (text) => text.includes(key.kid)),
    ) as { keys: { kid: string; n: string }[] }
    assert.equal(jwks.keys[0]!.kid, key.kid)
    const jwk = JSON.parse(await provider.cli('keys', 'export-public', key.kid, '--json'))
    assert.equal(jwks.keys[0]!.n, jwk.n)
    assert.equal(createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyType, 'rsa')
  })
})

/** What is at the address once it is as wanted: servers follow within seconds. */
async function changed(url: string, isWanted: (text: string) => boolean): Promise<string> {
  const until = Date.now() + 20_000
  for (;;) {
    const text = await (await fetch(url)).text()
    if (isWanted(text)) return text
    assert.ok(Date.now() < until, `${url} has not changed: ${text.slice(0, 2000)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
