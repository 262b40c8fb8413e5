import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { adminCommand } from '../../src/cli/admin.ts'
import { keysCommand } from '../../src/cli/keys.ts'
import { registerRelyingParty, registerServiceProvider } from '../../src/federation/registration.ts'
import { stageKey } from '../../src/keys/key-life.ts'
import { findKey, listKeys } from '../../src/keys/key-records.ts'
import { findAccount } from '../../src/people/people-store.ts'
import { takeOutput } from '../cli/support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson } from '../support/people.ts'
import { serviceMetadata } from '../support/service-metadata.ts'

const day = 86_400_000

describe('keys promote, rehearse and revoke', () => {
  let app: TestApp
  const id = 'https://192.0.2.10/sp'
  before(async () => {
    app = await startTestApp({ LOG_LEVEL: 'error', OIDC_KEY_ROTATION_DAYS: '0' })
    const contact =
      '<ContactPerson contactType="technical"><EmailAddress>mailto:library@service.example</EmailAddress></ContactPerson>'
    const metadata = serviceMetadata('192.0.2.10', { en: 'Library\u001b[31m' })
    const clean = metadata.replace('\u001b', '').replace('</EntityDescriptor>', `${contact}$&`)
    await registerServiceProvider(clean, { origin: 'cli', approve: true })
    await registerRelyingParty(
      {
        client_id: 'catalogue',
        client_secret: 'a-secret-that-is-long-enough-for-anybody-0123456789',
        redirect_uris: ['https://192.0.2.11/callback'],
        contacts: ['catalogue@service.example'],
      },
      { origin: 'cli', approve: true },
    )
  })
  after(() => app.close())
  beforeEach(() => app.context.audit.close())

  const keys = (...args: string[]) => takeOutput(() => keysCommand(app.context, args))
  async function only(use: string, state: string) {
    const found = (await listKeys()).filter((key) => key.use === use && key.state === state)
    assert.equal(found.length, 1, `${use} ${state}`)
    return found[0]!
  }

  it('say that no key is staged', async () => {
    const { code, err } = await keys('rehearse')
    assert.equal(code, 1)
    assert.match(err, /no key is staged/)
    assert.equal(
      (await keys('promote', 'x'.repeat(43)).catch((error) => error)).code,
      'KEY_UNKNOWN',
    )
    // Base64url may begin with what looks like an option.
    for (const kid of [`-${'b'.repeat(42)}`, `--${'b'.repeat(41)}`]) {
      const error = await keys('promote', kid, '--json').catch((thrown) => thrown)
      assert.equal(error.code, 'KEY_UNKNOWN', kid)
    }
    const active = await only('saml', 'active')
    const wrong = await keys('promote', active.kid).catch((error) => error)
    assert.equal(wrong.code, 'KEY_STATE_WRONG')
  })

  it('refuse a promotion before the date, naming its parts; nothing changes', async () => {
    const { kid } = await stageKey(app.context, { use: 'saml', by: 'test' })
    const { code, err } = await keys('promote', kid)
    assert.equal(code, 1)
    assert.match(err, /may sign from 20[\d-]+ [\d:]+ on/)
    assert.match(
      err,
      /14 days: how long a copy of our metadata is valid\n +6 hours: .*\n +24 hours: /,
    )
    const facts = JSON.parse((await keys('promote', kid, '--json')).out)
    assert.equal(facts.refused, 'KEY_PROMOTION_TOO_EARLY')
    assert.equal((await findKey(kid)).state, 'staged')
    await app.context.audit.close()
    assert.ok(await AuditModel.exists({ event: 'key.promotion_refused', 'details.kid': kid }))
  })

  it('rehearse in words and in JSON, and change nothing', async () => {
    const staged = await only('saml', 'staged')
    const { code, out } = await keys('rehearse')
    assert.equal(code, 0)
    assert.match(out, /may sign from/)
    assert.match(out, /unknown +Library/)
    assert.match(out, /never seen fetching our metadata/)
    assert.match(out, /library@service\.example/)
    assert.match(out, /would break: 0, wait: 0, unknown: 1, ready: 0/)
    const facts = JSON.parse((await keys('rehearse', staged.kid, '--json')).out)
    assert.equal(facts.isSafe, false)
    assert.deepEqual(
      facts.services.map((service: { id: string; state: string }) => [service.id, service.state]),
      [[id, 'unknown']],
    )
    assert.equal((await findKey(staged.kid)).state, 'staged')
  })

  it('need --yes with --force where nobody can be asked, then do it and write down who would break', async () => {
    const { kid } = await only('saml', 'staged')
    const asked = await keys('promote', kid, '--force')
    assert.equal(asked.code, 2)
    assert.match(asked.out, new RegExp(id))
    assert.equal((await findKey(kid)).state, 'staged')
    const forced = await keys('promote', kid, '--force', '--yes')
    assert.equal(forced.code, 0)
    assert.match(forced.out, /forced/)
    assert.equal((await findKey(kid)).state, 'active')
    await app.context.audit.close()
    const entry = await AuditModel.findOne({ event: 'key.promotion_forced' }).lean()
    assert.deepEqual(entry?.details.unknownServices, [id])
    assert.match(String(entry?.details.by), /command line/)
  })

  it('promote without force once the date has passed, and no certificate that has ended', async () => {
    const short = await stageKey(app.context, { use: 'saml', by: 'test', certificateDays: 30 })
    app.advance(31 * day)
    const ended = await keys('promote', short.kid, '--force', '--yes').catch((error) => error)
    assert.equal(ended.code, 'KEY_CERTIFICATE_NOT_VALID')
    assert.equal((await keys('discard', short.kid)).code, 0)
    const next = await stageKey(app.context, { use: 'saml', by: 'test' })
    app.advance(16 * day)
    const { code, out } = await keys('promote', next.kid, '--json')
    assert.equal(code, 0)
    assert.equal(JSON.parse(out).forced, false)
    assert.equal((await only('saml', 'active')).kid, next.kid)
  })

  it('sign metadata with the oldest published key, which readers have fixed, until it is retired', async () => {
    const signer = async () => {
      const xml = await (await fetch(`${app.baseUrl}/saml/metadata`)).text()
      return /<ds:Signature .*?<ds:X509Certificate>([^<]+)/s.exec(xml)?.[1]
    }
    const retiring = (await listKeys()).filter(
      ({ use, state }) => use === 'saml' && state === 'retiring',
    )
    assert.equal(retiring.length, 2)
    assert.equal(await signer(), retiring.at(-1)?.certificate?.base64)
    for (const { kid } of retiring) {
      app.advance(3_600_000)
      await keys('retire', kid)
    }
    assert.equal(await signer(), (await only('saml', 'active')).certificate?.base64)
  })

  it('end a compromised SAML key at once, with another one signing and a text to send', async () => {
    const stolen = await only('saml', 'active')
    assert.equal((await keys('revoke', stolen.kid)).code, 2)
    assert.equal((await keys('revoke', stolen.kid, '--reason', 'laptop stolen')).code, 2)
    assert.equal((await findKey(stolen.kid)).state, 'active')

    const { code, out } = await keys('revoke', stolen.kid, '--reason', 'laptop stolen', '--yes')
    assert.equal(code, 0)
    const successor = await only('saml', 'active')
    assert.notEqual(successor.kid, stolen.kid)
    assert.match(out, /library@service\.example/)
    for (const text of [
      stolen.certificate?.sha256,
      successor.certificate?.sha256,
      `${app.baseUrl}/saml/metadata`,
      'Πιστοποιητικό που αφαιρείται',
      'Certificate to remove',
    ]) {
      assert.ok(out.includes(text!), text)
    }
    assert.doesNotMatch(out, /laptop/)
    const xml = await (await fetch(`${app.baseUrl}/saml/metadata`)).text()
    assert.ok(!xml.includes(stolen.certificate!.base64))
    assert.ok(xml.includes(successor.certificate!.base64))
    assert.equal(app.context.keys.active('saml').kid, successor.kid)
    const record = await findKey(stolen.kid)
    assert.deepEqual([record.state, record.revokedReason], ['retired', 'laptop stolen'])
    assert.equal(record.keptBy, 'erased')
  })

  it('end a compromised OpenID Connect key at once, as JSON for other tools', async () => {
    const stolen = await only('oidc', 'active')
    const { out } = await keys('revoke', stolen.kid, '--reason', 'x', '--yes', '--json')
    const facts = JSON.parse(out)
    const successor = await only('oidc', 'active')
    assert.equal(facts.successor.kid, successor.kid)
    assert.deepEqual(facts.affected, [
      {
        id: 'catalogue',
        name: 'catalogue',
        contacts: [{ email: 'catalogue@service.example' }],
      },
    ])
    assert.ok(facts.text.en.text.includes(stolen.kid) && facts.text.el.text.includes(successor.kid))
    const jwks = await (await fetch(`${app.baseUrl}/oidc/jwks`)).text()
    assert.ok(!jwks.includes(stolen.kid) && jwks.includes(successor.kid))
  })
})

describe('admin grant, revoke and list', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  const admin = (...args: string[]) => takeOutput(() => adminCommand(app.context, args))

  it('give and take the right, and say who has it', async () => {
    const { account } = await addPerson()
    const { username } = account
    assert.match((await admin('list')).out, /nobody/)
    assert.equal((await admin('grant', username)).code, 0)
    assert.ok((await findAccount(account._id))?.adminRight?.since)
    assert.equal((await admin('grant', username)).code, 1)
    assert.match((await admin('list')).out, new RegExp(username))
    assert.equal(JSON.parse((await admin('list', '--json')).out)[0].standing, 'active')
    assert.equal((await admin('revoke', username)).code, 0)
    assert.equal((await findAccount(account._id))?.adminRight, undefined)
    assert.equal((await admin('revoke', username)).code, 1)
    await app.context.audit.close()
    assert.equal(await AuditModel.countDocuments({ username, event: /^admin\./ }), 2)
  })

  it('refuse what is no username or no action', async () => {
    assert.equal((await admin('grant', 'nobody-of-that-name')).code, 1)
    assert.equal((await admin('promote', 'x')).code, 2)
    assert.equal((await admin('grant')).code, 2)
  })
})
