import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveCheck } from '../../src/key-rotation/live-check-model.ts'
import type { MetadataFetch } from '../../src/key-rotation/metadata-fetch-model.ts'
import {
  type OidcFacts,
  oidcVerdict,
  type SamlFacts,
  samlVerdict,
} from '../../src/key-rotation/verdict.ts'

const at = (text: string) => new Date(`2026-03-${text}:00:00Z`)
const facts: SamlFacts = {
  kid: 'new',
  stagedAt: at('01T10'),
  safeAt: at('16T16'),
  now: at('02T10'),
  federationRefreshHours: 24,
  fetches: [],
  sharedWith: [],
}
const later = { now: at('17T10') }

function fetched(about: Partial<MetadataFetch> = {}): MetadataFetch {
  return {
    _id: '1',
    address: '192.0.2.1',
    network: '192.0.2.1',
    program: 'shibboleth/3.4',
    way: 'metadata',
    firstAt: at('01T01'),
    lastAt: at('02T09'),
    count: 50,
    kids: ['old', 'new'],
    expiresAt: at('30T10'),
    ...about,
  }
}
const without = (about: Partial<MetadataFetch> = {}) =>
  fetched({ _id: '2', kids: ['old'], lastAt: at('01T09'), ...about })

function live(result: LiveCheck['result'], about: Partial<LiveCheck> = {}): LiveCheck {
  const ids = { _id: 'x', kid: 'new', entityId: 'x', expiresAt: at('30T10') }
  return { ...ids, result, at: at('02T08'), ...about }
}

const federation = (kids: readonly string[], since = at('01T12'), isMember = true) => ({
  federation: 'grnet',
  services: 100,
  isMember,
  keys: new Map(kids.map((kid) => [kid, since])),
})

const codes = (verdict: { evidence: readonly { key: string }[] }) =>
  verdict.evidence.map(({ key }) => key.replace('admin.keys.evidence.', ''))

