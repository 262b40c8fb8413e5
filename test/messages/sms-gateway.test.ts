import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Carrier, Parcel } from '../../src/messages/carrier.ts'
import { openSmsGateway } from '../../src/messages/sms-gateway.ts'
import { freePortRange } from '../support/free-ports.ts'
import { type SmsGateway, startSmsGateway } from '../support/sms-gateway.ts'

let gateway: SmsGateway
let sms: Carrier
before(async () => {
  gateway = await startSmsGateway()
})
beforeEach(() => {
  sms?.close()
  sms = openSmsGateway(gateway, { timeoutMs: 300 })
  gateway.behave(202)
  gateway.requests.length = 0
})
after(async () => {
  sms.close()
  await gateway.close()
})

const parcel: Parcel = {
  id: '6b023d02cc8c72aaccdb52db',
  to: '+306900000042',
  language: 'el',
  text: 'Ο κωδικός PIN σας είναι 482093.',
  reference: 'K7F-2QX',
  createdAt: new Date('2026-11-21T10:00:00Z'),
}

describe('SMS through the HTTP gateway', () => {
  it('is one POST with number, text and reference, the bearer token and an idempotency key', async () => {
    assert.deepEqual(await sms.carry(parcel), { result: 'accepted' })
    const [request] = gateway.requests
    assert.deepEqual(request?.body, {
      to: '+306900000042',
      text: 'Ο κωδικός PIN σας είναι 482093.',
      reference: 'K7F-2QX',
    })
    assert.equal(request?.headers.authorization, `Bearer ${gateway.token}`)
    assert.equal(request?.headers['idempotency-key'], parcel.id)
    assert.match(request?.headers['content-type'] ?? '', /^application\/json/)
  })

  it('has the same idempotency key at every try', async () => {
    gateway.behave(503)
    await sms.carry(parcel)
    gateway.behave(200)
    await sms.carry(parcel)
    const keys = gateway.requests.map(({ headers }) => headers['idempotency-key'])
    assert.deepEqual(keys, [parcel.id, parcel.id])
  })

  it('is accepted with any 2xx', async () => {
    for (const status of [200, 201, 202, 204]) {
      gateway.behave(status)
      assert.deepEqual(await sms.carry(parcel), { result: 'accepted' })
    }
  })

  it('waits after 429 and 5xx, and as long as Retry-After says', async () => {
    for (const status of [429, 500, 502, 503]) {
      gateway.behave(status)
      assert.deepEqual(await sms.carry(parcel), { result: 'retry', reason: `HTTP ${status}` })
    }
    gateway.behave(429, { 'retry-after': '90' })
    assert.deepEqual(await sms.carry(parcel), {
      result: 'retry',
      reason: 'HTTP 429',
      afterMs: 90_000,
    })
  })

  it('is refused for good with any other 4xx', async () => {
    for (const status of [400, 401, 403, 404, 422]) {
      gateway.behave(status)
      assert.deepEqual(await sms.carry(parcel), { result: 'refused', reason: `HTTP ${status}` })
    }
  })

  it('does not follow the gateway elsewhere', async () => {
    gateway.behave('redirect')
    assert.deepEqual(await sms.carry(parcel), { result: 'refused', reason: 'HTTP 307' })
    assert.equal(gateway.requests.length, 1)
  })

  it('waits when the gateway does not answer, cuts the connection, does not speak HTTP, or is away', async () => {
    gateway.behave('hang')
    assert.deepEqual(await sms.carry(parcel), {
      result: 'retry',
      reason: 'no answer in 0.3 seconds',
    })
    for (const behaviour of ['cut', 'garbage'] as const) {
      gateway.behave(behaviour)
      assert.equal((await sms.carry(parcel)).result, 'retry', behaviour)
    }
    const away = openSmsGateway({ url: `http://127.0.0.1:${await freePortRange(1)}`, token: '' })
    const outcome = await away.carry(parcel)
    assert.equal(outcome.result, 'retry')
    assert.match((outcome as { reason: string }).reason, /ECONNREFUSED/)
  })

  it('goes to telephone numbers only', async () => {
    for (const to of ['6900000042', '+30690000004x', '+306900000042,+306900000043', '']) {
      assert.equal((await sms.carry({ ...parcel, to })).result, 'refused', to)
    }
    assert.equal(gateway.requests.length, 0)
  })
})
