import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it, mock } from 'node:test'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { activateKey, discardKey, retireKey, revokeKey, stageKey } from '../../src/keys/key-life.ts'
import { findKey, listKeys } from '../../src/keys/key-records.ts'
import type { KeyUse } from '../../src/keys/signing-key.ts'
import { SigningKeyModel } from '../../src/keys/signing-key-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())
afterEach(() => mock.restoreAll())

const by = 'niki'
const stage = (use: KeyUse = 'saml') => stageKey(app.context, { use, type: 'rsa-2048', by })
const publishedKids = (use: KeyUse) => app.context.keys.published(use).map(({ kid }) => kid)
const minutes = (count: number) => app.advance(count * 60_000)

describe('the life of a signing key', () => {
  it('goes from staged to active, retiring and retired, published until the end', async () => {
    const { keys } = app.context
    const former = keys.active('saml').kid
    const staged = await stage()
    assert.equal(staged.state, 'staged')
    assert.equal(keys.active('saml').kid, former)
    assert.deepEqual(publishedKids('saml'), [former, staged.kid])

    await activateKey(app.context, staged.kid, { by })
    assert.equal(keys.active('saml').kid, staged.kid)
    assert.deepEqual(publishedKids('saml'), [staged.kid, former])
    assert.equal((await findKey(former)).state, 'retiring')

    await assert.rejects(retireKey(app.context, former, { by }), {
      code: 'KEY_STILL_NEEDED',
      message: /can be retired from \d{4}-/,
    })
    minutes(13)
    const retired = await retireKey(app.context, former, { by })
    assert.deepEqual(
      { state: retired.state, keptBy: retired.keptBy, publishedIn: retired.publishedIn },
      { state: 'retired', keptBy: 'erased', publishedIn: undefined },
    )
    assert.deepEqual(publishedKids('saml'), [staged.kid])
  })

  it('keeps a token’s key in the JWKS until the last token it signed has expired', async () => {
    const former = app.context.keys.active('oidc').kid
    const { kid } = await stage('oidc')
    await activateKey(app.context, kid, { by })
    minutes(15)
    await assert.rejects(retireKey(app.context, former, { by }), { code: 'KEY_STILL_NEEDED' })
    assert.ok(publishedKids('oidc').includes(former))
    minutes(8)
    await retireKey(app.context, former, { by })
    assert.deepEqual(publishedKids('oidc'), [kid])
  })

  it('records dates, fingerprints and who did each step, and audits it', async () => {
    const { kid } = await stage()
    await activateKey(app.context, kid, { by })
    const key = await findKey(kid)
    assert.deepEqual(
      key.history.map((step) => [step.event, step.by]),
      [
        ['key.staged', by],
        ['key.activated', by],
      ],
    )
    assert.ok(key.stagedAt && key.activatedAt && !key.retiringAt)
    assert.match(key.certificate!.sha1, /^([0-9A-F]{2}:){19}[0-9A-F]{2}$/)
    assert.match(key.certificate!.sha256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    await audited('key.activated', kid)
    await audited('key.staged', kid)
  })

  it('takes back a staged key, which is never used again', async () => {
    const { kid } = await stage()
    await discardKey(app.context, kid, { by })
    assert.ok(!publishedKids('saml').includes(kid))
    await assert.rejects(activateKey(app.context, kid, { by }), { code: 'KEY_STATE_WRONG' })
    assert.equal((await findKey(kid)).keptBy, 'erased')
  })

  it('refuses steps that do not fit the state, and keys that are not there', async () => {
    const active = app.context.keys.active('saml').kid
    await assert.rejects(activateKey(app.context, active, { by }), { code: 'KEY_STATE_WRONG' })
    await assert.rejects(retireKey(app.context, active, { by, force: true }), {
      code: 'KEY_STATE_WRONG',
    })
    await assert.rejects(discardKey(app.context, active, { by }), { code: 'KEY_STATE_WRONG' })
    await assert.rejects(activateKey(app.context, 'none', { by }), { code: 'KEY_UNKNOWN' })
    await assert.rejects(stageKey(app.context, { use: 'saml-encryption', type: 'ec-p256', by }), {
      code: 'KEY_STATE_WRONG',
      message: /must be RSA/,
    })
  })

  it('are not opened again as long as nothing changed', async () => {
    const { keys } = app.context
    const before = keys.active('saml')
    await keys.reload()
    assert.equal(keys.active('saml'), before)
    const staged = await stageKey(app.context, { use: 'saml', by: 'test' })
    await keys.reload()
    assert.equal(keys.active('saml'), before)
    assert.ok(keys.published('saml').some(({ kid }) => kid === staged.kid))
    await discardKey(app.context, staged.kid, { by: 'test' })
    await keys.reload()
    assert.ok(!keys.published('saml').some(({ kid }) => kid === staged.kid))
  })

  it('lets one of two activations at the same time through, and one key sign', async () => {
    const [one, other] = [await stage(), await stage()]
    const results = await Promise.allSettled(
      [one, other].map(({ kid }) => activateKey(app.context, kid, { by })),
    )
    const done = results.filter(({ status }) => status === 'fulfilled')
    assert.ok(done.length >= 1)
    for (const result of results) {
      if (result.status === 'rejected') {
        assert.equal((result.reason as { code: string }).code, 'KEY_CHANGED_MEANWHILE')
      }
    }
    await app.context.keys.reload()
    assert.equal((await listKeys()).filter(isActiveSaml).length, 1)
  })
})

describe('a key that others may have', () => {
  it('ends at once, and the newest staged key signs in its place', async () => {
    const compromised = app.context.keys.active('saml').kid
    const { kid } = await stage()
    const { revoked, successor } = await revokeKey(app.context, compromised, {
      by,
      reason: 'laptop stolen',
    })
    assert.equal(successor!.kid, kid)
    assert.equal(app.context.keys.active('saml').kid, kid)
    assert.ok(revoked.revokedAt && revoked.state === 'retired' && revoked.keptBy === 'erased')
    assert.ok(!publishedKids('saml').includes(compromised))
    await assert.rejects(revokeKey(app.context, compromised, { by, reason: 'again' }), {
      code: 'KEY_STATE_WRONG',
    })
  })

  it('gets a successor made for it when none is staged', async () => {
    for (const key of await listKeys()) {
      if (key.state === 'staged') await discardKey(app.context, key.kid, { by })
    }
    const compromised = app.context.keys.active('oidc').kid
    await revokeKey(app.context, compromised, { by, reason: 'backup lost' })
    assert.notEqual(app.context.keys.active('oidc').kid, compromised)
    assert.deepEqual(publishedKids('oidc').includes(compromised), false)
  })
})

describe('a key that is promoted and revoked at the same time', () => {
  it('ends, and another one signs', async () => {
    for (let round = 0; round < 8; round += 1) {
      const { kid } = await stage()
      const [, revoked] = await Promise.allSettled([
        activateKey(app.context, kid, { by }),
        revokeKey(app.context, kid, { by, reason: 'stolen' }),
      ])
      assert.equal(revoked.status, 'fulfilled')
      assert.equal((await findKey(kid)).state, 'retired')
      const active = (await listKeys()).filter(isActiveSaml)
      assert.equal(active.length, 1, `round ${round}`)
      await app.context.keys.reload()
      assert.equal(app.context.keys.active('saml').kid, active[0]!.kid)
    }
  })
})

describe('a change whose command died before it told the others', () => {
  it('is seen by running workers within seconds all the same', async () => {
    const { kid } = await stage()
    await SigningKeyModel.updateOne({ _id: kid }, { $set: { state: 'retired' } })
    const until = Date.now() + 10_000
    while (publishedKids('saml').includes(kid)) {
      assert.ok(Date.now() < until, 'it is published still')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
})

describe('an activation that is cut off', () => {
  for (const index of [0, 1]) {
    for (const moment of ['before', 'after'] as const) {
      it(`leaves one key that signs: ${moment} write ${index + 1}`, async () => {
        const former = app.context.keys.active('saml').kid
        const { kid } = await stage()
        let writes = 0
        for (const method of ['findOneAndUpdate', 'updateOne'] as const) {
          const real = SigningKeyModel[method].bind(SigningKeyModel) as (
            ...args: unknown[]
          ) => PromiseLike<unknown>
          mock.method(SigningKeyModel, method, async (...args: unknown[]) => {
            const isDue = writes++ === index
            if (isDue && moment === 'before') throw new Error('the power went')
            const result = await real(...args)
            if (isDue) throw new Error('the power went')
            return result
          })
        }
        await assert.rejects(activateKey(app.context, kid, { by }), /the power went/)
        mock.restoreAll()
        await app.context.keys.reload()
        const active = (await listKeys()).filter(isActiveSaml).map((key) => key.kid)
        const isThrough = index > 0 || moment === 'after'
        assert.deepEqual(active, [isThrough ? kid : former])
        assert.equal(app.context.keys.active('saml').kid, active[0])
        assert.ok(publishedKids('saml').includes(former))
        // Whatever was left undone, the next steps work.
        if (!isThrough) await activateKey(app.context, kid, { by })
        await retireKey(app.context, former, { by, force: true })
        assert.equal((await findKey(former)).state, 'retired')
        assert.equal(app.context.keys.active('saml').kid, kid)
      })
    }
  }
})

function isActiveSaml({ use, state }: { use: string; state: string }): boolean {
  return use === 'saml' && state === 'active'
}

/** The audit log writes in batches; the entry is there within moments. */
async function audited(event: string, kid: string): Promise<void> {
  const until = Date.now() + 5000
  while (Date.now() < until) {
    if (await AuditModel.findOne({ event, 'details.kid': kid }).lean()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`${event} is not in the audit log`)
}
