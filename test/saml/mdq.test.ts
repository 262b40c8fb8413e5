import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { registerServiceProvider, removeService } from '../../src/federation/registration.ts'
import { readMdqRequest } from '../../src/saml/mdq/mdq-request.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { federationFacts } from '../support/federation-facts.ts'
import { ask, entityPath, sha1Path, type } from './mdq-support.ts'
import { elements, parse, xmlsecMissing, xmlsecVerify } from './saml-support.ts'

const serviceId = 'https://minimal.example.org/sp'
const minimal = readFileSync(new URL('../fixtures/metadata/minimal.xml', import.meta.url), 'utf8')

function verifies(app: TestApp, xml: string): void {
  if (xmlsecMissing) return
  const { certificate } = app.context.keys.active('saml')
  const root = parse(xml).documentElement
  xmlsecVerify(xml, certificate!, 'EntityDescriptor', root.getAttribute('ID')!)
}

describe('MDQ requests (draft-young-md-query 3.1)', () => {
  it('read the identifier as it was before it was percent-encoded', () => {
    assert.deepEqual(readMdqRequest('/http%3A%2F%2Fexample.org%2Fa%20b+c'), {
      kind: 'entity',
      entityId: 'http://example.org/a b+c',
    })
    assert.deepEqual(readMdqRequest(`/%7Bsha1%7D11d72e8cf351eb6c75c721e838f469677ab41bdb`), {
      kind: 'sha1',
      digest: '11d72e8cf351eb6c75c721e838f469677ab41bdb',
    })
    for (const path of ['', '/']) assert.deepEqual(readMdqRequest(path), { kind: 'all' })
  })

  it('are refused when they are malformed', () => {
    for (const path of [
      '/https://example.org/',
      '/%',
      '/%ff',
      `/${'a'.repeat(1025)}`,
      '/%7Bsha1%7D11D72E8CF351EB6C75C721E838F469677AB41BDB',
      '/{sha1}11d7',
    ]) {
      assert.equal(readMdqRequest(path).kind, 'malformed', path)
    }
  })
})

describe('MDQ for our own entity', () => {
  let app: TestApp
  let entityId: string
  before(async () => {
    app = await startTestApp()
    entityId = `${app.baseUrl}/saml/metadata`
    await registerServiceProvider(minimal, { origin: 'cli', approve: true })
  })
  after(() => app.close())

  it('gives the document that is at our entityID, by entityID and by its SHA-1', async () => {
    const own = await ask(app, '/saml/metadata')
    for (const path of [entityPath(entityId), sha1Path(entityId), '/mdq/entities']) {
      const { status, text, headers } = await ask(app, path)
      assert.equal(status, 200, path)
      assert.equal(text, own.text)
      assert.equal(headers['content-type'], type)
      assert.match(headers['cache-control']!, /max-age=3600/)
      assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
      assert.equal(headers['set-cookie'], undefined)
    }
  })

  it('answers 304 to who has it already, packed or not', async () => {
    for (const encoding of ['identity', 'gzip']) {
      const headers = { accept: type, 'accept-encoding': encoding }
      const first = await ask(app, entityPath(entityId), headers)
      const again = await ask(app, entityPath(entityId), {
        ...headers,
        'if-none-match': first.headers.etag!,
      })
      assert.deepEqual([again.status, again.text], [304, ''])
      assert.equal(again.headers.etag, first.headers.etag)
      const other = { ...headers, 'if-none-match': '"other"' }
      assert.equal((await ask(app, entityPath(entityId), other)).status, 200)
    }
  })

  it('packs with gzip for who can unpack it, under another tag', async () => {
    const plain = await ask(app, entityPath(entityId))
    const packed = await ask(app, entityPath(entityId), {
      accept: type,
      'accept-encoding': 'gzip;q=0.8, deflate',
    })
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.equal(packed.headers['content-encoding'], 'gzip')
    assert.equal(gunzipSync(packed.body).toString(), plain.text)
    assert.notEqual(packed.headers.etag, plain.headers.etag)
    assert.match(packed.headers.vary!, /accept-encoding/i)
  })

  it('answers 400, 404, 405 and 406 as the protocol says', async () => {
    const answers: [path: string, headers?: Record<string, string>, method?: string][] = [
      ['/mdq/entities/%zz'],
      ['/mdq/entities/https://sp.example/'],
      [entityPath('https://nobody.example/')],
      [entityPath(entityId), { accept: type }, 'POST'],
      [entityPath(entityId), { accept: 'application/json' }],
    ]
    const statuses = []
    for (const answer of answers) {
      const { status, headers } = await ask(app, ...answer)
      statuses.push(status)
      assert.match(headers['content-type']!, /^text\/plain/)
    }
    assert.deepEqual(statuses, [400, 400, 404, 405, 406])
    const head = await ask(app, entityPath(entityId), { accept: type }, 'HEAD')
    assert.deepEqual([head.status, head.text], [200, ''])
    assert.equal((await ask(app, entityPath(entityId), {})).status, 200)
  })

  it('has the services registered here only where the institution publishes them', async () => {
    assert.equal((await ask(app, entityPath(serviceId))).status, 404)
    assert.equal((await ask(app, sha1Path(serviceId))).status, 404)
  })
})

