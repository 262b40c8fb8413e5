import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, describe, it } from 'node:test'
import type { AdapterPayload } from 'oidc-provider'
import { isGrantOver, StoreAdapter } from '../../src/oidc/adapter.ts'
import { ArtifactModel } from '../../src/oidc/oidc-model.ts'
import { useStore } from '../support/store.ts'

useStore()

let now = new Date('2026-03-01T10:00:00Z')
const adapter = (kind: string) => new StoreAdapter(kind, () => now)
const newId = () => randomBytes(32).toString('base64url')

describe('OIDC adapter: what oidc-provider relies on', () => {
  before(() => ArtifactModel.init())

  it('gives back what was stored, whatever its field names', async () => {
    const id = newId()
    const payload = {
      jti: id,
      kind: 'AccessToken',
      grantId: newId(),
      clientId: 'https://service.example/a.b$c',
      claims: { userinfo: { 'urn:a.b': null, $where: { essential: true } } },
      exp: 1_900_000_000,
    } as AdapterPayload
    await adapter('AccessToken').upsert(id, payload, 60)
    assert.deepEqual(await adapter('AccessToken').find(id), payload)
  })

  it('keeps kinds apart', async () => {
    const id = newId()
    await adapter('AccessToken').upsert(id, { jti: id }, 60)
    assert.equal(await adapter('RefreshToken').find(id), undefined)
  })

  it('replaces what an id already had', async () => {
    const id = newId()
    await adapter('Interaction').upsert(id, { jti: id, params: { a: 1 } }, 60)
    await adapter('Interaction').upsert(id, { jti: id, params: { b: 2 } }, 60)
    assert.deepEqual((await adapter('Interaction').find(id))?.params, { b: 2 })
  })

  it('finds nothing that expired, before the TTL index has swept', async () => {
    const id = newId()
    await adapter('AuthorizationCode').upsert(id, { jti: id }, 60)
    now = new Date(now.getTime() + 59_999)
    assert.ok(await adapter('AuthorizationCode').find(id))
    now = new Date(now.getTime() + 1)
    assert.equal(await adapter('AuthorizationCode').find(id), undefined)
    await assert.rejects(adapter('AuthorizationCode').consume(id), { error: 'invalid_grant' })
  })

  it('marks what was consumed', async () => {
    const id = newId()
    await adapter('RefreshToken').upsert(id, { jti: id }, 60)
    await adapter('RefreshToken').consume(id)
    const consumed = (await adapter('RefreshToken').find(id))?.consumed
    assert.equal(consumed, Math.floor(now.getTime() / 1000))
  })

  it('lets one of fifty parallel consumers through and revokes the grant for the others', async () => {
    const id = newId()
    const grantId = newId()
    await adapter('Grant').upsert(grantId, { jti: grantId }, 60)
    await adapter('AuthorizationCode').upsert(id, { jti: id, grantId }, 60)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => adapter('AuthorizationCode').consume(id)),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal(await adapter('Grant').find(grantId), undefined)
    assert.equal(await isGrantOver(grantId), true)
  })

  it('revokes all of a kind that a grant gave, and nothing else', async () => {
    const [grantId, otherGrant, one, two, other] = [newId(), newId(), newId(), newId(), newId()]
    const tokens = adapter('AccessToken')
    await tokens.upsert(one, { jti: one, grantId }, 60)
    await tokens.upsert(two, { jti: two, grantId }, 60)
    await tokens.upsert(other, { jti: other, grantId: otherGrant }, 60)
    await tokens.revokeByGrantId(grantId)
    assert.equal(await tokens.find(one), undefined)
    assert.equal(await tokens.find(two), undefined)
    assert.ok(await tokens.find(other))
  })

  it('destroys one', async () => {
    const id = newId()
    await adapter('AccessToken').upsert(id, { jti: id }, 60)
    await adapter('AccessToken').destroy(id)
    assert.equal(await adapter('AccessToken').find(id), undefined)
  })

  it('finds sessions by uid and device codes by user code', async () => {
    const [id, uid] = [newId(), newId()]
    await adapter('Session').upsert(id, { jti: id, uid, accountId: 'p' }, 60)
    assert.equal((await adapter('Session').findByUid(uid))?.accountId, 'p')
    await adapter('DeviceCode').upsert(newId(), { userCode: uid, clientId: 'c' }, 60)
    assert.equal((await adapter('DeviceCode').findByUserCode(uid))?.clientId, 'c')
    assert.equal(await adapter('Session').findByUid('nobody'), undefined)
  })

  it('keeps every authorization when parallel requests each add one to a session', async () => {
    const id = newId()
    const clients = Array.from({ length: 20 }, (_, index) => `https://c${index}.example/`)
    await Promise.all(
      clients.map((clientId) =>
        adapter('Session').upsert(
          id,
          { jti: id, uid: id, authorizations: { [clientId]: { sid: clientId } } },
          60,
        ),
      ),
    )
    const stored = await adapter('Session').find(id)
    assert.deepEqual(Object.keys(stored?.authorizations ?? {}).sort(), [...clients].sort())
  })

  it('takes a client assertion’s jti once, also in parallel', async () => {
    const id = newId()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => adapter('ReplayDetection').upsert(id, { jti: id }, 60)),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })
})
