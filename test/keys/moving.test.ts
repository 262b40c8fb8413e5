import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { keysCommand } from '../../src/cli/keys.ts'
import { listKeys } from '../../src/keys/key-records.ts'
import { takeOutput } from '../cli/support.ts'
import { opensslMissing } from '../saml/saml-support.ts'
import {
  newPerson,
  pathOf,
  postedForm,
  registerService,
  serviceLibrary,
  signIn,
} from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const folder = mkdtempSync(join(tmpdir(), 'propylaia-moving-'))
after(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })

interface OldProvider {
  readonly name: string
  readonly entityId: string
  /** Makes key and certificate as the software's own installer does. */
  readonly make: () => void
  readonly certificate: string
  readonly importArguments: readonly string[]
}

const providers: readonly OldProvider[] = [
  {
    name: 'Shibboleth',
    entityId: 'https://idp.uni.example.gr/idp/shibboleth',
    make: () =>
      openssl(
        ...['req', '-x509', '-newkey', 'rsa:3072', '-sha256', '-days', '7300', '-nodes'],
        ...['-subj', '/CN=idp.uni.example.gr', '-addext', 'subjectAltName=DNS:idp.uni.example.gr'],
        ...['-keyout', at('idp-signing.key'), '-out', at('idp-signing.crt')],
      ),
    certificate: 'idp-signing.crt',
    importArguments: [at('idp-signing.key'), '--cert', at('idp-signing.crt')],
  },
  {
    name: 'SimpleSAMLphp, with a passphrase on the key',
    entityId: 'https://sso.uni.example.gr/simplesaml/saml2/idp/metadata.php',
    make: () => {
      writeFileSync(at('passphrase'), 'συνθηματική φράση\n', { mode: 0o600 })
      openssl(
        ...['req', '-newkey', 'rsa:2048', '-new', '-x509', '-days', '3652'],
        ...['-subj', '/CN=sso.uni.example.gr', '-passout', `file:${at('passphrase')}`],
        ...['-out', at('server.crt'), '-keyout', at('server.pem')],
      )
    },
    certificate: 'server.crt',
    importArguments: [
      ...[at('server.pem'), '--cert', at('server.crt')],
      ...['--passphrase-file', at('passphrase')],
    ],
  },
]

for (const provider of providers) {
  describe(`moving here from ${provider.name}`, { skip: opensslMissing }, () => {
    const service = { entityId: 'https://sp.example.gr', acsUrl: 'https://sp.example.gr/acs' }
    let app: TestApp
    before(async () => {
      provider.make()
      app = await startTestApp({ SAML_ENTITY_ID: provider.entityId })
      await registerService(service)
    })
    after(() => app.close())

    /** A service that was set up years ago and that nobody touches: entityID and certificate are fixed. */
    function pinnedService() {
      return serviceLibrary(app, service, {
        idpIssuer: provider.entityId,
        idpCert: readFileSync(at(provider.certificate), 'utf8'),
      })
    }

    async function validate() {
      const { client, account } = await newPerson(app)
      const library = pinnedService()
      const url = await library.getAuthorizeUrlAsync('', undefined, {})
      const answer = await signIn(client, await client.get(pathOf(url)), account.username)
      const { SAMLResponse } = postedForm(answer)
      return (await library.validatePostResponseAsync({ SAMLResponse })).profile
    }

    it('is refused by a service before the key came along', async () => {
      await assert.rejects(validate(), /[Ii]nvalid.*signature/)
    })

    it('needs no change at any service once key and certificate are imported', async () => {
      const args = ['import', ...provider.importArguments, '--use', 'saml', '--activate', '--json']
      const { code, out, err } = await takeOutput(() => keysCommand(app.context, args))
      assert.equal(code, 0, err)
      const imported = JSON.parse(out)
      assert.equal(imported.state, 'active')
      const profile = await validate()
      assert.equal(profile!.issuer, provider.entityId)
      const metadata = await (await fetch(`${app.baseUrl}/saml/metadata`)).text()
      assert.match(metadata, new RegExp(`entityID="${provider.entityId}"`))
      assert.ok(
        readFileSync(at(provider.certificate), 'utf8')
          .replace(/-----[^-]+-----|\s/g, '')
          .startsWith(
            /<ds:X509Certificate>([^<]+)/.exec(
              metadata.slice(metadata.indexOf('<md:KeyDescriptor')),
            )![1]!,
          ),
      )
      const states = (await listKeys())
        .filter(({ use }) => use === 'saml')
        .map(({ state }) => state)
      assert.deepEqual(states, ['active', 'retiring'])
    })
  })
}

