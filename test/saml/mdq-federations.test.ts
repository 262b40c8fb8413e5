import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { decideOn } from '../../src/federation/aggregates/decisions.ts'
import { addFederation, removeFederation } from '../../src/federation/aggregates/federations.ts'
import { refreshFederation } from '../../src/federation/aggregates/refresh.ts'
import { registerServiceProvider, removeService } from '../../src/federation/registration.ts'
import { SigningBudget } from '../../src/saml/mdq/signing-budget.ts'
import { entity, federationKeys, group, pemOf, sign } from '../support/aggregate.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { federationFacts } from '../support/federation-facts.ts'
import { serviceMetadata } from '../support/service-metadata.ts'
import { ask, entityPath, sha1Path, type } from './mdq-support.ts'
import { elements, parse, xmlsecMissing, xmlsecVerify } from './saml-support.ts'

const dayMs = 86_400_000
const sp = (name: string) => `https://${name}.example.org/sp`

describe('MDQ for what federations’ aggregates gave us', () => {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-mdq-'))
  const { publicKey, privateKey } = federationKeys()
  const file = join(folder, 'aggregate.xml')
  let app: TestApp
  before(async () => {
    const demo = readFileSync(new URL('../../demo/institution.json', import.meta.url), 'utf8')
    const institution = join(folder, 'institution.json')
    const attributes = { europeanStudentIdentifier: { form: 'institution', code: 'academic-id' } }
    const facts = { ...JSON.parse(demo), ...federationFacts, attributes }
    writeFileSync(institution, JSON.stringify(facts))
    app = await startTestApp({ INSTITUTION_FILE: institution })
  })
  after(async () => {
    await app.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(async () => {
    await removeFederation('test').catch(() => undefined)
  })

  const until = (days: number) => new Date(Date.now() + days * dayMs).toISOString()

  async function take(
    entities: readonly string[],
    options: { days?: number; isUnpublished?: boolean; denyAuthorities?: string[] } = {},
  ): Promise<void> {
    const { days = 10, isUnpublished, denyAuthorities } = options
    writeFileSync(file, sign(group(entities, `validUntil="${until(days)}"`), privateKey))
    await addFederation(
      {
        name: 'test',
        source: { kind: 'file', file },
        keysPem: pemOf(publicKey),
        filters: { roles: ['sp', 'idp'], ...(denyAuthorities && { denyAuthorities }) },
        maxValidityDays: 28,
        ...(isUnpublished && { isUnpublished }),
      },
      app.context.now(),
    )
    await refreshFederation('test', app.context)
  }

  function verifies(xml: string): void {
    if (xmlsecMissing) return
    const { certificate } = app.context.keys.active('saml')
    const root = parse(xml).documentElement
    xmlsecVerify(xml, certificate!, 'EntityDescriptor', root.getAttribute('ID')!)
  }

  it('gives a service by entityID and by its SHA-1, signed by us, with who registered it', async () => {
    await take([entity('one', { authority: 'http://gr.example/' }), entity('two')])
    const { status, text } = await ask(app, entityPath(sp('one')))
    assert.equal(status, 200)
    assert.equal((await ask(app, sha1Path(sp('one')))).text, text)
    const root = parse(text).documentElement
    assert.equal(root.localName, 'EntityDescriptor')
    assert.equal(root.getAttribute('entityID'), sp('one'))
    const [info] = elements(parse(text), 'RegistrationInfo')
    assert.equal(info?.getAttribute('registrationAuthority'), 'http://gr.example/')
    assert.equal(elements(parse(text), 'Signature').length, 1)
    verifies(text)
  })

  it('is never valid longer than its source, nor than ours', async () => {
    await take([entity('one'), entity('brief', { attributes: ` validUntil="${until(1)}"` })])
    const validity = async (name: string) =>
      Date.parse(
        parse((await ask(app, entityPath(sp(name)))).text).documentElement.getAttribute(
          'validUntil',
        )!,
      ) - Date.now()
    const [one, brief] = [await validity('one'), await validity('brief')]
    assert.ok(one <= 10 * dayMs && one > 6 * dayMs, String(one))
    assert.ok(brief <= dayMs && brief > dayMs - 60_000, String(brief))
    app.advance(2 * dayMs)
    assert.equal((await ask(app, entityPath(sp('brief')))).status, 404)
    app.advance(9 * dayMs)
    assert.equal((await ask(app, entityPath(sp('one')))).status, 404)
    assert.equal((await ask(app, sha1Path(sp('one')))).status, 404)
    app.advance(-11 * dayMs)
  })

  it('keeps to the federation’s filters, gives no identity provider and nothing unusable', async () => {
    const broken = entity('broken').replace('https://broken.example.org/acs', 'javascript:x')
    await take(
      [
        entity('good', { authority: 'http://gr.example/' }),
        entity('denied', { authority: 'http://fr.example/' }),
        entity('idp', { role: 'idp' }),
        broken,
      ],
      { denyAuthorities: ['http://fr.example/'] },
    )
    for (const name of ['denied', 'idp', 'broken', 'unknown']) {
      assert.equal((await ask(app, entityPath(sp(name)))).status, 404, name)
      assert.equal((await ask(app, sha1Path(sp(name)))).status, 404, name)
    }
    assert.equal((await ask(app, entityPath(sp('good')))).status, 200)
    assert.equal((await ask(app, '/mdq/entities')).status, 404)
    assert.equal((await ask(app, entityPath(sp('good')), { accept: 'text/html' })).status, 406)
  })

  it('answers 304 to who has it, packs it, and has another tag after a refresh that changes it', async () => {
    await take([entity('one')])
    const first = await ask(app, entityPath(sp('one')))
    const etag = first.headers.etag!
    const again = await ask(app, entityPath(sp('one')), { accept: type, 'if-none-match': etag })
    assert.equal(again.status, 304)
    const packed = await ask(app, entityPath(sp('one')), {
      accept: type,
      'accept-encoding': 'gzip',
    })
    assert.equal(packed.headers['content-encoding'], 'gzip')
    assert.equal(gunzipSync(packed.body).toString(), first.text)
    const changed = entity('one').replaceAll('Service one', 'Service one, renamed')
    writeFileSync(file, sign(group([changed], `validUntil="${until(10)}"`), privateKey))
    await refreshFederation('test', app.context)
    const next = await ask(app, entityPath(sp('one')), { accept: type, 'if-none-match': etag })
    assert.equal(next.status, 200)
    assert.match(next.text, /renamed/)
    verifies(next.text)
  })

  it('gives what is registered here before what a federation says', async () => {
    await take([entity('local')])
    const xml = serviceMetadata('local.example.org')
    await registerServiceProvider(xml, { origin: 'cli', approve: false })
    assert.match((await ask(app, entityPath(sp('local')))).text, /Service local/)
    await registerServiceProvider(xml, { origin: 'cli', approve: true })
    assert.doesNotMatch((await ask(app, entityPath(sp('local')))).text, /Service local/)
    assert.equal((await ask(app, sha1Path(sp('local')))).status, 200)
    await removeService(sp('local'))
  })

  it('gives nothing of a federation that is not to be published, nor what is blocked', async () => {
    await take([entity('one')])
    await decideOn(sp('one'), { isBlocked: true }, app.context.now())
    assert.equal((await ask(app, entityPath(sp('one')))).status, 404)
    await decideOn(sp('one'), { isBlocked: false }, app.context.now())
    assert.equal((await ask(app, entityPath(sp('one')))).status, 200)
    await removeFederation('test')
    await take([entity('one')], { isUnpublished: true })
    assert.equal((await ask(app, entityPath(sp('one')))).status, 404)
    assert.equal((await ask(app, sha1Path(sp('one')))).status, 404)
  })
})

describe('The documents that strangers can make us sign', () => {
  it('are some hundred at once, and some a second after that', () => {
    const budget = new SigningBudget()
    const now = new Date('2027-01-15T12:00:00Z')
    let taken = 0
    while (budget.take(now)) taken += 1
    assert.equal(taken, 300)
    assert.equal(budget.take(new Date(now.getTime() + 1000)), true)
    taken = 1
    while (budget.take(new Date(now.getTime() + 1000))) taken += 1
    assert.equal(taken, 30)
  })
})
