import assert from 'node:assert/strict'
import { constants, createCipheriv, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { activateKey, retireKey, stageKey } from '../../src/keys/key-life.ts'
import { readEncryptedNameId } from '../../src/saml/decryption.ts'
import { encryptOaep, type OaepHash } from '../../src/saml/rsa-oaep.ts'
import { algorithms, nameIdFormats, namespaces } from '../../src/saml/uris.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { elements, makeKey, parse, redirectQuery, xmlsec, xmlsecMissing } from './saml-support.ts'
import { newPerson, postedForm, registerService, signIn, statusOf } from './sso-support.ts'

const key = makeKey()
const next = makeKey()
const nameId = `<saml:NameID Format="${nameIdFormats.persistent}">τιμή &amp; άλλη</saml:NameID>`
const expected = { format: nameIdFormats.persistent, value: 'τιμή & άλλη' }

interface Options {
  readonly content?: string
  readonly cipher?: string
  readonly transport?: string
  readonly digest?: string
  readonly mask?: string
  readonly beside?: boolean
  readonly damage?: (content: Buffer, wrapped: Buffer) => void
}

const hashName = (uri: string) => /(sha\d+)$/.exec(uri)![1] as OaepHash

function flip(bytes: Buffer, index: number): void {
  bytes[index] = bytes[index]! ^ 1
}

/** A saml:EncryptedID as a service would write it. */
function encryptedId(publicKey: KeyObject, options: Options = {}): string {
  const cipher = options.cipher ?? algorithms.aes256Gcm
  const bits = Number(/aes(\d+)/.exec(cipher)![1])
  const contentKey = randomBytes(bits / 8)
  const isGcm = cipher.endsWith('gcm')
  const iv = randomBytes(isGcm ? 12 : 16)
  const encrypter = createCipheriv(
    `aes-${bits}-${isGcm ? 'gcm' : 'cbc'}` as 'aes-256-gcm',
    contentKey,
    iv,
  )
  const content = Buffer.concat([
    iv,
    encrypter.update(options.content ?? nameId),
    encrypter.final(),
    isGcm ? encrypter.getAuthTag() : Buffer.alloc(0),
  ])
  const transport = options.transport ?? algorithms.rsaOaepMgf1p
  const wrapped = transport.endsWith('rsa-1_5')
    ? publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, contentKey)
    : encryptOaep(
        publicKey,
        contentKey,
        options.digest ? hashName(options.digest) : 'sha1',
        options.mask ? hashName(options.mask) : 'sha1',
      )
  options.damage?.(content, wrapped)
  const method =
    (options.digest ? `<ds:DigestMethod Algorithm="${options.digest}"/>` : '') +
    (options.mask ? `<x11:MGF xmlns:x11="${namespaces.xenc11}" Algorithm="${options.mask}"/>` : '')
  const encryptedKey = `<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="${transport}">${method}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>${wrapped.toString('base64')}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`
  return `<saml:EncryptedID xmlns:saml="${namespaces.saml}" xmlns:xenc="${namespaces.xenc}" xmlns:ds="${namespaces.ds}"><xenc:EncryptedData Type="${namespaces.xenc}Element"><xenc:EncryptionMethod Algorithm="${cipher}"/>${options.beside ? '' : `<ds:KeyInfo>${encryptedKey}</ds:KeyInfo>`}<xenc:CipherData><xenc:CipherValue>${content.toString('base64')}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>${options.beside ? encryptedKey : ''}</saml:EncryptedID>`
}

const read = (xml: string, keys = [key]) => readEncryptedNameId(parse(xml).documentElement, keys)

