import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError, describeOptions, readConfig } from '../src/config.ts'

const production = {
  NODE_ENV: 'production',
  INSTITUTION_FILE: '/etc/propylaia/institution.json',
  SCOPE: 'aueb.example.gr',
  BASE_URL: 'https://sso.aueb.example.gr',
}

describe('Settings', () => {
  it('has a default for every variable, so that the demo starts with none', () => {
    const config = readConfig({})
    assert.equal(config.port, 3000)
    assert.equal(config.baseUrl, 'http://localhost:3000')
    assert.equal(config.demo, true)
    assert.equal(config.devPages, true)
  })

  it('reports all mistakes together, each with variable, rule and value', () => {
    assert.throws(
      () =>
        readConfig({
          PORT: '99999',
          SESSION_IDLE_SECONDS: '5m',
          SCOPE: 'not a domain',
          BASE_URL: 'ftp://x',
        }),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError)
        assert.deepEqual(error.problems, [
          'PORT: must be a whole number from 0 to 65535, got "99999"',
          'BASE_URL: must be a URL that starts with http:// or https://, got "ftp://x"',
          'SCOPE: must be a domain name such as uni.example.gr, got "not a domain"',
          'SESSION_IDLE_SECONDS: must be a whole number from 60 to 86400, got "5m"',
        ])
        return true
      },
    )
  })

  it('refuses a BASE_URL with a path, because services register the paths below it', () => {
    assert.throws(
      () => readConfig({ BASE_URL: 'https://uni.example.gr/idp' }),
      /BASE_URL: must be scheme and host only/,
    )
  })

  it('says which proxy is no address', () => {
    for (const fine of ['loopback', '10.0.0.0/8, 192.0.2.1', '2001:db8::/32,uniquelocal']) {
      assert.equal(readConfig({ TRUST_PROXY: fine }).trustProxy, fine)
    }
    for (const wrong of ['zzz', '10.0.0.0/33', '10.0.0.1/', 'true', '10.0.0.1/8/8']) {
      assert.throws(() => readConfig({ TRUST_PROXY: wrong }), /TRUST_PROXY: must be addresses/)
    }
  })

  it('treats an empty variable as not set', () => {
    assert.equal(readConfig({ PORT: '' }).port, 3000)
  })

  it('starts in production once everything weak has been replaced', () => {
    const config = readConfig(production)
    assert.equal(config.demo, false)
    assert.equal(config.devPages, false)
  })

  const refused: [string, Record<string, string | undefined>, RegExp][] = [
    ['the demo data', { DEMO: 'true' }, /^DEMO: the demo institution has published passwords/m],
    ['the /dev pages', { DEV_PAGES: 'true' }, /^DEV_PAGES: the \/dev pages/m],
    ['the demo institution file', { INSTITUTION_FILE: undefined }, /^INSTITUTION_FILE: must name/m],
    [
      'the demo institution file by name',
      { INSTITUTION_FILE: 'demo/institution.json' },
      /^INSTITUTION_FILE: must name/m,
    ],
    ["the demo's scope", { SCOPE: undefined }, /^SCOPE: must be your institution's domain/m],
    ['a missing address', { BASE_URL: undefined }, /^BASE_URL: must be set in production/m],
    [
      'plain http',
      { BASE_URL: 'http://sso.aueb.example.gr' },
      /^BASE_URL: must start with https:/m,
    ],
  ]
  for (const [what, change, message] of refused) {
    it(`refuses ${what} in production and says what to do`, () => {
      assert.throws(() => readConfig({ ...production, ...change }), {
        name: 'ConfigError',
        message,
      })
    })
  }

  it('never repeats a secret in a message or in the manual', () => {
    const manual = JSON.stringify(describeOptions())
    assert.ok(manual.includes('MONGODB_URI'))
    assert.doesNotThrow(() => readConfig({ MONGODB_URI: 'mongodb://user:secret@db/propylaia' }))
  })
})
