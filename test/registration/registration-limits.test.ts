import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Request } from 'express'
import { mailLimits } from '../../src/registration/registration-limits.ts'
import {
  assertRoomToWait,
  countedBy,
  hasRoomToConfirm,
  replaceEarlier,
  withdraw,
} from '../../src/registration/request-room.ts'
import { registrationRequests } from '../../src/registration/request-store.ts'
import { useStore } from '../support/store.ts'

useStore()
const from = (ip: string) => ({ ip }) as Request

describe('Limits of registration requests', () => {
  it('of one network leave the service’s owner room on another', () => {
    const id = 'https://sp.example.org/sp'
    const stranger = mailLimits('Admin@sp.example.org', id, from('192.0.2.1'))
    const owner = mailLimits('admin@sp.example.org', id, from('198.51.100.1'))
    const shared = owner.filter(({ name, subject }) =>
      stranger.some((one) => one.name === name && one.subject === subject),
    )
    assert.deepEqual(
      shared.map(({ name }) => name),
      ['registration-mail'],
    )
    const ofStranger = Math.min(...stranger.map(({ max }) => max))
    assert.ok(ofStranger * 4 <= shared[0]!.max)
  })
})

const small = 'x'.repeat(1000)
const large = 'x'.repeat(100_000)
const now = new Date('2027-01-15T12:00:00Z')

/** Requests of as many services. @returns nothing: they are in the store */
async function keep(
  count: number,
  state: string,
  { metadata = small, contact = (index: number) => `a@${index}.example.org` } = {},
): Promise<void> {
  await registrationRequests().insertMany(
    Array.from({ length: count }, (_, index) => ({
      _id: `${state}-${metadata.length}-${index}`,
      state,
      protocol: 'saml',
      serviceId: `https://${index}.example.org/sp`,
      metadata,
      contact: contact(index),
      ...countedBy(metadata, contact(index)),
      decidedAt: new Date(now.getTime() - index),
    })) as never,
  )
}

describe('Requests that nobody confirms', () => {
  beforeEach(() => registrationRequests().deleteMany({}))
  const hasRoom = (metadata: string) => hasRoomToConfirm(countedBy(metadata, 'a@example.org'))

  it('have a bound in all, and large ones shut no others out', async () => {
    await keep(31, 'unconfirmed', { metadata: large })
    assert.equal(await hasRoom(large), true)
    await registrationRequests().insertOne({
      _id: 'last',
      state: 'unconfirmed',
      isLarge: true,
    } as never)
    assert.equal(await hasRoom(large), false)
    assert.equal(await hasRoom(small), true)
    await keep(2000, 'unconfirmed')
    assert.equal(await hasRoom(small), false)
    await registrationRequests().updateMany({}, { $set: { state: 'waiting' } })
    assert.equal(await hasRoom(large), true)
    assert.equal(await hasRoom(small), true)
  })
})

describe('Requests that wait for an administrator', () => {
  beforeEach(() => registrationRequests().deleteMany({}))
  const ask = (contact: string, metadata = small, service = 'https://new.example.net/sp') =>
    assertRoomToWait(countedBy(metadata, contact), service)

  it('have a bound for one mailbox, however it is written, and leave others room', async () => {
    await keep(25, 'waiting', { contact: () => 'Admin@Example.org' })
    await assert.rejects(ask('aDMIN@example.ORG'), {
      code: 'REGISTRATION_TOO_MANY_WAITING',
      status: 429,
    })
    await ask('other@example.org')
  })

  it('have a bound for one mail domain, in which anybody has any number of mailboxes', async () => {
    await keep(100, 'waiting', { contact: (index) => `a${index}@evil.example` })
    await assert.rejects(ask('fresh@evil.example'), { code: 'REGISTRATION_TOO_MANY_WAITING' })
    await ask('admin@uni.example')
  })

  it('of the same service do not count: the newer takes the place of the one before', async () => {
    await keep(25, 'waiting', { contact: () => 'admin@example.org' })
    await ask('admin@example.org', small, 'https://3.example.org/sp')
    const newer = {
      _id: 'newer',
      state: 'waiting',
      protocol: 'saml',
      serviceId: 'https://3.example.org/sp',
      ...countedBy(small, 'admin@example.org'),
    }
    await registrationRequests().insertOne(newer as never)
    const stranger = { ...newer, _id: 'stranger', ...countedBy(small, 'thief@evil.example') }
    await registrationRequests().insertOne(stranger as never)
    assert.deepEqual(await replaceEarlier(newer as never, now), [`waiting-${small.length}-3`])
    const states = await Promise.all(
      [newer._id, stranger._id].map(
        async (id) => (await registrationRequests().findOne({ _id: id }))?.state,
      ),
    )
    assert.deepEqual(states, ['waiting', 'waiting'])
  })

  it('have a bound in all, large ones one of their own', async () => {
    await keep(50, 'waiting', { metadata: large })
    await assert.rejects(ask('a@example.net', large), { code: 'REGISTRATION_FULL', status: 503 })
    await ask('a@example.net')
    await keep(1000, 'waiting')
    await assert.rejects(ask('a@example.net'), { code: 'REGISTRATION_FULL' })
  })

  it('leave five of one mailbox behind once they are withdrawn', async () => {
    await keep(5, 'withdrawn', { contact: () => 'admin@example.org' })
    await keep(1, 'waiting', { contact: () => 'admin@example.org' })
    const waiting = await registrationRequests().findOne({ state: 'waiting' })
    await withdraw(waiting!, now)
    const left = await registrationRequests().find({}).toArray()
    assert.equal(left.length, 5)
    assert.ok(!left.some(({ _id }) => _id === `withdrawn-${small.length}-4`))
  })
})