describe('an encrypted identifier (Core 2.2.4, XML Encryption 1.1)', () => {
  const mgf = 'http://www.w3.org/2009/xmlenc11#mgf1'
  for (const [name, options] of [
    ['AES-256-GCM, RSA-OAEP', {}],
    ['AES-128-GCM', { cipher: algorithms.aes128Gcm }],
    ['a SHA-256 digest with MGF1-SHA-1', { digest: algorithms.sha256 }],
    ['the newer RSA-OAEP, nothing said', { transport: algorithms.rsaOaep }],
    [
      'the newer RSA-OAEP with SHA-256 for both',
      { transport: algorithms.rsaOaep, digest: algorithms.sha256, mask: `${mgf}sha256` },
    ],
    ['EncryptedKey beside EncryptedData', { beside: true }],
  ] as [string, Options][]) {
    it(`is read: ${name}`, () => {
      assert.deepEqual(read(encryptedId(key.publicKey, options)), expected)
    })
  }

  it('is read with any of our keys, as there are two during a rollover (saml2int SDP-IDP)', () => {
    for (const { publicKey } of [key, next]) {
      assert.deepEqual(read(encryptedId(publicKey), [next, key]), expected)
    }
  })

  const refused: [string, string][] = [
    [
      'RSA 1.5',
      encryptedId(key.publicKey, { transport: 'http://www.w3.org/2001/04/xmlenc#rsa-1_5' }),
    ],
    ['AES-CBC', encryptedId(key.publicKey, { cipher: algorithms.aes256Cbc })],
    ['AES-192', encryptedId(key.publicKey, { cipher: algorithms.aes192Gcm })],
    ['another key', encryptedId(makeKey().publicKey)],
    [
      'a changed tag',
      encryptedId(key.publicKey, { damage: (content) => flip(content, content.length - 1) }),
    ],
    [
      'a changed content key',
      encryptedId(key.publicKey, { damage: (_, wrapped) => flip(wrapped, 40) }),
    ],
    [
      'too much content',
      encryptedId(key.publicKey, { content: `<saml:NameID>${'x'.repeat(20_000)}</saml:NameID>` }),
    ],
    ['two elements', encryptedId(key.publicKey, { content: nameId + nameId })],
    ['another element', encryptedId(key.publicKey, { content: '<saml:Assertion/>' })],
    [
      'an element inside',
      encryptedId(key.publicKey, { content: '<saml:NameID>a<b/></saml:NameID>' }),
    ],
    ['a document type', encryptedId(key.publicKey, { content: `<!DOCTYPE x>${nameId}` })],
    ['its end closed early', encryptedId(key.publicKey, { content: `</opened>${nameId}<opened>` })],
    ['nothing', `<saml:EncryptedID xmlns:saml="${namespaces.saml}"/>`],
    [
      'a reference to fetch',
      encryptedId(key.publicKey).replace(
        /<xenc:CipherValue>.*?<\/xenc:CipherValue>/,
        '<xenc:CipherReference URI="http://127.0.0.1/"/>',
      ),
    ],
  ]
  for (const [name, xml] of refused) {
    it(`is not read, by the one answer that all failures get: ${name}`, () => {
      assert.equal(read(xml), undefined)
    })
  }

  it('is read when xmlsec1 encrypted it', { skip: xmlsecMissing }, () => {
    const template = `<EncryptedData xmlns="${namespaces.xenc}" Type="${namespaces.xenc}Element"><EncryptionMethod Algorithm="${algorithms.aes256Gcm}"/><KeyInfo xmlns="${namespaces.ds}"><EncryptedKey xmlns="${namespaces.xenc}"><EncryptionMethod Algorithm="${algorithms.rsaOaepMgf1p}"/><CipherData><CipherValue/></CipherData></EncryptedKey></KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>`
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' }) as string
    const data = `<saml:NameID xmlns:saml="${namespaces.saml}" Format="${nameIdFormats.persistent}">τιμή &amp; άλλη</saml:NameID>`
    const encrypted = xmlsec({ 'template.xml': template, 'data.xml': data, 'key.pem': pem }, [
      '--encrypt',
      '--pubkey-pem',
      '{key.pem}',
      '--session-key',
      'aes-256',
      '--xml-data',
      '{data.xml}',
      '{template.xml}',
    ])
    assert.match(encrypted, /EncryptedData/)
    const element = encrypted.replace(/^<\?xml[^>]*\?>/, '')
    const holder = `<saml:EncryptedID xmlns:saml="${namespaces.saml}">${element}</saml:EncryptedID>`
    assert.deepEqual(read(holder), expected)
  })
})

