import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { importSignerKey } from '../../src/keys/key-import.ts'
import { revokeKey } from '../../src/keys/key-life.ts'
import { splitCommand, startKeySigner } from '../../src/keys/signer-process.ts'
import { Browser, TestService } from '../oidc/relying-party-support.ts'
import { elements, parse, xmlsecMissing, xmlsecVerify } from '../saml/saml-support.ts'
import {
  newPerson,
  pathOf,
  postedForm,
  registerService,
  serviceLibrary,
  signIn,
} from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

const program = fileURLToPath(new URL('../support/key-signer.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'propylaia-signer-test-'))
const command = `${process.execPath} --disable-warning=ExperimentalWarning ${program} ${folder}`
const by = 'niki'

function keyFile(label: string, type: 'rsa' | 'ec'): void {
  const { privateKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  writeFileSync(join(folder, `${label}.pem`), pem)
}
keyFile('saml', 'rsa')
keyFile('saml-ec', 'ec')
keyFile('oidc', 'rsa')
keyFile('other', 'rsa')

const misbehave = (how: 'mute' | 'die' | 'mixed-up') => writeFileSync(join(folder, how), '')
const behave = () => {
  for (const how of ['mute', 'die', 'mixed-up']) rmSync(join(folder, how), { force: true })
}
afterEach(behave)
after(() => rmSync(folder, { recursive: true }))

/** The program died in the test before, and is not started again at once. */
async function onceItRuns<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if ((error as { code?: string }).code !== 'KEY_SIGNER_UNAVAILABLE') throw error
      await setImmediate()
    }
  }
}

describe('the key signer, a process of its own', () => {
  const start = (options = {}) => {
    const trouble: string[] = []
    const signer = startKeySigner({
      command: splitCommand(command),
      restartAfterMs: 0,
      onTrouble: (message) => trouble.push(message),
      ...options,
    })
    return { signer, trouble }
  }
  const data = Buffer.from('what is to be signed')

  it('finds in its environment what it needs, and none of our secrets', async () => {
    const file = join(folder, 'environment.mjs')
    writeFileSync(
      file,
      `process.stdin.once('data', (line) => console.log(JSON.stringify({ id: JSON.parse(line).id, labels: Object.keys(process.env) })))`,
    )
    process.env.MASTER_KEY = 'secret'
    process.env.TOKEN_PLACE = 'here'
    const { signer } = start({ command: [process.execPath, file], environment: ['TOKEN_PLACE'] })
    try {
      const names = await signer.labels()
      assert.ok(names.includes('TOKEN_PLACE') && names.includes('PATH'))
      assert.ok(!names.includes('MASTER_KEY'))
    } finally {
      delete process.env.MASTER_KEY
      delete process.env.TOKEN_PLACE
      rmSync(file)
      await signer.close()
    }
  })

  it('lists its keys and signs with them, many at a time', async () => {
    const { signer } = start()
    assert.deepEqual([...(await signer.labels())].sort(), ['oidc', 'other', 'saml', 'saml-ec'])
    const signatures = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        signer.sign('saml-ec', 'ES256', Buffer.from([index])),
      ),
    )
    assert.ok(signatures.every(({ length }) => length === 64))
    await signer.close()
    await assert.rejects(signer.labels(), { code: 'KEY_SIGNER_UNAVAILABLE' })
  })

  it('is started again after it died; what it was asked then fails', async () => {
    const { signer, trouble } = start()
    await signer.sign('saml', 'RS256', data)
    misbehave('die')
    await assert.rejects(signer.sign('saml', 'RS256', data), {
      code: 'KEY_SIGNER_UNAVAILABLE',
      status: 503,
      message: /it ended \(code 3\)/,
    })
    behave()
    await signer.sign('saml', 'RS256', data)
    assert.deepEqual(trouble, ['it ended (code 3)'])
    await signer.close()
  })

  it('is ended when it does not answer in time', async () => {
    const { signer } = start({ timeoutMs: 1500 })
    // A busy machine may not start it in time either.
    await onceItRuns(() => signer.sign('saml', 'RS256', data))
    misbehave('mute')
    await assert.rejects(signer.sign('saml', 'RS256', data), { message: /within 1500 ms/ })
    await signer.close()
  })

  it('is asked no more than so many questions at a time', async () => {
    misbehave('mute')
    const { signer } = start({ maxWaiting: 2, timeoutMs: 300 })
    const results = await Promise.allSettled([1, 2, 3].map(() => signer.labels()))
    const reasons = results.map((result) => (result as PromiseRejectedResult).reason.message)
    assert.match(reasons[2], /2 questions wait for it already/)
    await signer.close()
  })

  it('is not believed when its signature is by another key', async () => {
    misbehave('mixed-up')
    const { signer } = start()
    await assert.rejects(signer.sign('saml', 'RS256', data), { message: /does not verify/ })
    await signer.close()
  })

  it('is started again although a child of it lives on and holds its pipes', async () => {
    const script = join(folder, 'wrapper.sh')
    const pids = join(folder, 'children')
    writeFileSync(script, `sleep 20 &\necho $! >> ${pids}\nexec ${command}\n`)
    const { signer } = start({ command: ['sh', script], timeoutMs: 3000 })
    await signer.sign('saml', 'RS256', data)
    misbehave('die')
    await assert.rejects(signer.sign('saml', 'RS256', data), /it ended/)
    behave()
    await signer.sign('saml', 'RS256', data)
    await signer.close()
    for (const pid of readFileSync(pids, 'utf8').trim().split('\n')) process.kill(Number(pid))
  })

  it('tells that its program is not there', async () => {
    const { signer } = start({ command: ['/nowhere/signer'] })
    await assert.rejects(signer.labels(), { message: /cannot be started: .*ENOENT/ })
    await signer.close()
  })
})

