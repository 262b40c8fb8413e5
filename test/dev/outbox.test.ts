import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { MessageModel } from '../../src/messages/message-model.ts'
import type { OutgoingMessage } from '../../src/messages/messages.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'
import { type SmsGateway, startSmsGateway } from '../support/sms-gateway.ts'

/** Synthetic, as the number. */
const pin: OutgoingMessage = {
  channel: 'sms',
  to: '+306900000042',
  kind: 'activation-pin',
  language: 'el',
  text: 'Ο κωδικός PIN σας είναι 482093.',
  code: '482093',
}
const mail: OutgoingMessage = {
  channel: 'email',
  to: 'dimitra@example.org',
  kind: 'activation-done',
  language: 'en',
  subject: 'Your account is active',
  text: '<b>Dear Dimitra</b>,\nyour account is active.',
}

async function read(app: TestApp, accept?: string) {
  const response = await fetch(`${app.baseUrl}/dev/outbox`, {
    headers: { ...(accept ? { accept } : {}), 'accept-language': 'el' },
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

describe('The outbox of a trial installation', () => {
  let app: TestApp
  let gateway: SmsGateway
  before(async () => {
    gateway = await startSmsGateway()
    app = await startTestApp({
      DEV_PAGES: 'true',
      SMS_GATEWAY_URL: gateway.url,
      SMS_GATEWAY_TOKEN: gateway.token,
    })
    await app.context.messages.send(pin)
    app.advance(1000)
    await app.context.messages.send(mail)
  })
  after(async () => {
    await app.close()
    await gateway.close()
  })

  it('answers programs with what was sent, the newest first', async () => {
    for (const accept of ['application/json', undefined]) {
      const { status, headers, text } = await read(app, accept)
      assert.equal(status, 200)
      assert.match(headers.get('content-type') ?? '', /^application\/json/)
      assert.equal(headers.get('cache-control'), 'no-store')
      const [first, second, ...more] = JSON.parse(text)
      assert.equal(more.length, 0)
      assert.match(first.id, /^[0-9a-f]{24}$/)
      assert.ok(Date.parse(first.at) > Date.parse(second.at))
      assert.deepEqual(
        [first, second].map(({ channel, to, subject, text, code }) => ({
          channel,
          to,
          subject,
          text,
          code,
        })),
        [
          {
            channel: 'email',
            to: mail.to,
            subject: mail.subject,
            text: mail.text,
            code: undefined,
          },
          { channel: 'sms', to: pin.to, subject: undefined, text: pin.text, code: '482093' },
        ],
      )
    }
  })

  it('is a page for people, in their language, with texts as texts', async () => {
    const { headers, text } = await read(app, 'text/html,application/xhtml+xml,*/*;q=0.8')
    assert.match(headers.get('content-type') ?? '', /^text\/html/)
    assert.match(text, /Εξερχόμενα μηνύματα/)
    assert.match(text, /482093/)
    assert.match(text, /&lt;b&gt;Dear Dimitra&lt;\/b&gt;,<br>your account is active/)
  })

  it('also shows what a real gateway was given', () => {
    assert.deepEqual(
      gateway.requests.map(({ body }) => body.text),
      [pin.text],
    )
  })
})

describe('An installation without the /dev pages', () => {
  it('has no outbox, and no text of a message in its store', async () => {
    const other = await startTestApp()
    const client = new HttpClient(other.baseUrl)
    try {
      assert.equal((await other.context.messages.send(pin)).state, 'sent')
      assert.equal((await client.get('/dev/outbox')).status, 404)
      const text = JSON.stringify(await MessageModel.collection.find({}).toArray())
      assert.match(text, /activation-pin/)
      assert.doesNotMatch(text, /482093/)
    } finally {
      client.close()
      await other.close()
    }
  })
})
