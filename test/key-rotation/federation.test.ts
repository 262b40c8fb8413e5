import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { addFederation } from '../../src/federation/aggregates/federations.ts'
import { refreshFederation } from '../../src/federation/aggregates/refresh.ts'
import { checkPromotion } from '../../src/key-rotation/promotion.ts'
import { rehearse } from '../../src/key-rotation/rehearsal.ts'
import { stageKey } from '../../src/keys/key-life.ts'
import { listKeys } from '../../src/keys/key-records.ts'
import { entity, federationKeys, group, pemOf, sign } from '../support/aggregate.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { startMetadataServer } from '../support/metadata-server.ts'

const day = 86_400_000
const { publicKey, privateKey } = federationKeys()

describe('A rehearsal for services that read us through a federation', () => {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-rotation-'))
  const file = join(folder, 'aggregate.xml')
  let app: TestApp
  let mdq: Awaited<ReturnType<typeof startMetadataServer>>
  let ownByMdq = ''
  before(async () => {
    app = await startTestApp({ LOG_LEVEL: 'error', OIDC_KEY_ROTATION_DAYS: '0' })
    mdq = await startMetadataServer((request, response) => {
      const isOwn =
        request.url === `/entities/${encodeURIComponent(app.context.config.samlEntityId)}`
      if (isOwn && ownByMdq) response.end(ownByMdq)
      else response.writeHead(404).end()
    })
  })
  after(async () => {
    await app.close()
    await mdq.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const validUntil = () =>
    `validUntil="${new Date(app.context.now().getTime() + 20 * day).toISOString()}"`
  const ownMetadata = async () => (await fetch(`${app.baseUrl}/saml/metadata`)).text()

  /** What the federation gives its members: a service, and us as it read us. */
  async function publish(own: string) {
    // As federations do: dates and signature of their own in place of ours.
    const kept = own
      .replace(/<ds:Signature .*?<\/ds:Signature>/s, '')
      .replace(/ validUntil="[^"]*"/, '')
    const entities = [entity('eclass'), entity('eudoxus'), kept]
    writeFileSync(file, sign(group(entities, validUntil()), privateKey))
    await refreshFederation('grnet', app.context)
  }

  async function federationOf(kid: string, name = 'grnet') {
    const { services } = await rehearse(app.context, kid)
    return services.find(({ kind, id }) => kind === 'federation' && id === name)
  }

  it('sees in the aggregate which of our keys they have, and waits for them to read it', async () => {
    const before = await ownMetadata()
    await addFederation(
      {
        name: 'grnet',
        source: { kind: 'file', file },
        keysPem: pemOf(publicKey),
        filters: { roles: ['sp'] },
        maxValidityDays: 28,
      },
      app.context.now(),
    )
    await publish(before)
    const { kid } = await stageKey(app.context, { use: 'saml', by: 'test' })
    const lacking = await federationOf(kid)
    assert.equal(lacking?.state, 'waits')
    assert.equal(lacking?.evidence[0]?.key, 'admin.keys.evidence.federationLacks')
    assert.equal(lacking?.services, 2)

    // The safe date has passed, and the federation still gives the old key: that stops a promotion.
    app.advance(16 * day)
    await publish(before)
    const { obstacles } = await checkPromotion(app.context, kid)
    assert.deepEqual(
      obstacles.map(({ kind }) => kind),
      ['breaks'],
    )

    await publish(await ownMetadata())
    const fresh = await federationOf(kid)
    assert.equal(fresh?.state, 'waits')
    const seen = new Date(String(fresh?.evidence[0]?.values?.date))
    assert.equal(fresh?.until?.getTime(), seen.getTime() + day)
    app.advance(day + 60_000)
    assert.equal((await federationOf(kid))?.state, 'ready')
    assert.deepEqual((await checkPromotion(app.context, kid)).obstacles, [])
  })

  it('asks a federation that gives entities one by one for ourselves', async () => {
    const staged = (await listKeys()).find(({ state }) => state === 'staged')
    assert.ok(staged)
    await addFederation(
      {
        name: 'edugain',
        source: { kind: 'mdq', url: `${mdq.url}/` },
        keysPem: pemOf(publicKey),
        filters: { roles: ['sp'] },
        maxValidityDays: 28,
      },
      app.context.now(),
    )
    assert.equal(
      (await federationOf(staged.kid, 'edugain'))?.evidence[0]?.key,
      'admin.keys.evidence.notInFederation',
    )
    ownByMdq = sign(
      (await ownMetadata())
        .replace(/<ds:Signature .*?<\/ds:Signature>/s, '')
        .replace(/validUntil="[^"]*"/, validUntil()),
      privateKey,
    )
    // That there is no such entity is remembered for a while.
    app.advance(2 * 3_600_000)
    const found = await federationOf(staged.kid, 'edugain')
    assert.equal(found?.evidence[0]?.key, 'admin.keys.evidence.federationHas')
  })
})
