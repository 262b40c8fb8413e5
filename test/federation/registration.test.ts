import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { before, beforeEach, describe, it } from 'node:test'
import { useClientSecretKey } from '../../src/federation/client-secrets.ts'
import {
  approveService,
  registerRelyingParty,
  registerServiceProvider,
  removeService,
  setServiceOverrides,
} from '../../src/federation/registration.ts'
import {
  clearServiceCache,
  findRelyingParty,
  findServiceProvider,
  listApprovedServices,
  serviceRecords,
} from '../../src/federation/service-store.ts'
import { useStore } from '../support/store.ts'

const xml = readFileSync(new URL('../fixtures/metadata/shibboleth.xml', import.meta.url), 'utf8')
const entityId = 'https://eclass.example.org/shibboleth'
const now = new Date('2027-01-15T12:00:00Z')
const byHand = { origin: 'cli', approve: false, now }
const client = { client_id: 'app', redirect_uris: ['https://app.example.org/callback'] }

useStore()
const key = randomBytes(32)
before(() => useClientSecretKey({ get: () => key }))
beforeEach(async () => {
  await serviceRecords().deleteMany({})
  clearServiceCache()
})

describe('registration of a SAML service provider', () => {
  it('waits for approval, then is in use', async () => {
    assert.equal((await registerServiceProvider(xml, byHand)).state, 'pending')
    assert.equal((await findServiceProvider(entityId, now))?.state, 'pending')
    assert.deepEqual(await listApprovedServices(now), [])
    await approveService(entityId)
    const sp = await findServiceProvider(entityId, now)
    assert.equal(sp?.state, 'approved')
    assert.equal(sp.displayName.en, 'eClass')
    assert.equal((await listApprovedServices(now)).length, 1)
  })

  it('changes nothing when it is done again', async () => {
    await registerServiceProvider(xml, { ...byHand, approve: true })
    const before = await serviceRecords().findOne({})
    await registerServiceProvider(xml, { ...byHand, approve: true, now: new Date() })
    assert.deepEqual(await serviceRecords().findOne({}), before)
  })

  it('takes newer metadata and keeps what admins decided', async () => {
    await registerServiceProvider(xml, byHand)
    await approveService(entityId)
    await setServiceOverrides(entityId, { signAssertions: true, release: ['mail'] })
    await registerServiceProvider(xml.replace('>eClass<', '>eClass 2<'), byHand)
    const sp = await findServiceProvider(entityId, now)
    assert.equal(sp?.displayName.en, 'eClass 2')
    assert.equal(sp.state, 'approved')
    assert.deepEqual(sp.overrides, { signAssertions: true, release: ['mail'] })
  })

  it('refuses an entityID that another origin registered', async () => {
    await registerServiceProvider(xml, { ...byHand, origin: 'file:eclass.xml' })
    await assert.rejects(registerServiceProvider(xml, byHand), {
      code: 'METADATA_INVALID',
      message: /already registered from file:eclass\.xml/,
    })
  })

  it('ends up with one record when two machines register it at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => registerServiceProvider(xml, byHand)))
    assert.equal(await serviceRecords().countDocuments({}), 1)
  })

  it('is not there any more once its metadata is past validUntil', async () => {
    const short = xml.replace(
      '<md:EntityDescriptor',
      '<md:EntityDescriptor validUntil="2027-01-16T00:00:00Z"',
    )
    await registerServiceProvider(short, { ...byHand, approve: true })
    assert.ok(await findServiceProvider(entityId, now))
    const later = new Date('2027-01-16T00:00:00Z')
    assert.equal(await findServiceProvider(entityId, later), undefined)
    assert.deepEqual(await listApprovedServices(later), [])
    clearServiceCache()
    assert.equal(await findServiceProvider(entityId, later), undefined)
  })

  it('is forgotten when removed', async () => {
    await registerServiceProvider(xml, byHand)
    assert.ok(await findServiceProvider(entityId, now))
    await removeService(entityId)
    assert.equal(await findServiceProvider(entityId, now), undefined)
    await assert.rejects(removeService(entityId), { code: 'NOT_FOUND' })
  })
})

describe('the cache of services', () => {
  it('gives the same object until something changes', async () => {
    await registerServiceProvider(xml, byHand)
    const first = await findServiceProvider(entityId, now)
    assert.equal(await findServiceProvider(entityId, now), first)
    await approveService(entityId)
    assert.notEqual(await findServiceProvider(entityId, now), first)
  })

  it('asks the store again for services that it does not know', async () => {
    assert.equal(await findServiceProvider(entityId, now), undefined)
    await registerServiceProvider(xml, byHand)
    assert.ok(await findServiceProvider(entityId, now))
  })

  it('does not take what strangers send for a query', async () => {
    await registerServiceProvider(xml, byHand)
    assert.equal(await findServiceProvider('x'.repeat(5000), now), undefined)
    assert.equal(await findServiceProvider({ $ne: '' } as unknown as string, now), undefined)
  })
})

describe('registration of an OpenID Connect client', () => {
  it('gives the secret back and keeps it sealed in the store', async () => {
    const rp = await registerRelyingParty(client, { origin: 'cli', approve: true, now })
    const secret = rp.metadata.client_secret as string
    assert.ok(secret.length >= 43)
    const record = await serviceRecords().findOne({})
    assert.ok(!JSON.stringify(record).includes(secret))
    clearServiceCache()
    const found = await findRelyingParty('app')
    assert.equal(found?.metadata.client_secret, secret)
    assert.equal(found.state, 'approved')
    assert.equal(found.metadata.subject_type, 'pairwise')
  })

  it('does not open a secret that was copied from another client', async () => {
    await registerRelyingParty(client, { origin: 'cli', approve: true, now })
    await registerRelyingParty(
      { ...client, client_id: 'other' },
      { origin: 'cli', approve: true, now },
    )
    const app = await serviceRecords().findOne({ serviceId: 'app' })
    await serviceRecords().updateOne(
      { serviceId: 'other' },
      { $set: { sealedClientSecret: app!.sealedClientSecret } },
    )
    clearServiceCache()
    await assert.rejects(findRelyingParty('other'), { name: 'SealError' })
  })

  it('keeps client and service provider of one name apart', async () => {
    await registerServiceProvider(xml, byHand)
    await registerRelyingParty({ ...client, client_id: entityId }, byHand)
    assert.equal((await findServiceProvider(entityId, now))?.protocol, 'saml')
    assert.equal((await findRelyingParty(entityId))?.protocol, 'oidc')
    await removeService(entityId, 'oidc')
    assert.ok(await findServiceProvider(entityId, now))
    assert.equal(await findRelyingParty(entityId), undefined)
  })

  it('changes nothing when it is done again with the same secret', async () => {
    const full = { ...client, client_secret: 'a-secret-of-enough-length' }
    await registerRelyingParty(full, byHand)
    const before = await serviceRecords().findOne({})
    await registerRelyingParty(full, byHand)
    assert.deepEqual(await serviceRecords().findOne({}), before)
    await registerRelyingParty({ ...full, client_secret: 'another-secret-of-length' }, byHand)
    const rp = await findRelyingParty('app')
    assert.equal(rp?.metadata.client_secret, 'another-secret-of-length')
  })
})
