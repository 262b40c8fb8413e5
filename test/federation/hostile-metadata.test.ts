import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { IdpError } from '../../src/errors.ts'
import { cleanText } from '../../src/federation/metadata-text.ts'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import {
  parseServiceProviderMetadata,
  readServiceProviderMetadata,
} from '../../src/federation/service-provider-metadata.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const now = new Date('2026-11-20T10:00:00Z')
const read = (xml: string) => readServiceProviderMetadata(xml, 'test', now)
const certificate = /X509Certificate>([^<]+)</.exec(
  readFileSync(new URL('../fixtures/metadata/simplesamlphp.xml', import.meta.url), 'utf8'),
)![1]!

/** Usable metadata, synthetic, with a place for everything that a stranger may write. */
function metadata(change: {
  entityId?: string
  name?: string
  description?: string
  information?: string
  privacy?: string
  logo?: string
  logout?: string
  logoutResponse?: string
  assertions?: string
  email?: string
  person?: string
  friendlyName?: string
  extensions?: string
  before?: string
}): string {
  const host = 'https://sp.example.org'
  return `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" entityID="${change.entityId ?? `${host}/sp`}">${change.before ?? ''}
  <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:Extensions><mdui:UIInfo>
      <mdui:DisplayName xml:lang="en">${change.name ?? 'Service'}</mdui:DisplayName>
      <mdui:Description xml:lang="en">${change.description ?? 'Synthetic'}</mdui:Description>
      <mdui:InformationURL xml:lang="en">${change.information ?? host}</mdui:InformationURL>
      <mdui:PrivacyStatementURL xml:lang="en">${change.privacy ?? host}</mdui:PrivacyStatementURL>
      <mdui:Logo width="80" height="60">${change.logo ?? `${host}/logo.png`}</mdui:Logo>
    </mdui:UIInfo>${change.extensions ?? ''}</md:Extensions>
    <md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${change.logout ?? `${host}/slo`}" ResponseLocation="${change.logoutResponse ?? `${host}/slo`}"/>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${change.assertions ?? `${host}/acs`}" index="0"/>
    <md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">Service</md:ServiceName><md:RequestedAttribute Name="urn:oid:2.5.4.4" FriendlyName="${change.friendlyName ?? 'sn'}"/></md:AttributeConsumingService>
  </md:SPSSODescriptor>
  <md:ContactPerson contactType="technical"><md:GivenName>${change.person ?? 'Synthetic'}</md:GivenName><md:EmailAddress>${change.email ?? 'mailto:noc@sp.example.org'}</md:EmailAddress></md:ContactPerson>
</md:EntityDescriptor>`
}

describe('hostile metadata: wherever an address stands', () => {
  const places = [
    'entityId',
    'information',
    'privacy',
    'logo',
    'logout',
    'logoutResponse',
    'assertions',
    'email',
  ] as const
  const addresses = [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java&#9;script:alert(1)',
    'java&#10;script:alert(1)',
    '&#1;javascript:alert(1)',
    'data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;',
    'data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+',
    'data:text/html;base64,PHNjcmlwdD4=#image/png;base64,',
    'vbscript:msgbox(1)',
    'blob:https://evil.example/1',
    'file:///etc/passwd',
    'view-source:https://evil.example/',
    '//evil.example/',
    '/login',
    'https:evil.example',
    'https://user:secret@evil.example/',
    'https://sp.example.org@evil.example/',
    'https://evil.example/" onerror="alert(1)'.replaceAll('"', '&quot;'),
    'https://evil.example/&lt;script&gt;',
    'https://evil.example\\@sp.example.org/',
    `https://evil.example/&#x202E;gnp.exe`,
  ]

  for (const place of places) {
    it(`refuses or leaves out what is no address of the web: ${place}`, () => {
      for (const address of addresses) {
        let text: string
        try {
          text = JSON.stringify(read(metadata({ [place]: address })).serviceProvider)
        } catch (error) {
          assert.ok(error instanceof IdpError && error.code === 'METADATA_INVALID', address)
          assert.ok(error.message.length < 500)
          continue
        }
        assert.doesNotMatch(
          text,
          /javascript|<script|vbs|alert|blob:|file:|view-source|evil|data:|passwd|"\/login/i,
          `${place}: ${address}`,
        )
      }
    })
  }

  it('takes pictures inside the metadata that hold no script, and no other', () => {
    const png = 'data:image/png;base64,iVBORw0KGgo='
    assert.equal(read(metadata({ logo: png })).serviceProvider.logoUrl, png)
    const large = `data:image/png;base64,${'A'.repeat(100_001)}`
    assert.equal(read(metadata({ logo: large })).serviceProvider.logoUrl, undefined)
  })
})

