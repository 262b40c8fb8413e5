import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { readPostRequest } from '../../src/saml/post-binding.ts'
import { rawQuery, readRedirectRequest } from '../../src/saml/redirect-binding.ts'
import { authnRequest, redirectQuery } from './saml-support.ts'

const invalid = { code: 'SAML_MESSAGE_INVALID' }
const tooLarge = { code: 'SAML_MESSAGE_TOO_LARGE', status: 413 }
const deflated = (text: string | Buffer) =>
  encodeURIComponent(deflateRawSync(text).toString('base64'))

describe('HTTP-Redirect binding (Bindings 3.4)', () => {
  it('gives back message and RelayState', () => {
    const xml = authnRequest()
    const message = readRedirectRequest(redirectQuery(xml, { relayState: 'https://sp/?a=1&b=Ω' }))
    assert.equal(message.xml, xml)
    assert.equal(message.relayState, 'https://sp/?a=1&b=Ω')
    assert.equal(message.querySignature, undefined)
  })

  it('keeps an empty RelayState apart from none', () => {
    assert.equal(readRedirectRequest(redirectQuery('<a/>', { relayState: '' })).relayState, '')
    assert.equal(readRedirectRequest(redirectQuery('<a/>')).relayState, undefined)
  })

  it('takes the octets that were signed as they came, not as they would be encoded again', () => {
    const message = deflated('<a/>').replaceAll('%2B', '%2b')
    const query = `SigAlg=urn%3aalg&RelayState=a+b%7E&Signature=AAAA&SAMLRequest=${message}`
    const { querySignature, relayState } = readRedirectRequest(query)
    assert.equal(relayState, 'a b~')
    assert.equal(
      querySignature!.octets.toString(),
      `SAMLRequest=${message}&RelayState=a+b%7E&SigAlg=urn%3aalg`,
    )
  })

  it('takes the query from the request line', () => {
    assert.equal(rawQuery('/saml/sso?SAMLRequest=a%2Bb&x=1?2'), 'SAMLRequest=a%2Bb&x=1?2')
    assert.equal(rawQuery('/saml/sso'), '')
  })

  for (const [what, query] of [
    ['no message', 'RelayState=x'],
    ['an empty message', 'SAMLRequest='],
    ['a message that comes twice', `${redirectQuery('<a/>')}&SAMLRequest=x`],
    ['a RelayState that comes twice', `${redirectQuery('<a/>')}&RelayState=x&RelayState=y`],
    ['base64 with junk inside', `SAMLRequest=${deflated('<a/>').replace(/^(..)/, '$1!')}`],
    ['base64 cut short', `SAMLRequest=${deflated('<abc/>').slice(0, 5)}`],
    ['base64url', 'SAMLRequest=s_-_'],
    ['a line break in base64', `SAMLRequest=${deflated('<a/>').slice(0, 4)}%0A`],
    ['broken percent-encoding', 'SAMLRequest=%E0%A4%A'],
    ['data that is not deflated', `SAMLRequest=${encodeURIComponent(btoa('<a/>'))}`],
    ['zlib instead of raw deflate', 'SAMLRequest=eJyzSdS3AwACcQE5'],
    ['bytes that are no UTF-8', `SAMLRequest=${deflated(Buffer.from([0x3c, 0xff, 0xfe]))}`],
    ['another encoding', `${redirectQuery('<a/>')}&SAMLEncoding=urn:gzip`],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readRedirectRequest(query), invalid)
    })
  }

  it('refuses a Signature without SigAlg and the reverse', () => {
    for (const half of ['Signature=AAAA', 'SigAlg=urn%3Ax', 'SigAlg=&Signature=AAAA']) {
      assert.throws(() => readRedirectRequest(`${redirectQuery('<a/>')}&${half}`), {
        code: 'SAML_SIGNATURE_INVALID',
      })
    }
  })

  it('stops inflating a bomb at the limit', () => {
    const bomb = deflated(Buffer.alloc(40_000_000, ' '))
    assert.ok(bomb.length < 65_536)
    assert.throws(() => readRedirectRequest(`SAMLRequest=${bomb}`), {
      ...tooLarge,
      message: 'SAMLRequest inflates to more than 65536 bytes',
    })
  })

  it('refuses a message that is larger than any request, and a RelayState as long', () => {
    assert.throws(() => readRedirectRequest(`SAMLRequest=${'A'.repeat(70_000)}`), tooLarge)
    assert.throws(
      () => readRedirectRequest(redirectQuery('<a/>', { relayState: 'Ω'.repeat(1025) })),
      tooLarge,
    )
    readRedirectRequest(redirectQuery('<a/>', { relayState: 'Ω'.repeat(1024) }))
  })
})

describe('HTTP-POST binding (Bindings 3.5)', () => {
  const encode = (text: string) => Buffer.from(text).toString('base64')

  it('gives back message and RelayState', () => {
    const xml = authnRequest()
    assert.deepEqual(readPostRequest({ SAMLRequest: encode(xml), RelayState: 'r' }), {
      xml,
      relayState: 'r',
    })
  })

  it('reads base64 that was broken into lines', () => {
    const lines = encode(authnRequest()).replace(/(.{76})/g, '$1\r\n')
    assert.equal(readPostRequest({ SAMLRequest: lines }).xml, authnRequest())
  })

  for (const [what, form] of [
    ['no message', {}],
    ['a message that comes twice', { SAMLRequest: ['a', 'b'] }],
    ['a RelayState that comes twice', { SAMLRequest: encode('<a/>'), RelayState: ['a', 'b'] }],
    ['base64 with junk inside', { SAMLRequest: 'PGEv*Pg==' }],
    ['padding in the middle', { SAMLRequest: 'PGE=Lz4=' }],
    ['bytes that are no UTF-8', { SAMLRequest: '//79' }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readPostRequest(form), invalid)
    })
  }

  it('refuses a message that is larger than any request', () => {
    assert.throws(() => readPostRequest({ SAMLRequest: encode('a'.repeat(70_000)) }), tooLarge)
    assert.throws(() => readPostRequest({ SAMLRequest: 'A'.repeat(100_000) }), tooLarge)
  })
})
