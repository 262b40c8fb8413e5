import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Request } from 'express'
import { mailLimits } from '../../src/registration/registration-limits.ts'
import { hasRoomFor, registrationRequests, sizeOf } from '../../src/registration/request-store.ts'
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

describe('Requests that nobody confirms', () => {
  const small = 'x'.repeat(1000)
  const large = 'x'.repeat(100_000)
  beforeEach(() => registrationRequests().deleteMany({}))

  it('have a bound in all, and large ones shut no others out', async () => {
    const keep = (count: number, metadata: string) =>
      registrationRequests().insertMany(
        Array.from({ length: count }, (_, index) => ({
          _id: `${metadata.length}-${index}`,
          state: 'unconfirmed',
          metadata,
          ...sizeOf(metadata),
        })) as never,
      )
    await keep(31, large)
    assert.equal(await hasRoomFor(large), true)
    await registrationRequests().insertOne({
      _id: 'last',
      state: 'unconfirmed',
      metadata: large,
      isLarge: true,
    } as never)
    assert.equal(await hasRoomFor(large), false)
    assert.equal(await hasRoomFor(small), true)
    await keep(2000, small)
    assert.equal(await hasRoomFor(small), false)
    await registrationRequests().updateMany({}, { $set: { state: 'waiting' } })
    assert.equal(await hasRoomFor(large), true)
    assert.equal(await hasRoomFor(small), true)
  })
})
