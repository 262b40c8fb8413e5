import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkClientMetadata, clientDisplay } from '../../src/federation/client-metadata.ts'
import type { RelyingParty } from '../../src/federation/service.ts'
import { parseServiceProviderMetadata } from '../../src/federation/service-provider-metadata.ts'
import { differenceOf } from '../../src/registration/registration-difference.ts'
import { goodClient, goodMetadata } from './registration-walk.ts'

const now = new Date('2027-01-15T12:00:00Z')

function client(change: object): RelyingParty {
  const { metadata } = checkClientMetadata(
    goodClient('app.example.org', {
      client_id: 'app',
      token_endpoint_auth_method: 'none',
      ...change,
    }),
  )
  return {
    protocol: 'oidc',
    origin: 'self',
    clientId: 'app',
    state: 'pending',
    metadata,
    ...clientDisplay(metadata),
    overrides: {},
  }
}

describe('What an administrator is shown of a change', () => {
  it('has another logo whose address begins as the one before', () => {
    const withLogo = (end: string) =>
      parseServiceProviderMetadata(
        goodMetadata('sp.example.org').replace(
          '</mdui:UIInfo>',
          `<mdui:Logo height="40" width="40">data:image/png;base64,${'iVBORw0K'.repeat(50)}${end}</mdui:Logo></mdui:UIInfo>`,
        ),
        'self',
        now,
      )
    const [difference] = differenceOf(withLogo('AAAA'), withLogo('BBBB'))
    assert.equal(difference?.part, 'texts')
    assert.equal(difference.added.length, 1)
    assert.match(difference.added[0]!, /^logo data:image\/png;.*… SHA-256 [0-9a-f]{64}$/)
    assert.ok(difference.added[0]!.length < 320)
    assert.deepEqual(differenceOf(withLogo('AAAA'), withLogo('AAAA')), [])
  })

  it('has where people are sent, whatever the address says in one language', () => {
    const before = client({ client_uri: 'https://app.example.org/' })
    const after = client({
      client_uri: 'https://evil.example/',
      'client_uri#en': 'https://app.example.org/',
    })
    assert.equal(after.startUrl, 'https://evil.example/')
    const [difference] = differenceOf(before, after)
    assert.deepEqual(difference, {
      part: 'texts',
      added: ['start https://evil.example/'],
      removed: ['start https://app.example.org/'],
    })
  })
})