describe('signing in with keys that the key signer keeps', () => {
  const service = { entityId: 'https://sp.example.gr', acsUrl: 'https://sp.example.gr/acs' }
  let app: TestApp
  before(async () => {
    app = await startTestApp({ KEY_SIGNER_COMMAND: command })
    await registerService(service)
  })
  after(() => app.close())

  async function samlSignIn() {
    const { client, account } = await newPerson(app)
    const library = serviceLibrary(app, service)
    const url = await library.getAuthorizeUrlAsync('', undefined, {})
    const answer = await signIn(client, await client.get(pathOf(url)), account.username)
    return { answer, library }
  }

  for (const label of ['saml', 'saml-ec']) {
    it(`works at SAML services: "${label}"`, { skip: xmlsecMissing }, async () => {
      const { key } = await importSignerKey(app.context, { use: 'saml', label, as: 'active', by })
      assert.equal(key.keptBy, 'signer')
      assert.equal(app.context.keys.active('saml').privateKey, undefined)
      const { answer, library } = await samlSignIn()
      const { xml, SAMLResponse } = postedForm(answer)
      const id = elements(parse(xml), 'Response')[0]!.getAttribute('ID')!
      xmlsecVerify(xml, key.certificate!.base64, 'Response', id)
      // node-saml's xml-crypto knows RSA only.
      if (label === 'saml')
        assert.ok((await library.validatePostResponseAsync({ SAMLResponse })).profile)
    })
  }

  it('works at OpenID Connect services, beside keys that are here', async () => {
    const ours = app.context.keys.active('oidc').kid
    const wanted = { use: 'oidc' as const, label: 'oidc', by }
    const { key } = await importSignerKey(app.context, { ...wanted, as: 'active' })
    const { account } = await addPerson()
    const service = await TestService.create(app.baseUrl)
    const tokens = await service.signIn(new Browser(app.baseUrl), account.username)
    const [header = ''] = tokens.id_token!.split('.')
    const { kid, alg } = JSON.parse(Buffer.from(header, 'base64url').toString())
    assert.deepEqual({ kid, alg }, { kid: key.kid, alg: 'RS256' })
    const jwks = (await (await fetch(`${app.baseUrl}/oidc/jwks`)).json()) as {
      keys: { kid: string }[]
    }
    assert.deepEqual(
      jwks.keys.map((jwk) => jwk.kid),
      [key.kid, ours],
    )
  })

  it('shows what is wrong while it is away, and says that this machine is not ready', async () => {
    const client = new HttpClient(app.baseUrl)
    assert.equal((await client.get('/health/ready')).status, 200)
    const { account } = await addPerson()
    const relyingParty = await TestService.create(app.baseUrl)
    const browser = new Browser(app.baseUrl)
    const loginPage = await browser.open(await relyingParty.authorizationUrl())
    const withCode = await browser.signIn(loginPage, account.username, testPassword)
    misbehave('die')
    const refused = await relyingParty.redeem(withCode).catch((error) => error)
    const answer503 = refused.cause as globalThis.Response
    assert.equal(answer503.status, 503)
    assert.equal(((await answer503.json()) as { error: string }).error, 'server_error')
    const { answer } = await samlSignIn()
    assert.equal(answer.status, 503)
    assert.match(answer.body, /KEY_SIGNER_UNAVAILABLE/)
    // The answer of a moment ago holds for five seconds; a change of keys ends that.
    const active = app.context.keys.active('oidc').kid
    await revokeKey(app.context, active, { by, reason: 'the token is lost' })
    assert.equal((await client.get('/health/ready')).status, 503)
    behave()
    client.close()
  })

  it('signs nothing once the label has another key than the published one', async () => {
    keyFile('replaced', 'rsa')
    const wanted = { use: 'saml' as const, label: 'replaced', as: 'active' as const, by }
    const { key } = await onceItRuns(() => importSignerKey(app.context, wanted))
    const data = Buffer.from('a response')
    await app.context.keys.active('saml').sign(data)
    keyFile('replaced', 'rsa')
    // The first is found by the process itself; then it reads the label's new key and believes it.
    for (let tries = 1; tries <= 3; tries += 1) {
      await assert.rejects(app.context.keys.active('saml').sign(data), {
        code: 'KEY_SIGNER_UNAVAILABLE',
      })
    }
    await revokeKey(app.context, key.kid, { by, reason: 'replaced' })
  })

  it('never takes a key for what it cannot do there', async () => {
    const wanted = { use: 'saml-encryption' as const, label: 'other', as: 'staged' as const, by }
    await assert.rejects(importSignerKey(app.context, wanted), { code: 'KEY_IMPORT_INVALID' })
  })
})