describe('Whether a SAML service would accept the new key', () => {
  it('is unknown when it was never seen: it may have the certificate fixed', () => {
    const verdict = samlVerdict(facts)
    assert.deepEqual([verdict.state, codes(verdict)], ['unknown', ['never']])
  })

  it('is yes once it fetched metadata with the key', () => {
    assert.equal(samlVerdict({ ...facts, fetches: [fetched()] }).state, 'ready')
  })

  it('waits while its last copy lacks the key, until it looks again or the date is safe', () => {
    const soon = samlVerdict({ ...facts, fetches: [without({ lastAt: at('02T08') })] })
    assert.deepEqual([soon.state, soon.until], ['waits', at('02T14')])
    const late = samlVerdict({ ...facts, fetches: [without()] })
    assert.deepEqual([late.state, late.until], ['waits', facts.safeAt])
  })

  it('waits for another program at the same host that fetches too, and has not yet', () => {
    const both = [fetched(), without({ program: 'mod_auth_mellon' })]
    const verdict = samlVerdict({ ...facts, fetches: both })
    assert.deepEqual([verdict.state, codes(verdict)], ['waits', ['fetchedWith', 'lagging']])
    // A single look by hand is no habit, and what never came back is gone by the safe date.
    const once = [fetched(), without({ program: 'curl/8', count: 1 })]
    assert.equal(samlVerdict({ ...facts, fetches: once }).state, 'ready')
    assert.equal(samlVerdict({ ...facts, ...later, fetches: both }).state, 'ready')
  })

  it('is no when it stopped fetching although its copy is past its end', () => {
    const verdict = samlVerdict({ ...facts, ...later, fetches: [without()] })
    assert.equal(verdict.state, 'breaks')
    const once = samlVerdict({ ...facts, ...later, fetches: [without({ count: 1 })] })
    assert.equal(once.state, 'unknown')
  })

  it('is not told by fetches from an address that other services use too', () => {
    const verdict = samlVerdict({ ...facts, fetches: [fetched()], sharedWith: ['e-Class'] })
    assert.deepEqual([verdict.state, codes(verdict)], ['unknown', ['fetchedWith', 'shared']])
  })

  it('is told by the service itself, whatever else is seen', () => {
    assert.equal(samlVerdict({ ...facts, live: live('accepts') }).state, 'ready')
    const shared = { fetches: [fetched()], sharedWith: ['e-Class'], live: live('accepts') }
    assert.equal(samlVerdict({ ...facts, ...shared }).state, 'ready')
    const pinned = samlVerdict({ ...facts, live: live('refuses') })
    assert.deepEqual([pinned.state, codes(pinned)], ['breaks', ['liveRefuses']])
  })

  it('waits when the service refused the key but reads metadata, and is no after the safe date', () => {
    const both = { live: live('refuses'), fetches: [without()] }
    assert.equal(samlVerdict({ ...facts, ...both }).state, 'waits')
    assert.equal(samlVerdict({ ...facts, ...later, ...both }).state, 'breaks')
  })

  it('is yes again when it fetched the key after it refused it', () => {
    const both = { live: live('refuses', { at: at('01T11') }), fetches: [fetched()] }
    assert.equal(samlVerdict({ ...facts, ...both }).state, 'ready')
    // Refused after the fetch: it has the document and does not use it.
    const after = {
      live: live('refuses', { at: at('02T09') }),
      fetches: [fetched({ lastAt: at('01T12') })],
    }
    assert.notEqual(samlVerdict({ ...facts, ...later, ...after }).state, 'ready')
  })

  it('says nothing when the service cannot tell', () => {
    const verdict = samlVerdict({ ...facts, live: live('cannot-tell', { reason: 'no-endpoint' }) })
    assert.deepEqual([verdict.state, codes(verdict)], ['unknown', ['live.no-endpoint']])
  })

  it('follows the federation: its members read us there', () => {
    const has = samlVerdict({ ...facts, now: at('02T13'), federation: federation(['old', 'new']) })
    assert.equal(has.state, 'ready')
    const fresh = samlVerdict({ ...facts, federation: federation(['old', 'new']) })
    assert.deepEqual([fresh.state, fresh.until], ['waits', at('02T12')])
    assert.equal(samlVerdict({ ...facts, federation: federation(['old']) }).state, 'waits')
    const late = samlVerdict({ ...facts, ...later, federation: federation(['old']) })
    assert.deepEqual([late.state, codes(late)], ['breaks', ['federationLacks']])
    const out = samlVerdict({ ...facts, federation: federation([], undefined, false) })
    assert.deepEqual([out.state, codes(out)], ['unknown', ['notInFederation']])
  })
})

const oidc: OidcFacts = {
  kid: 'new',
  now: at('02T10'),
  safeAt: at('02T12'),
  isSymmetric: false,
  signIns: [fetched({ way: 'token', kids: [] })],
  fetches: [],
}

describe('Whether an OpenID Connect client would accept the new key', () => {
  it('is yes once it fetched the JWKS with the key', () => {
    assert.equal(oidcVerdict({ ...oidc, fetches: [fetched({ way: 'jwks' })] }).state, 'ready')
  })

  it('waits for the cache of a JWKS without it, which is read again after that', () => {
    const fetches = [without({ way: 'jwks' })]
    assert.deepEqual(oidcVerdict({ ...oidc, fetches }).until, oidc.safeAt)
    assert.equal(oidcVerdict({ ...oidc, now: at('02T13'), fetches }).state, 'ready')
  })

  it('is unknown when it never fetched the JWKS, or nobody signed in', () => {
    assert.deepEqual(codes(oidcVerdict(oidc)), ['neverJwks'])
    assert.deepEqual(codes(oidcVerdict({ ...oidc, signIns: [] })), ['neverSignedIn'])
  })

  it('is yes when its tokens are signed with its own secret', () => {
    assert.equal(oidcVerdict({ ...oidc, isSymmetric: true }).state, 'ready')
  })
})
