import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { checkClientMetadata, clientDisplay } from '../../src/federation/client-metadata.ts'
import { parseJson } from '../../src/federation/parse-json.ts'

const minimal = { redirect_uris: ['https://app.example.org/callback'] }
const refuses = (metadata: unknown, message: RegExp) =>
  assert.throws(() => checkClientMetadata(metadata), { code: 'METADATA_INVALID', message })

describe('client metadata: what is completed (RFC 7591 section 2)', () => {
  it('gives an id, a secret, the code flow, pairwise subjects and the basic scopes', () => {
    const { metadata, generated } = checkClientMetadata(minimal, (bytes) => Buffer.alloc(bytes, 1))
    assert.deepEqual(generated, { clientId: true, clientSecret: true })
    assert.deepEqual(metadata, {
      ...minimal,
      client_id: `client-${'01'.repeat(12)}`,
      client_secret: Buffer.alloc(32, 1).toString('base64url'),
      grant_types: ['authorization_code'],
      response_types: ['code'],
      scope: 'openid profile email',
      token_endpoint_auth_method: 'client_secret_basic',
      post_logout_redirect_uris: [],
      subject_type: 'pairwise',
    })
  })

  it('keeps what is given', () => {
    const given = {
      client_id: 'eclass',
      client_secret: 'a-secret-of-enough-length',
      redirect_uris: ['http://localhost:4200/callback', 'http://localhost:4200/other?x=1'],
      post_logout_redirect_uris: ['http://localhost:4200/'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'openid eduperson offline_access',
      token_endpoint_auth_method: 'client_secret_post',
      subject_type: 'public',
      client_name: 'eClass',
      'client_name#el': 'Ηλεκτρονική Τάξη',
    }
    const { metadata, generated } = checkClientMetadata(given)
    assert.deepEqual(metadata, given)
    assert.deepEqual(generated, { clientId: false, clientSecret: false })
  })

  it('gives a public client no secret', () => {
    const { metadata } = checkClientMetadata({ ...minimal, token_endpoint_auth_method: 'none' })
    assert.equal(metadata.client_secret, undefined)
  })

  it('says which fields mean nothing', () => {
    const { ignored, metadata } = checkClientMetadata({
      ...minimal,
      redirect_url: 'x',
      __proto__x: 1,
    })
    assert.deepEqual(ignored, ['redirect_url', '__proto__x'])
    assert.equal(metadata.redirect_url, undefined)
  })
})

describe('client metadata: redirect_uris', () => {
  it('are a hundred at most', () => {
    const many = (count: number) => ({
      redirect_uris: Array.from(
        { length: count },
        (_, index) => `https://app.example.org/${index}`,
      ),
    })
    assert.ok(checkClientMetadata(many(100)))
    assert.throws(() => checkClientMetadata(many(101)), /at most 100 addresses, got 101/)
  })

  for (const uri of [
    'http://app.example.org/callback',
    'https://app.example.org/callback#fragment',
    'https://*.example.org/callback',
    'https://user:password@app.example.org/',
    'javascript:alert(1)',
    'data:text/html,x',
    '/callback',
    'app.example:/callback',
    '',
  ]) {
    it(`refuses ${uri || 'an empty one'}`, () => {
      refuses({ redirect_uris: [uri] }, /redirect_uris\[0\] must be an exact https address/)
      refuses({ ...minimal, post_logout_redirect_uris: [uri] }, /post_logout_redirect_uris\[0\]/)
    })
  }

  it('refuses none at all', () => {
    refuses({}, /redirect_uris must be a list/)
    refuses({ redirect_uris: [] }, /redirect_uris must be a list/)
    refuses({ redirect_uris: 'https://app.example.org/' }, /redirect_uris must be a list/)
  })

  it('takes an app’s own scheme from a native app only (RFC 8252 section 7.1)', () => {
    const redirect_uris = ['gr.example.app:/callback']
    refuses({ redirect_uris }, /redirect_uris\[0\]/)
    const native = { redirect_uris, application_type: 'native', token_endpoint_auth_method: 'none' }
    assert.ok(checkClientMetadata(native))
    refuses({ ...native, redirect_uris: ['javascript:/x'] }, /redirect_uris\[0\]/)
  })

  it('asks for a sector when pairwise subjects would span hosts (Core 8.1)', () => {
    const redirect_uris = ['https://a.example.org/', 'https://b.example.org/']
    refuses({ redirect_uris }, /sector_identifier_uri/)
    assert.ok(checkClientMetadata({ redirect_uris, subject_type: 'public' }))
  })
})

describe('client metadata: keys and secrets', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const withKeys = (...keys: unknown[]) => ({
    ...minimal,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys },
  })

  it('takes public keys for private_key_jwt and makes no secret', () => {
    const { metadata } = checkClientMetadata(withKeys(publicKey.export({ format: 'jwk' })))
    assert.equal(metadata.client_secret, undefined)
  })

  it('refuses a private key, saying so without repeating it', () => {
    const jwk = privateKey.export({ format: 'jwk' })
    assert.throws(
      () => checkClientMetadata(withKeys(jwk)),
      (error: Error) =>
        /private or shared key/.test(error.message) && !error.message.includes(jwk.d!),
    )
    refuses(withKeys({ kty: 'oct', k: 'c2VjcmV0' }), /private or shared key/)
    refuses(withKeys({ kty: 'RSA' }), /no public key/)
  })

  it('refuses private_key_jwt without keys, or with keys in two places', () => {
    refuses({ ...minimal, token_endpoint_auth_method: 'private_key_jwt' }, /jwks or jwks_uri/)
  })

  it('refuses keys at an http address, which whoever is on the way could exchange', () => {
    const method = { token_endpoint_auth_method: 'private_key_jwt' }
    const jwks_uri = 'http://service.example.gr/jwks'
    refuses({ ...minimal, ...method, jwks_uri }, /jwks_uri must be an https address/)
  })

  it('refuses a short secret without repeating it', () => {
    assert.throws(
      () => checkClientMetadata({ ...minimal, client_secret: 'hunter2' }),
      (error: Error) =>
        /client_secret must be/.test(error.message) && !/hunter2/.test(error.message),
    )
  })
})