describe('MDQ for the services registered here', () => {
  let app: TestApp
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'propylaia-mdq-'))
    const demo = readFileSync(new URL('../../demo/institution.json', import.meta.url), 'utf8')
    const file = join(folder, 'institution.json')
    const attributes = { europeanStudentIdentifier: { form: 'institution', code: 'academic-id' } }
    writeFileSync(file, JSON.stringify({ ...JSON.parse(demo), ...federationFacts, attributes }))
    app = await startTestApp({ INSTITUTION_FILE: file })
  })
  after(async () => {
    await app.close()
    rmSync(folder, { recursive: true })
  })

  it('gives an approved one alone, signed by us, by entityID and by its SHA-1', async () => {
    await registerServiceProvider(minimal, { origin: 'cli', approve: true })
    const { status, text } = await ask(app, entityPath(serviceId))
    assert.equal(status, 200)
    assert.equal((await ask(app, sha1Path(serviceId))).text, text)
    const root = parse(text).documentElement
    assert.equal(root.localName, 'EntityDescriptor')
    assert.equal(root.getAttribute('entityID'), serviceId)
    const left = Date.parse(root.getAttribute('validUntil')!) - Date.now()
    assert.ok(left > 6 * 86_400_000 && left <= 14 * 86_400_000)
    assert.equal(elements(parse(text), 'AssertionConsumerService').length, 1)
    verifies(app, text)
  })

  it('does not give one that waits for approval, was removed, or is past its validity', async () => {
    const waiting = minimal.replaceAll('minimal.example.org', 'waiting.example.org')
    await registerServiceProvider(waiting, { origin: 'cli', approve: false })
    assert.equal((await ask(app, entityPath('https://waiting.example.org/sp'))).status, 404)
    assert.equal((await ask(app, sha1Path('https://waiting.example.org/sp'))).status, 404)

    const gone = minimal.replaceAll('minimal.example.org', 'gone.example.org')
    await registerServiceProvider(gone, { origin: 'cli', approve: true })
    assert.equal((await ask(app, entityPath('https://gone.example.org/sp'))).status, 200)
    await removeService('https://gone.example.org/sp')
    assert.equal((await ask(app, entityPath('https://gone.example.org/sp'))).status, 404)

    const until = new Date(Date.now() + 3_600_000).toISOString()
    const brief = minimal
      .replaceAll('minimal.example.org', 'brief.example.org')
      .replace('entityID=', `validUntil="${until}" entityID=`)
    await registerServiceProvider(brief, { origin: 'cli', approve: true })
    const { text } = await ask(app, entityPath('https://brief.example.org/sp'))
    assert.equal(parse(text).documentElement.getAttribute('validUntil'), until)
    app.advance(7_200_000)
    assert.equal((await ask(app, entityPath('https://brief.example.org/sp'))).status, 404)
    assert.equal((await ask(app, sha1Path('https://brief.example.org/sp'))).status, 404)
    app.advance(-7_200_000)
  })

  it('follows newer metadata under another tag, and is otherwise the same bytes', async () => {
    const first = await ask(app, entityPath(serviceId))
    assert.equal((await ask(app, entityPath(serviceId))).headers.etag, first.headers.etag)
    const newer = minimal.replace('index="0"', 'index="4"')
    await registerServiceProvider(newer, { origin: 'cli', approve: true })
    const next = await ask(app, entityPath(serviceId))
    assert.notEqual(next.headers.etag, first.headers.etag)
    assert.match(next.text, /index="4"/)
    verifies(app, next.text)
  })

  it('unwraps a group, drops the signature that no longer fits, and keeps prefixes of values', async () => {
    const wrapped = `<?xml version="1.0"?>
<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_group">
  <md:EntityDescriptor ID="_theirs" entityID="https://grouped.example.org/sp?a=1&amp;b=2">
    <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>
    <md:Extensions>
      <mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute">
        <saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://macedir.org/entity-category">
          <saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">https://refeds.org/category/anonymous</saml:AttributeValue>
        </saml:Attribute>
      </mdattr:EntityAttributes>
    </md:Extensions>
    <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
      <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://grouped.example.org/acs" index="0"/>
    </md:SPSSODescriptor>
  </md:EntityDescriptor>
</md:EntitiesDescriptor>`
    const sp = await registerServiceProvider(wrapped, { origin: 'cli', approve: true })
    const { text, status } = await ask(app, entityPath(sp.entityId))
    assert.equal(status, 200)
    const document = parse(text)
    assert.equal(document.documentElement.getAttribute('entityID'), sp.entityId)
    assert.equal(elements(document, 'Signature').length, 1)
    assert.ok(!text.includes('_theirs') && !text.includes('EntitiesDescriptor'))
    const [value] = elements(document, 'AttributeValue')
    assert.equal(value!.lookupNamespaceURI('xs'), 'http://www.w3.org/2001/XMLSchema')
    verifies(app, text)
  })

  it('vouches for the role that was registered, never for an identity provider beside it', async () => {
    const role = (name: string, inside: string) =>
      `<md:${name} xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions><shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0">uni.example.gr</shibmd:Scope></md:Extensions>${inside}</md:${name}>`
    const sso = '<md:SingleSignOnService Binding="urn:x" Location="https://evil.example/sso"/>'
    const acs =
      '<md:AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://evil.example/acs"/>'
    const more = [
      role('IDPSSODescriptor', sso),
      role('AttributeAuthorityDescriptor', sso.replace('SingleSignOn', 'Attribute')),
      role('SPSSODescriptor', acs),
    ].join('')
    const two = minimal
      .replaceAll('minimal.example.org', 'two.example.org')
      .replace('</SPSSODescriptor>', `</SPSSODescriptor>${more}`)
    assert.ok(two.includes('evil.example'))
    await registerServiceProvider(two, { origin: 'self', approve: true })
    const { status, text } = await ask(app, entityPath('https://two.example.org/sp'))
    assert.equal(status, 200)
    assert.doesNotMatch(text, /evil\.example|shibmd:Scope|IDPSSO|AttributeAuthority/)
    assert.equal(elements(parse(text), 'AssertionConsumerService').length, 1)
    verifies(app, text)
  })

  it('runs in no browser, whatever a service wrote into it', async () => {
    const hostile = minimal
      .replaceAll('minimal.example.org', 'hostile.example.org')
      .replace(
        '<SPSSODescriptor',
        '<Extensions><h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script></Extensions><SPSSODescriptor',
      )
    await registerServiceProvider(hostile, { origin: 'cli', approve: true })
    const { headers } = await ask(app, entityPath('https://hostile.example.org/sp'))
    assert.equal(headers['content-security-policy'], "default-src 'none'; sandbox")
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['content-type'], type)
  })
})
