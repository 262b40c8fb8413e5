import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  cacheDurationHours,
  promotionDate,
  retireDate,
} from '../../src/key-rotation/promotion-date.ts'

const stagedAt = new Date('2026-03-01T10:00:00Z')
const settings = { metadataValidDays: 14, federationRefreshHours: 24, oidcJwksCacheHours: 24 }
const saml = { use: 'saml', stagedAt } as const

describe('The date from which a staged key may sign', () => {
  it('adds metadata validity, cacheDuration and the federation’s time for SAML', () => {
    const { safeAt, parts } = promotionDate(saml, settings)
    assert.equal(cacheDurationHours, 6)
    assert.deepEqual(
      parts.map(({ hours }) => hours),
      [336, 6, 24],
    )
    assert.equal(safeAt.toISOString(), '2026-03-16T16:00:00.000Z')
  })

  it('is the time that clients may keep the JWKS for OpenID Connect', () => {
    const { safeAt } = promotionDate({ use: 'oidc', stagedAt }, settings)
    assert.equal(safeAt.toISOString(), '2026-03-02T10:00:00.000Z')
  })

  it('holds what was promised before the setting became shorter', () => {
    const shorter = { ...settings, metadataValidDays: 1 }
    const promises = [
      { validDays: 28, lastAt: new Date('2026-02-27T10:00:00Z') },
      { validDays: 1, lastAt: new Date('2026-03-05T10:00:00Z') },
    ]
    const { parts } = promotionDate(saml, shorter, promises)
    // Handed out two days before staging and valid for 28: 26 more days.
    assert.equal(parts[0]?.hours, 26 * 24)
    const long = [{ validDays: 28, lastAt: new Date('2026-01-01T10:00:00Z') }]
    assert.equal(promotionDate(saml, shorter, long).parts[0]?.hours, 24)
  })

  it('does not count copies that were handed out after staging: they have the key', () => {
    const promises = [{ validDays: 14, lastAt: new Date('2026-03-20T10:00:00Z') }]
    assert.equal(promotionDate(saml, settings, promises).parts[0]?.hours, 336)
  })
})

describe('The date on which an OpenID Connect key leaves the JWKS', () => {
  it('is after the last session whose ID token may come back as id_token_hint', () => {
    const lifetimes = { sessionAbsoluteSeconds: 36_000, clockSkewSeconds: 180 }
    assert.equal(retireDate(stagedAt, lifetimes).toISOString(), '2026-03-01T20:03:00.000Z')
  })
})
