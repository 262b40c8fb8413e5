import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, before, beforeEach, describe, it } from 'node:test'
import { useClientSecretKey } from '../../src/federation/client-secrets.ts'
import { loadMetadataDirectory } from '../../src/federation/metadata-directory.ts'
import { registerServiceProvider, setServiceOverrides } from '../../src/federation/registration.ts'
import {
  clearServiceCache,
  findRelyingParty,
  findServiceProvider,
  serviceRecords,
} from '../../src/federation/service-store.ts'
import { useStore } from '../support/store.ts'

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/metadata/${name}`, import.meta.url), 'utf8')
const entityId = 'https://minimal.example.org/sp'
const now = new Date('2027-01-15T12:00:00Z')

useStore()
const key = randomBytes(32)
before(() => useClientSecretKey({ get: () => key }))

let folder = ''
const put = (name: string, text: string | Buffer) => writeFileSync(join(folder, name), text)
const load = () => loadMetadataDirectory(folder, now)
const find = () => findServiceProvider(entityId, now)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'propylaia-metadata-'))
  await serviceRecords().deleteMany({})
  clearServiceCache()
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the metadata folder', () => {
  it('registers and approves what lies in it, SAML and OpenID Connect', async () => {
    put('minimal.xml', fixture('minimal.xml'))
    put('README.md', 'not metadata')
    put(
      'app.json',
      JSON.stringify({
        client_id: 'app',
        client_secret: 'a-secret-of-enough-length',
        redirect_uris: ['https://app.example.org/callback'],
      }),
    )
    const report = await load()
    assert.deepEqual(report.problems, [])
    assert.deepEqual(report.registered, ['app', entityId])
    assert.equal((await find())?.state, 'approved')
    assert.equal((await find())?.origin, 'file:minimal.xml')
    assert.equal((await findRelyingParty('app'))?.state, 'approved')
    assert.ok(report.findings.some((line) => line.startsWith('minimal.xml: ')))
  })

  it('writes nothing at the second start', async () => {
    put('minimal.xml', fixture('minimal.xml'))
    await load()
    const before = await serviceRecords().find({}).toArray()
    await loadMetadataDirectory(folder, new Date(now.getTime() + 1000))
    assert.deepEqual(await serviceRecords().find({}).toArray(), before)
  })

  it('takes over a changed file', async () => {
    put('minimal.xml', fixture('minimal.xml'))
    await load()
    put('minimal.xml', fixture('minimal.xml').replace('/acs"', '/acs2"'))
    await load()
    const [endpoint] = (await find())!.assertionConsumerServices
    assert.equal(endpoint?.location, 'https://minimal.example.org/acs2')
  })

  it('takes a service out of use with its file, and back as it was', async () => {
    put('minimal.xml', fixture('minimal.xml'))
    await load()
    await setServiceOverrides(entityId, { block: ['mail'] })
    rmSync(join(folder, 'minimal.xml'))
    assert.deepEqual((await load()).withdrawn, [entityId])
    assert.equal((await find())?.state, 'pending')
    assert.deepEqual((await load()).withdrawn, [])
    put('minimal.xml', fixture('minimal.xml'))
    await load()
    assert.equal((await find())?.state, 'approved')
    assert.deepEqual((await find())?.overrides, { block: ['mail'] })
  })

  it('follows a renamed file', async () => {
    put('minimal.xml', fixture('minimal.xml'))
    await load()
    renameSync(join(folder, 'minimal.xml'), join(folder, 'other.xml'))
    const report = await load()
    assert.deepEqual([report.problems, report.withdrawn], [[], []])
    assert.equal((await find())?.origin, 'file:other.xml')
    assert.equal((await find())?.state, 'approved')
  })

  it('reports a broken file with name and line, and loads the others', async () => {
    put('a-broken.xml', fixture('invalid/javascript-acs.xml'))
    put('b-latin.xml', Buffer.from([0x3c, 0x61, 0xe1, 0x3e]))
    put('c-json.json', '{\n  "client_id": }')
    put('d-secretless.json', '{"client_id":"x","redirect_uris":["https://app.example.org/"]}')
    put('minimal.xml', fixture('minimal.xml'))
    const { problems, registered } = await load()
    assert.deepEqual(registered, [entityId])
    assert.match(problems[0]!, /a-broken\.xml: line 3, .*javascript:/)
    assert.match(problems[1]!, /b-latin\.xml: .*UTF-8/)
    assert.match(problems[2]!, /c-json\.json: line 2: not JSON: unexpected "}"/)
    assert.match(problems[3]!, /d-secretless\.json: client_secret is missing/)
  })

  it('goes on with what it had when a file breaks', async () => {
    put('minimal.xml', fixture('minimal.xml'))
    await load()
    put('minimal.xml', fixture('minimal.xml').slice(0, -40))
    assert.equal((await load()).problems.length, 1)
    assert.equal((await find())?.state, 'approved')
  })

  it('reports two files with one entityID, and one that was registered by hand', async () => {
    put('a.xml', fixture('minimal.xml'))
    put('b.xml', fixture('minimal.xml'))
    assert.match((await load()).problems.join(), /b\.xml: .*already registered from file:a\.xml/)
    await serviceRecords().deleteMany({})
    await registerServiceProvider(fixture('minimal.xml'), { origin: 'cli', approve: false, now })
    rmSync(join(folder, 'b.xml'))
    assert.match((await load()).problems.join(), /a\.xml: .*already registered from cli/)
    assert.equal((await find())?.state, 'pending')
  })

  it('is empty when it does not exist', async () => {
    const report = await loadMetadataDirectory(join(folder, 'nowhere'), now)
    assert.deepEqual(report, { registered: [], withdrawn: [], problems: [], findings: [] })
  })
})