describe('a Subject that a service encrypted for us', () => {
  const spKey = makeKey()
  const service = {
    entityId: 'https://sp.example.gr',
    acsUrl: 'https://sp.example.gr/acs',
    key: spKey,
    logoutUrl: 'https://sp.example.gr/slo',
  }
  let app: TestApp
  before(async () => {
    app = await startTestApp({ SAML_ENCRYPTION_KEY_TYPE: 'rsa-2048' })
    await registerService(service)
  })
  after(() => app.close())

  let count = 0
  const path = (subject: string, signed = true) => {
    const xml = `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}" ID="_r${++count}" Version="2.0" IssueInstant="${app.context.now().toISOString()}" Destination="${app.baseUrl}/saml/sso"><saml:Issuer xmlns:saml="${namespaces.saml}">${service.entityId}</saml:Issuer><saml:Subject xmlns:saml="${namespaces.saml}">${subject}</saml:Subject></samlp:AuthnRequest>`
    return `/saml/sso?${redirectQuery(xml, signed ? { key: spKey.privateKey } : {})}`
  }

  async function published() {
    const response = await fetch(`${app.baseUrl}/saml/metadata`)
    const document = parse(await response.text())
    return elements(document, 'KeyDescriptor').filter(
      (descriptor) => descriptor.getAttribute('use') === 'encryption',
    )
  }

  it('finds the key in our metadata, with the methods we read', async () => {
    const [descriptor, ...others] = await published()
    assert.equal(others.length, 0)
    assert.deepEqual(
      elements(descriptor!, 'EncryptionMethod').map((method) => method.getAttribute('Algorithm')),
      [algorithms.aes256Gcm, algorithms.aes128Gcm, algorithms.rsaOaepMgf1p, algorithms.rsaOaep],
    )
  })

  it('counts like one in clear, before and after a new key was published', async () => {
    const former = app.context.keys.published('saml-encryption')[0]!
    const { client, account } = await newPerson(app)
    const plain = `<saml:NameID Format="${nameIdFormats.persistent}">nobody</saml:NameID>`
    const first = await client.get(path(plain))
    const refused = postedForm(await signIn(client, first, account.username))
    assert.match(statusOf(refused.xml), /UnknownPrincipal/)
    // Who it is: read off an answer without a wish.
    const policy = `<samlp:NameIDPolicy Format="${nameIdFormats.persistent}" AllowCreate="true"/>`
    const open = `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}" ID="_open" Version="2.0" IssueInstant="${app.context.now().toISOString()}" Destination="${app.baseUrl}/saml/sso"><saml:Issuer xmlns:saml="${namespaces.saml}">${service.entityId}</saml:Issuer>${policy}</samlp:AuthnRequest>`
    const answer = await client.get(`/saml/sso?${redirectQuery(open, { key: spKey.privateKey })}`)
    const own = elements(parse(postedForm(answer).xml), 'NameID')[0]!.textContent!
    const content = `<saml:NameID Format="${nameIdFormats.persistent}">${own}</saml:NameID>`

    const ask = async (publicKey: KeyObject) =>
      statusOf(postedForm(await client.get(path(encryptedId(publicKey, { content })))).xml)
    assert.equal(await ask(former.publicKey), 'Success')

    const by = 'niki'
    const staged = await stageKey(app.context, { use: 'saml-encryption', by })
    assert.equal((await published()).length, 1)
    const [fresh] = app.context.keys.decrypting().filter(({ kid }) => kid === staged.kid)
    assert.equal(await ask(fresh!.publicKey), 'Success')
    await activateKey(app.context, staged.kid, { by })
    assert.match(
      (await published())[0]!.textContent!,
      new RegExp(escapeForPattern(fresh!.certificate!)),
    )
    // Services that read the former metadata go on with the former key.
    assert.equal(await ask(former.publicKey), 'Success')
    await assert.rejects(retireKey(app.context, former.kid, { by }), {
      code: 'KEY_STILL_NEEDED',
      message: /must not encrypt for it/,
    })
    await retireKey(app.context, former.kid, { by, force: true })
    assert.match(await ask(former.publicKey), /RequestUnsupported/)
    assert.equal(await ask(fresh!.publicKey), 'Success')
  })

  it('ends the session it names in a LogoutRequest, and none when it cannot be opened', async () => {
    const { client, account } = await newPerson(app)
    const open = `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}" ID="_logout" Version="2.0" IssueInstant="${app.context.now().toISOString()}" Destination="${app.baseUrl}/saml/sso"><saml:Issuer xmlns:saml="${namespaces.saml}">${service.entityId}</saml:Issuer></samlp:AuthnRequest>`
    const start = await client.get(`/saml/sso?${redirectQuery(open, { key: spKey.privateKey })}`)
    const { xml } = postedForm(await signIn(client, start, account.username))
    const given = elements(parse(xml), 'NameID')[0]!
    const content = `<saml:NameID Format="${given.getAttribute('Format')}">${given.textContent}</saml:NameID>`
    const ask = async (publicKey: KeyObject) => {
      const message = `<samlp:LogoutRequest xmlns:samlp="${namespaces.samlp}" ID="_l${++count}" Version="2.0" IssueInstant="${app.context.now().toISOString()}" Destination="${app.baseUrl}/saml/slo"><saml:Issuer xmlns:saml="${namespaces.saml}">${service.entityId}</saml:Issuer>${encryptedId(publicKey, { content })}</samlp:LogoutRequest>`
      const answer = await client.get(
        `/saml/slo?${redirectQuery(message, { key: spKey.privateKey })}`,
      )
      const response = new URL(answer.headers.location!).searchParams.get('SAMLResponse')!
      return statusOf(inflateRawSync(Buffer.from(response, 'base64')).toString())
    }
    assert.match(await ask(key.publicKey), /RequestUnsupported/)
    const ours = app.context.keys.published('saml-encryption')[0]!
    assert.equal(await ask(ours.publicKey), 'Success')
    const after = await client.get(
      `/saml/sso?${redirectQuery(open.replace('_logout', '_again'), { key: spKey.privateKey })}`,
    )
    assert.match(after.headers.location!, /\/login\?flow=/)
  })

  it('is not tried when the request is not signed', async () => {
    const { client } = await newPerson(app)
    const [ours] = app.context.keys.decrypting()
    const answer = await client.get(path(encryptedId(ours!.publicKey), false))
    assert.match(postedForm(answer).xml, /read in signed requests only/)
  })
})

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