describe('hostile metadata: signature wrapping', () => {
  it('reads the root and nothing that stands hidden in it, signed or not', () => {
    const hidden = metadata({ entityId: 'https://bank.example/sp', name: 'Bank' })
    const places = [
      `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>${hidden}</ds:Object></ds:Signature>`,
      `<md:Extensions>${hidden}</md:Extensions>`,
    ]
    for (const before of places) {
      const text = JSON.stringify(read(metadata({ before })).serviceProvider)
      assert.match(text, /https:\/\/sp\.example\.org\/sp/)
      assert.doesNotMatch(text, /bank/i)
    }
    const inRole = read(metadata({ extensions: hidden })).serviceProvider
    assert.doesNotMatch(JSON.stringify(inRole), /bank/i)
  })

  it('does not let entity attributes hidden in a role or an Object raise the service', () => {
    const claim = `<mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"><saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://macedir.org/entity-category"><saml:AttributeValue>http://refeds.org/category/research-and-scholarship</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes>`
    const object = `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>${claim}</ds:Object></ds:Signature>`
    for (const xml of [metadata({ extensions: claim }), metadata({ before: object })]) {
      assert.deepEqual(read(xml).serviceProvider.entityCategories, [])
    }
  })
})

describe('hostile metadata: size and depth', () => {
  const wrap = (depth: number) =>
    `${'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">'.repeat(depth)}${metadata({})}${'</md:EntitiesDescriptor>'.repeat(depth)}`

  it('refuses groups nested ten levels deep, and takes those that federations nest', () => {
    assert.throws(() => read(wrap(10)), /nested deeper than 4 levels/)
    assert.equal(read(wrap(4)).serviceProvider.entityId, 'https://sp.example.org/sp')
  })

  it('refuses entities that expand, ten levels of them', () => {
    const levels = Array.from(
      { length: 10 },
      (_, level) => `<!ENTITY l${level + 1} "${`&l${level};`.repeat(10)}">`,
    )
    const bomb = `<!DOCTYPE x [<!ENTITY l0 "ha">${levels.join('')}]>${metadata({ name: '&l10;' })}`
    assert.throws(() => read(bomb), /document type/)
  })

  it('cuts enormous texts, fast, and refuses a document that is too large', () => {
    const started = performance.now()
    const { serviceProvider: sp } = read(
      metadata({
        name: 'ν'.repeat(100_000),
        description: 'Ά\u0301'.repeat(50_000),
        person: 'x'.repeat(100_000),
        friendlyName: 'y'.repeat(100_000),
      }),
    )
    assert.ok(performance.now() - started < 2000)
    assert.equal(sp.displayName.en!.length, 256)
    assert.equal(sp.description.en!.length <= 2000, true)
    assert.ok(sp.contacts[0]!.givenName!.length <= 256)
    const [asked] = sp.attributeConsumingServices[0]!.requestedAttributes
    assert.ok(asked!.friendlyName!.length <= 256)
    assert.throws(() => read(metadata({ name: 'x'.repeat(1_100_000) })), /larger than/)
  })

  it('refuses an entityID over 1024 characters, and says so without repeating it', () => {
    const entityId = `https://sp.example.org/${'x'.repeat(1024)}`
    assert.throws(
      () => read(metadata({ entityId })),
      (error: IdpError) => error.code === 'METADATA_INVALID' && error.message.length < 400,
    )
  })
})