describe('client metadata: everything else', () => {
  it('reports all mistakes together', () => {
    refuses(
      { client_id: 'x y', redirect_uris: [], scope: 'profile', grant_types: ['implicit'] },
      /client_id must be.*grant_types.*scope must hold "openid".*redirect_uris/,
    )
  })

  it('refuses what is no object', () => {
    for (const given of [null, [], 'text', 7]) refuses(given, /one JSON object/)
  })

  it('refuses other flows', () => {
    refuses({ ...minimal, grant_types: ['authorization_code', 'implicit'] }, /grant_types/)
    refuses({ ...minimal, grant_types: ['client_credentials'] }, /grant_types/)
    refuses({ ...minimal, response_types: ['code', 'id_token'] }, /response_types/)
    refuses({ ...minimal, token_endpoint_auth_method: 'client_secret_jwt' }, /auth_method/)
  })

  it('refuses addresses for people that are no web addresses', () => {
    refuses({ ...minimal, policy_uri: 'javascript:alert(1)' }, /policy_uri must be/)
    refuses({ ...minimal, logo_uri: 'data:image/svg+xml,x' }, /logo_uri must be/)
  })

  it('shows names in their languages', () => {
    const display = clientDisplay({
      'client_name#el': 'Βιβλιοθήκη',
      client_name: 'Library\u202e',
      client_uri: 'https://library.example.org/',
    })
    assert.deepEqual(display.displayName, { el: 'Βιβλιοθήκη', en: 'Library' })
    assert.equal(display.startUrl, 'https://library.example.org/')
  })
})

describe('parseJson: metadata that an administrator wrote', () => {
  const cases: [string, number][] = [
    ['{\n "client_secret": "hunter2hunter2"\n "x": 1}', 3],
    ['{\n "client_secret": "hunter2hunter2",\n }', 3],
    ['{\n "client_secret": hunter2hunter2 }', 2],
    ['{\n "client_secret": "hunter2hunter2', 2],
    ['{\n "client_secret": "hunter2hunter2"', 2],
    ['\n\n<html>hunter2hunter2</html>', 3],
    ['', 1],
    ['{"client_secret": "hunter2\nhunter2"}', 1],
  ]
  for (const [text, line] of cases) {
    it(`names line ${line} of ${JSON.stringify(text)} and repeats no secret`, () => {
      assert.throws(
        () => parseJson(text),
        (error: Error) => {
          assert.match(error.message, new RegExp(`^line ${line}: not JSON: .+`))
          assert.ok(!error.message.includes('hunter2'))
          return true
        },
      )
    })
  }

  it('reads JSON', () => assert.deepEqual(parseJson('{"a": [1, "ά"]}'), { a: [1, 'ά'] }))
})