describe('keys import', { skip: opensslMissing }, () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
    for (const { make } of providers) make()
  })
  after(() => app.close())
  const run = (...args: string[]) => takeOutput(() => keysCommand(app.context, ['import', ...args]))

  it('says what is wrong with its arguments, and takes no passphrase among them', async () => {
    assert.match((await run('--use', 'saml')).err, /expected a FILE or --signer LABEL/)
    assert.match((await run('x.pem')).err, /--use is missing: one of saml, oidc, saml-encryption/)
    assert.match((await run('x.pem', '--use', 'saml', '--passphrase', 'x')).err, /passphrase/)
    await assert.rejects(run(at('none.pem'), '--use', 'saml'), { code: 'KEY_IMPORT_INVALID' })
    await assert.rejects(run(at('server.pem'), '--use', 'saml'), { message: /give its passphrase/ })
    await assert.rejects(run(at('idp-signing.key'), '--cert', at('server.crt'), '--use', 'saml'), {
      message: /belongs to another key/,
    })
    await assert.rejects(run('--signer', 'x', '--use', 'saml'), {
      code: 'KEY_SIGNER_UNAVAILABLE',
      message: /KEY_SIGNER_COMMAND is not set/,
    })
  })

  it('lists, exports, retires and discards what it took', async () => {
    const keys = (...args: string[]) => takeOutput(() => keysCommand(app.context, args))
    const { out } = await run(
      at('idp-signing.key'),
      '--cert',
      at('idp-signing.crt'),
      '--use',
      'saml',
      '--json',
    )
    const { kid } = JSON.parse(out)
    const listed = JSON.parse((await keys('list', '--json')).out) as Record<string, unknown>[]
    const mine = listed.find((key) => key.kid === kid)!
    const fingerprint = (hash: string) =>
      openssl('x509', '-in', at('idp-signing.crt'), '-noout', '-fingerprint', `-${hash}`)
        .toString()
        .split('=')[1]!
        .trim()
    assert.equal(mine.certificateSha1, fingerprint('sha1').replaceAll(':', '').toLowerCase())
    assert.equal(mine.certificateSha256, fingerprint('sha256').replaceAll(':', '').toLowerCase())
    assert.equal(mine.publishedIn, 'metadata')
    assert.match((await keys('list')).out, new RegExp(`SHA-256 +${fingerprint('sha256')}`))
    assert.equal(
      (await keys('export-public', kid)).out,
      readFileSync(at('idp-signing.crt'), 'utf8'),
    )
    const oidc = app.context.keys.active('oidc')
    const jwk = JSON.parse((await keys('export-public', oidc.kid)).out)
    assert.deepEqual([jwk.kid, jwk.alg, jwk.d], [oidc.kid, 'RS256', undefined])
    assert.equal((await keys('discard', kid)).code, 0)
    await assert.rejects(keys('retire', kid), { code: 'KEY_STATE_WRONG' })
    assert.equal((await keys('frobnicate')).code, 2)
    assert.equal((await keys('stage', '--use', 'saml', '--type', 'dsa')).code, 2)
    assert.equal((await keys('stage', '--use', 'oidc', '--type', 'ec-p256')).code, 0)
  })
})
