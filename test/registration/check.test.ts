import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import { clearServiceCache, serviceRecords } from '../../src/federation/service-store.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { fetchFinding } from '../../src/registration/metadata-source.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import {
  fixture,
  goodClient,
  goodMetadata,
  RegistrationWalk,
  registerPath,
} from './registration-walk.ts'

describe('Checking what a service hands in', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ FETCH_LOOPBACK: 'true' })
  })
  after(() => app.close())
  beforeEach(async () => {
    await ThrottleModel.deleteMany({})
    await serviceRecords().deleteMany({})
    clearServiceCache()
  })
  const walk = () => new RegistrationWalk(app.baseUrl)
  const codes = (json: { findings: { code: string }[] }) => json.findings.map(({ code }) => code)

  it('finds nothing wrong with good metadata, and stores nothing', async () => {
    const answer = await walk().submit({ metadata: goodMetadata('sp.example.org') })
    assert.equal(answer.status, 200)
    assert.match(answer.body, /Δεν βρήκαμε κάτι που να χρειάζεται διόρθωση/)
    assert.match(answer.body, /<bdi>Υπηρεσία δοκιμής<\/bdi>/)
    assert.equal(await serviceRecords().countDocuments(), 0)
  })

  it('says in both languages what is wrong, in which line, and how to mend it', async () => {
    const metadata = goodMetadata('sp.example.org', { acs: 'http://sp.example.org/acs' })
    const greek = await walk().submit({ metadata })
    assert.equal(greek.status, 422)
    assert.match(greek.body, /Γραμμή 9/)
    assert.match(greek.body, /δεν είναι κρυπτογραφημένη/)
    assert.match(greek.body, /<bdi class="code">http:\/\/sp\.example\.org\/acs<\/bdi>/)
    const english = walk()
    await english.client.get(`${registerPath}?lang=en`)
    const { body } = await english.submit({ metadata })
    assert.match(body, /is not encrypted/)
    assert.match(body, /Serve it over https/)
  })

  it('has a text for everything that makes metadata unusable', async () => {
    const software = walk()
    for (const name of readdirSync(new URL('../fixtures/metadata/invalid/', import.meta.url))) {
      await ThrottleModel.deleteMany({})
      const metadata = fixture(`invalid/${name}`)
      const { status, json } = await software.json({ metadata }, registerPath, {
        'accept-language': 'el',
      })
      assert.equal(status, 422, name)
      const [first] = json.findings
      assert.equal(first.severity, 'stop', name)
      assert.match(first.what, /[α-ω]{3}/, `${name}: ${first.code} has no Greek text`)
      assert.match(first.mend, /[α-ω]{3}/, name)
    }
  })

  it('shows hostile texts as text', async () => {
    const answer = await walk().submit({ metadata: fixture('hostile-display.xml') })
    assert.notEqual(answer.status, 500)
    const page = answer.body
      .replace(/<textarea.*?<\/textarea>/s, '')
      .replace(/<head>.*?<\/head>/s, '')
    assert.doesNotMatch(
      page,
      /<script|onerror=|javascript:[^&]*\(.*<a|[\u202A-\u202E\u2066-\u2069]/i,
    )
    assert.match(answer.body, /<textarea[^>]*>\n(?:[^<])*<\/textarea>/, 'the text is escaped whole')
  })

  it('keeps the text as it was, its first line too', async () => {
    const metadata = `\n${goodMetadata('sp.example.org')}`
    const { body } = await walk().submit({ metadata })
    const kept = unescapeHtml(
      /<textarea id="metadata"[^>]*>\n(.*?)<\/textarea>/s.exec(body)?.[1] ?? '',
    )
    assert.equal(kept, metadata)
  })

  it('reads an uploaded file', async () => {
    const answer = await walk().submit({}, { file: goodMetadata('file.example.org') })
    assert.equal(answer.status, 200)
    assert.match(answer.body, /https:\/\/file\.example\.org\/sp/)
    const latin = await walk().submit({}, { file: Buffer.from([0x3c, 0xe1, 0xe2]) })
    assert.match(latin.body, /Το αρχείο δεν είναι γραμμένο σε UTF-8/)
  })

  it('fetches from an address, and tells no more of a failure than its kind', async () => {
    let served = goodMetadata('url.example.org')
    const server = createServer((_req, res) => res.end(served))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`
    try {
      const answer = await walk().submit({ url })
      assert.equal(answer.status, 200)
      assert.match(answer.body, /https:\/\/url\.example\.org\/sp/)
      served = 'x'.repeat(1_100_000)
      assert.match((await walk().submit({ url })).body, /μεγαλύτερο από 1 MB/)
    } finally {
      server.closeAllConnections()
      server.close()
    }
    const refused = await walk().submit({ url: 'https://10.0.0.1/metadata' })
    assert.equal(refused.status, 422)
    assert.match(refused.body, /δεν οδηγεί σε διακομιστή του δημόσιου διαδικτύου/)
    assert.match(refused.body, /id="url-error"/)
    assert.match(refused.body, /value="https:\/\/10\.0\.0\.1\/metadata"/)
  })

  it('asks for something when nothing was given, by its field', async () => {
    const answer = await walk().submit({ metadata: ' ', url: '' })
    assert.equal(answer.status, 422)
    assert.match(answer.body, /href="#metadata"/)
    assert.match(answer.body, /id="metadata-error"/)
  })

  it('bounds what it reads', async () => {
    const large = await walk().submit({ metadata: 'x'.repeat(1_100_000) })
    assert.match(large.body, /μεγαλύτερα από 1 MB/)
    const huge = await walk().submit({}, { file: Buffer.alloc(2_400_000, 'x') })
    assert.equal(huge.status, 413)
    const { status } = await walk().client.send('POST', registerPath, 'no form at all', {
      'content-type': 'multipart/form-data; boundary=x',
    })
    assert.equal(status, 400)
  })

  it('answers a megabyte of mistakes with what weighs most', async () => {
    const many = (count: number, text: string) => text.repeat(count)
    const logos = many(20_000, '<mdui:Logo>javascript:1</mdui:Logo>')
    const metadata = goodMetadata('sp.example.org', { acs: 'http://sp.example.org/acs' }).replace(
      '</mdui:UIInfo>',
      `${logos}</mdui:UIInfo>`,
    )
    const { status, json, body } = await walk().json({ metadata })
    assert.equal(status, 422)
    assert.equal(json.findings.length, 100)
    assert.equal(json.findings[0].code, 'ENDPOINT_HTTP')
    assert.ok(body.length < 100_000)
  })

  it('refuses JSON nested without end, wherever it stands', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const software = walk()
    for (const body of [`{"metadata":${deep}}`, `{"redirect_uris":[],"contacts":${deep}}`]) {
      const { status, json } = await software.json(body)
      assert.deepEqual([status, json.error], [400, 'BAD_REQUEST'])
    }
    const { status, json } = await software.json({ metadata: `{"contacts":${deep}}` })
    assert.deepEqual([status, codes(json)], [400, ['JSON_UNREADABLE']])
  })

  it('writes to no mailbox whose address hides characters', async () => {
    const contacts = ['admin@\u202Egro.elpmaxe.ppa', 'ad\u200Bmin@app.example.org']
    const { json } = await walk().json(goodClient('app.example.org', { contacts }))
    assert.ok(codes(json).includes('CONTACT_MISSING'))
  })

  it('writes to mailboxes of domain names only, and to one address at a time', async () => {
    for (const contact of [
      'root@localhost',
      'root@127.0.0.1',
      'root@example.org.',
      'admin@example.org,victim@example.net',
      'admin@example.org\r\nBcc: victim@example.net',
      'Admin <admin@example.org>',
    ]) {
      const { json } = await walk().json(goodClient('app.example.org', { contacts: [contact] }))
      assert.ok(codes(json).includes('CONTACT_MISSING'), contact)
    }
    const { json } = await walk().json(goodClient('app.example.org', { contacts: ['a@σχολή.gr'] }))
    assert.ok(!codes(json).includes('CONTACT_MISSING'))
  })

  it('tells nobody which names there are inside our network', () => {
    assert.equal(fetchFinding('unknown-host'), fetchFinding('not-public'))
  })

  it('refuses a form that ends inside its file, and goes on serving', async (t) => {
    const uncaught: unknown[] = []
    const note = (error: unknown) => uncaught.push(error)
    process.prependListener('uncaughtException', note)
    t.after(() => process.off('uncaughtException', note))
    const software = walk()
    const head = 'Content-Disposition: form-data; name="file"; filename="metadata.xml"'
    const answer = await software.client.send(
      'POST',
      registerPath,
      `--b\r\n${head}\r\nContent-Type: text/xml\r\n\r\n<EntityDescr`,
      { 'content-type': 'multipart/form-data; boundary=b' },
    )
    assert.equal(answer.status, 400)
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.deepEqual(uncaught, [])
    assert.equal((await software.client.get(registerPath)).status, 200)
  })

  it('takes forms from its own page only', async () => {
    const metadata = goodMetadata('sp.example.org')
    const other = await walk().submit({ metadata }, { csrf: 'other' })
    assert.equal(other.status, 403)
    const plain = await walk().client.post(registerPath, { metadata })
    assert.equal(plain.status, 400)
  })

  it('answers software in JSON, refusals too', async () => {
    const software = walk()
    const good = await software.json({ metadata: goodMetadata('sp.example.org') })
    assert.equal(good.status, 200)
    assert.deepEqual(good.json, {
      isGood: true,
      protocol: 'saml',
      id: 'https://sp.example.org/sp',
      name: 'Synthetic service',
      isUpdate: false,
      contact: 'a•••••@s•••••.org',
      findings: [],
      requested: [{ name: 'mail', label: 'E-mail address', needsReason: true }],
    })
    const nothing = await software.json({})
    assert.deepEqual([nothing.status, codes(nothing.json)], [422, ['NOTHING_GIVEN']])
    assert.equal((await software.json('[1]')).json.error, 'BAD_REQUEST')
    assert.equal((await software.json('{')).json.error, 'BAD_REQUEST')
  })

  it('reads client metadata as RFC 7591 posts it', async () => {
    const software = walk()
    const { status, json } = await software.json(goodClient('app.example.org'))
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal(json.protocol, 'oidc')
    assert.equal(json.id, undefined)
    const bad = await software.json(
      goodClient('app.example.org', {
        client_id: 'library',
        client_secret: 'chosen-by-a-stranger',
        contacts: ['nobody'],
        jwks_uri: 'https://10.0.0.1/jwks',
        software_version: '1',
      }),
    )
    assert.equal(bad.status, 400)
    assert.deepEqual(codes(bad.json).sort(), [
      'ADDRESS_NOT_PUBLIC',
      'CLIENT_FIELD_IGNORED',
      'CLIENT_ID_GIVEN',
      'CLIENT_SECRET_GIVEN',
      'CONTACT_MISSING',
    ])
    assert.doesNotMatch(JSON.stringify(bad.json), /chosen-by-a-stranger/)
    const wrong = await software.json({
      redirect_uris: ['http://app.example.org/'],
      scope: 'email',
    })
    assert.deepEqual(codes(wrong.json), ['CLIENT_FIELD_INVALID', 'CLIENT_FIELD_INVALID'])
    const broken = await software.json({ metadata: '{\n"a": }' })
    assert.deepEqual([codes(broken.json), broken.json.findings[0].line], [['JSON_UNREADABLE'], 2])
  })

  it('lets nobody take over a service that others registered, nor ourselves', async () => {
    const software = walk()
    const check = async (metadata: string) => codes((await software.json({ metadata })).json)
    for (const origin of ['cli', 'file:sp.xml', 'federation:edugain']) {
      const metadata = goodMetadata('taken.example.org')
      await registerServiceProvider(metadata, { origin, approve: true })
      assert.deepEqual(await check(metadata), ['ENTITY_ID_TAKEN'], origin)
      await serviceRecords().deleteMany({})
    }
    const ours = goodMetadata('sp.example.org').replace(
      /entityID="[^"]*"/,
      `entityID="${app.baseUrl}/saml/metadata"`,
    )
    assert.deepEqual(await check(ours), ['ENTITY_ID_TAKEN'])
  })

  it('names what nobody can give and what only an administrator gives', async () => {
    const metadata = goodMetadata('sp.example.org').replace(
      '<RequestedAttribute',
      '<RequestedAttribute Name="urn:oid:9.9.9"/><RequestedAttribute Name="urn:oid:1.3.6.1.4.1.25178.1.2.15"/><RequestedAttribute',
    )
    const { json } = await walk().json({ metadata })
    assert.deepEqual(
      json.findings.map(({ code, subject }: Record<string, string>) => [code, subject]),
      [
        ['ATTRIBUTE_UNKNOWN', 'urn:oid:9.9.9'],
        ['ATTRIBUTE_SENSITIVE', 'schacPersonalUniqueID'],
      ],
    )
  })

  it('has a limit for each network', async () => {
    const software = walk()
    let status = 0
    for (let tries = 0; tries < 61; tries++) status = (await software.json({})).status
    assert.equal(status, 429)
    const { json } = await software.json({})
    assert.equal(json.error, 'REGISTRATION_THROTTLED')
    assert.match(json.message, /^There is a limit/)
  })
})

describe('Registration by services, where it is closed', () => {
  it('has no page', async () => {
    const app = await startTestApp({ SERVICE_REGISTRATION: 'closed' })
    try {
      const answer = await new RegistrationWalk(app.baseUrl).client.get(registerPath)
      assert.equal(answer.status, 404)
    } finally {
      await app.close()
    }
  })
})