describe('hostile metadata: names that look like others', () => {
  it('lose what nobody sees: direction marks, zero widths, tags, fillers, private letters', () => {
    for (const mark of [
      '\u202E',
      '\u2066',
      '\u200B',
      '\u200D',
      '\u00AD',
      '\u2060',
      '\uFEFF',
      '\u061C',
      '\u180E',
      '\u3164',
      '\uE000',
      '\u{E0041}',
      '\u0007',
    ]) {
      assert.equal(cleanText(`Eu${mark}doxus`, 100), 'Eudoxus', mark.codePointAt(0)!.toString(16))
    }
    assert.equal(cleanText('Eu\u2028doxus\n 1', 100), 'Eu doxus 1')
  })

  it('keep polytonic Greek and lose piled-up marks', () => {
    assert.equal(cleanText('ᾧ ᾍδης', 100), 'ᾧ ᾍδης'.normalize('NFC'))
    assert.equal(cleanText('ᾧ', 100).normalize('NFD'), 'ᾧ'.normalize('NFD'))
    assert.ok(cleanText(`Z${'\u0336\u0310'.repeat(50)}`, 1000).length <= 4)
    assert.ok(cleanText('\uD800x', 100).includes('x'))
  })
})

describe('hostile metadata on pages', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  /** The page that a browser without cookies ends at. */
  async function open(path: string) {
    const res = await fetch(`${app.baseUrl}${path}`)
    return { status: res.status, text: await res.text() }
  }

  async function signInPage(entityId: string, xml: string) {
    await registerServiceProvider(xml, { origin: 'cli', approve: true })
    const url = `/saml/unsolicited?providerId=${encodeURIComponent(entityId)}`
    return open(url)
  }

  it('shows scripts and markup as text', async () => {
    const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'{{ 7*7 }}'
    const escaped = markup
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
    const entityId = 'https://markup.example.org/sp'
    const { text } = await signInPage(
      entityId,
      metadata({ entityId, name: escaped, description: escaped }),
    )
    assert.match(text, /&lt;img src=x onerror=alert\(1\)&gt;/)
    assert.doesNotMatch(text, /<img src=x|<script>alert|>49</)
    assert.match(text, /\{\{ 7\*7 \}\}/)
  })

  it('takes elements of XHTML inside a name for their text', async () => {
    const entityId = 'https://xhtml.example.org/sp'
    const name =
      'Nice<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(3)</h:script><h:iframe xmlns:h="http://www.w3.org/1999/xhtml" src="https://evil.example/"/>'
    const { text } = await signInPage(entityId, metadata({ entityId, name }))
    assert.doesNotMatch(text, /<(h:)?(script>|iframe)|evil\.example/)
  })

  it('isolates a name in right-to-left letters, and shows the host beside it', async () => {
    const entityId = 'https://rtl.example.org/sp'
    const { text } = await signInPage(entityId, metadata({ entityId, name: 'שירות \u202Eevil' }))
    assert.match(text, /<bdi><b>שירות evil<\/b><\/bdi>/)
    assert.match(text, /<h1>[^<]*\u2068שירות evil\u2069[^<]*<\/h1>/)
    assert.doesNotMatch(text, /\u202E/)
    assert.match(text, /sp\.example\.org/)
  })

  it('gives nothing of it to a service that was refused', async () => {
    const entityId = 'javascript:alert(1)'
    await assert.rejects(signInPage(entityId, metadata({ entityId })), { code: 'METADATA_INVALID' })
    assert.throws(() => parseServiceProviderMetadata(metadata({ entityId }), 'test', now))
    const url = `/saml/unsolicited?providerId=${encodeURIComponent(entityId)}`
    const { status, text } = await open(url)
    assert.ok(status >= 400)
    assert.doesNotMatch(text, /href="javascript/)
  })
})
