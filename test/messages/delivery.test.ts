import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { messagesCommand } from '../../src/cli/messages.ts'
import { MessageModel } from '../../src/messages/message-model.ts'
import type { MessageService } from '../../src/messages/open-messages.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { type SmsGateway, startSmsGateway } from '../support/sms-gateway.ts'
import { useStore } from '../support/store.ts'
import {
  noticeByMail,
  noticeBySms,
  openTestMessages,
  pinByMail,
  pinBySms,
  TestClock,
} from './message-support.ts'

const second = 1000
const minute = 60 * second

useStore()
let gateway: SmsGateway
let server: MailServer
let environment: Record<string, string>
before(async () => {
  await MessageModel.init()
  gateway = await startSmsGateway()
  server = await startMailServer()
  environment = {
    SMTP_URL: server.url,
    SMS_GATEWAY_URL: gateway.url,
    SMS_GATEWAY_TOKEN: gateway.token,
  }
})
after(async () => {
  await gateway.close()
  await server.close()
})
beforeEach(async () => {
  gateway.behave(202)
  gateway.requests.length = 0
  server.behave('accept')
  server.messages.length = 0
  await MessageModel.deleteMany({})
})
const opened: MessageService[] = []
afterEach(async () => {
  for (const messages of opened.splice(0)) await messages.close()
})

async function open(settings: Record<string, string> = environment, clock?: TestClock) {
  const test = await openTestMessages(settings, clock)
  opened.push(test.messages)
  return test
}

const stored = (id: string) => MessageModel.findById(id).lean()
const stateOf = async (messages: MessageService, id: string) =>
  (await messages.deliveries([id])).get(id)

/** Everything the collection holds, as text. */
async function wholeStore(): Promise<string> {
  return JSON.stringify(await MessageModel.collection.find({}).toArray())
}

describe('Sending a message', () => {
  it('is sent when the gateway or the mail server takes it, and keeps no text', async () => {
    const { messages } = await open()
    for (const message of [pinBySms, noticeBySms, pinByMail, noticeByMail]) {
      const { id, state } = await messages.send(message)
      assert.equal(state, 'sent')
      assert.equal(await stateOf(messages, id), 'sent')
      const record = await stored(id)
      assert.equal(record?.text, undefined)
      assert.equal(record?.subject, undefined)
      assert.equal(record?.tries, 1)
      assert.ok(record?.sentAt)
    }
    assert.equal(gateway.requests.length, 2)
    assert.equal(server.messages.length, 2)
  })

  it('never has a PIN or its text in the store: not waiting, not sent, not failed', async () => {
    const test = await open()
    gateway.behave(503)
    server.behave('greylist')
    await test.messages.send(pinBySms)
    await test.messages.send(pinByMail)
    for (const reply of ['waiting', 'sent'] as const) {
      const text = await wholeStore()
      assert.match(text, new RegExp(`"state":"${reply}"`))
      assert.doesNotMatch(text, /482093|κωδικός/i)
      gateway.behave(202)
      server.behave('accept')
      await test.advance(minute)
    }
    gateway.behave(400)
    server.behave('refuse')
    await test.messages.send(pinBySms)
    await test.messages.send(pinByMail)
    const text = await wholeStore()
    assert.match(text, /"state":"failed"/)
    assert.doesNotMatch(text, /482093|κωδικός/i)
  })

  it('waits through greylisting and arrives once', async () => {
    const test = await open()
    server.behave('greylist')
    const { id, state } = await test.messages.send(pinByMail)
    assert.equal(state, 'waiting')
    await test.advance(minute)
    assert.equal(await stateOf(test.messages, id), 'waiting')
    assert.match((await stored(id))?.lastError ?? '', /^SMTP 451 .*Greylisted/)
    server.behave('accept')
    await test.advance(minute)
    assert.equal(await stateOf(test.messages, id), 'sent')
    await test.advance(10 * minute)
    assert.equal(server.messages.length, 1)
    assert.equal((await stored(id))?.lastError, undefined)
  })

  it('is tried with the same idempotency key for ten minutes, then given up', async () => {
    const test = await open()
    gateway.behave(500)
    const { id } = await test.messages.send(noticeBySms)
    await test.advance(9 * minute)
    assert.equal(await stateOf(test.messages, id), 'waiting')
    await test.advance(minute)
    assert.equal(await stateOf(test.messages, id), 'failed')
    assert.equal(gateway.requests.length, 7)
    const keys = new Set(gateway.requests.map(({ headers }) => headers['idempotency-key']))
    assert.equal(keys.size, 1)
    await test.advance(60 * minute)
    assert.equal(gateway.requests.length, 7)
  })

  it('is not tried any more when nobody needs it', async () => {
    const test = await open()
    gateway.behave(500)
    const validUntil = new Date(test.clock.now().getTime() + minute)
    const { id } = await test.messages.send({ ...pinBySms, validUntil })
    await test.advance(2 * minute)
    assert.equal(await stateOf(test.messages, id), 'failed')
    assert.equal(gateway.requests.length, 3)
    const late = { ...pinBySms, validUntil: test.clock.now() }
    assert.equal((await test.messages.send(late)).state, 'failed')
    assert.equal(gateway.requests.length, 3)
  })

  it('waits as long as the gateway asks for', async () => {
    const test = await open()
    gateway.behave(429, { 'retry-after': '100' })
    const { id } = await test.messages.send(noticeBySms)
    gateway.behave(202)
    await test.advance(99 * second)
    assert.equal(gateway.requests.length, 1)
    await test.advance(2 * second)
    assert.equal(await stateOf(test.messages, id), 'sent')
  })

  it('does not keep the page waiting while the gateway hangs', async () => {
    const test = await open()
    gateway.behave('hang')
    const sending = test.messages.send(noticeBySms)
    while (gateway.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    // The first try is still running: only the clock moves.
    void test.clock.advance(5 * second)
    assert.equal((await sending).state, 'waiting')
  })

  it('goes to a gateway that hangs twenty at a time, and the others not after they lost their use', async () => {
    const test = await open()
    gateway.behave('hang')
    const validUntil = new Date(test.clock.now().getTime() + minute)
    const sending = Array.from({ length: 25 }, () =>
      test.messages.send({ ...pinBySms, validUntil }),
    )
    while (gateway.requests.length < 20) await new Promise((resolve) => setImmediate(resolve))
    // The pages are answered, and a minute passes before the first try ends.
    void test.clock.advance(minute)
    await Promise.all(sending)
    await test.messages.settled()
    assert.equal(gateway.requests.length, 20)
    assert.equal(test.audited.filter(({ reason }) => reason === 'given-up').length, 25)
  })

  it('says nothing of ids that it does not know', async () => {
    const { messages } = await open()
    assert.equal((await messages.deliveries(['unknown'])).size, 0)
  })
})

describe('What admins see of a message that failed', () => {
  it('is one line in the log and one in the audit log, without text, PIN or address', async () => {
    const test = await open()
    server.behave('refuse')
    await test.messages.send(pinByMail)
    gateway.behave(401)
    const failed = await test.messages.send(pinBySms)
    assert.equal(test.audited.length, 2)
    assert.deepEqual(test.audited[1], {
      event: 'message.failed',
      result: 'failure',
      reason: 'refused',
      personId: 'p1',
      details: {
        id: failed.id,
        channel: 'sms',
        kind: 'activation-pin',
        to: '+30 69•••••• 42',
        tries: 1,
        error: 'HTTP 401',
        reference: 'K7F-2QX',
      },
    })
    assert.equal(test.logged.filter(({ level }) => level === 'error').length, 2)
    const told = JSON.stringify([test.audited, test.logged])
    assert.match(told, /550 .*d•••••@e•••••\.org/)
    assert.doesNotMatch(told, /482093|dimitra@|306900000042/)
  })

  it('is in propylaia messages list, newest first, and with --failed alone', async () => {
    const test = await open()
    await test.messages.send(noticeBySms)
    await test.advance(second)
    gateway.behave(400)
    await test.messages.send(pinBySms)
    const all = (await run(test.clock, 'list', '--json')).json
    assert.deepEqual(
      all.map(({ state, to, tries, lastError }) => ({ state, to, tries, lastError })),
      [
        { state: 'failed', to: '+30 69•••••• 42', tries: 1, lastError: 'HTTP 400' },
        { state: 'sent', to: '+30 69•••••• 42', tries: 1, lastError: undefined },
      ],
    )
    const failed = await run(test.clock, 'list', '--failed')
    assert.equal(failed.out.split('\n').length, 2)
    assert.match(failed.out, /failed +sms +\+30 69•••••• 42 +activation-pin +K7F-2QX.*HTTP 400/)
    assert.doesNotMatch(JSON.stringify(all) + failed.out, /482093|306900000042/)
    assert.equal((await run(test.clock, 'list', '--limit', '1', '--json')).json.length, 1)
    assert.equal((await run(test.clock, 'list', '--limit', 'many')).code, 2)
  })

  it('can be tried again when its text is held, and not when it carried a PIN', async () => {
    const test = await open()
    test.messages.start()
    gateway.behave(400)
    const notice = await test.messages.send(noticeBySms)
    const pin = await test.messages.send(pinBySms)
    gateway.behave(202)
    assert.equal((await run(test.clock, 'retry', notice.id)).code, 0)
    assert.equal((await run(test.clock, 'retry', pin.id)).code, 1)
    assert.equal((await run(test.clock, 'retry', 'unknown')).code, 1)
    await test.advance(15 * second)
    assert.equal(await stateOf(test.messages, notice.id), 'sent')
    assert.equal(await stateOf(test.messages, pin.id), 'failed')
    assert.equal((await run(test.clock, 'retry', notice.id)).code, 1)
  })
})

describe('Messages when servers stop and start', () => {
  it('go on after a restart when their text is in the store', async () => {
    const clock = new TestClock()
    const first = await open(environment, clock)
    gateway.behave(500)
    const { id } = await first.messages.send(noticeBySms)
    await first.messages.close()
    assert.equal(await stateOf(first.messages, id), 'waiting')
    gateway.behave(202)
    const next = await open(environment, clock)
    next.messages.start()
    await next.advance(15 * second)
    assert.equal(await stateOf(next.messages, id), 'sent')
    assert.deepEqual(gateway.requests[1]?.body, gateway.requests[0]?.body)
    assert.equal((await stored(id))?.text, undefined)
  })

  it('have failed when they carried a PIN and the server is stopped', async () => {
    const first = await open()
    gateway.behave(500)
    const { id } = await first.messages.send(pinBySms)
    await first.messages.close()
    assert.equal(await stateOf(first.messages, id), 'failed')
    assert.equal((await stored(id))?.lastError, 'the server stopped before it was sent')
    assert.equal(first.audited[0]?.reason, 'server-stopped')
  })

  it('are found by the next server when the first was killed', async () => {
    const clock = new TestClock()
    const killed = await openTestMessages(environment)
    gateway.behave(500)
    const pin = await killed.messages.send(pinBySms)
    const notice = await killed.messages.send(noticeBySms)
    // Nothing moves the clock of the first one any more.
    gateway.behave(202)
    const next = await open(environment, clock)
    next.messages.start()
    await next.advance(30 * second)
    assert.equal(gateway.requests.length, 2, 'the first may still be alive')
    await next.advance(45 * second)
    assert.equal(await stateOf(next.messages, pin.id), 'failed')
    assert.equal(await stateOf(next.messages, notice.id), 'sent')
    assert.equal(next.audited.length, 1)
    assert.equal(next.audited[0]?.reason, 'server-stopped')
    // The first wakes up again: it has lost both.
    await killed.advance(15 * minute)
    assert.equal(gateway.requests.length, 3)
    await killed.messages.close()
    assert.equal(await stateOf(next.messages, notice.id), 'sent')
  })

  it('are sent once, however many servers look for them', async () => {
    const clock = new TestClock()
    const first = await open(environment, clock)
    gateway.behave(500)
    const ids: string[] = []
    for (let i = 0; i < 20; i++) ids.push((await first.messages.send(noticeBySms)).id)
    await first.messages.close()
    gateway.behave(202)
    gateway.requests.length = 0
    const others = await Promise.all([1, 2, 3, 4].map(() => open(environment, clock)))
    for (const { messages } of others) messages.start()
    await clock.advance(minute, ...others.map(({ messages }) => messages))
    const keys = gateway.requests.map(({ headers }) => headers['idempotency-key'])
    assert.deepEqual(keys.toSorted(), ids.toSorted())
  })

  it('stay with a server that lives, however long it tries', async () => {
    const clock = new TestClock()
    const first = await open(environment, clock)
    const second = await open(environment, clock)
    first.messages.start()
    second.messages.start()
    gateway.behave(500)
    const { id } = await first.messages.send(pinBySms)
    await clock.advance(9 * minute, first.messages, second.messages)
    assert.equal(await stateOf(second.messages, id), 'waiting')
    gateway.behave(202)
    await clock.advance(minute, first.messages, second.messages)
    assert.equal(await stateOf(second.messages, id), 'sent')
    assert.equal(gateway.requests.length, 7)
  })

  it('are left alone by a command', async () => {
    const clock = new TestClock()
    const killed = await openTestMessages(environment)
    gateway.behave(500)
    const { id } = await killed.messages.send(noticeBySms)
    const command = await open(environment, clock)
    await command.advance(15 * minute)
    assert.equal(gateway.requests.length, 1)
    assert.equal((await stored(id))?.state, 'waiting')
    await killed.messages.close()
  })
})

describe('Which channels there are', () => {
  it('are all in a trial or test, where nothing leaves the machine', async () => {
    const { messages } = await open({})
    assert.deepEqual(messages.channels, { sms: true, email: true })
    assert.equal((await messages.send(pinBySms)).state, 'sent')
    assert.doesNotMatch(await wholeStore(), /482093/)
  })

  it('are in production those with a setting, and the log says what is missing', async () => {
    const production = {
      NODE_ENV: 'production',
      BASE_URL: 'https://sso.uni.example',
      SCOPE: 'uni.example',
      INSTITUTION_FILE: '/etc/propylaia/institution.json',
    }
    const none = await open(production)
    assert.deepEqual(none.messages.channels, { sms: false, email: false })
    assert.deepEqual(none.logged, [])
    none.messages.start()
    const warnings = none.logged.map(({ facts }) => facts).join('\n')
    assert.match(warnings, /SMTP_URL is not set: no mail is sent/)
    assert.match(warnings, /SMS_GATEWAY_URL is not set: no SMS is sent/)
    assert.match(warnings, /nobody can activate an account/)
    const { id, state } = await none.messages.send(noticeBySms)
    assert.equal(state, 'failed')
    assert.equal((await stored(id))?.lastError, 'SMS_GATEWAY_URL is not set')
    const mailOnly = await open({ ...production, SMTP_URL: server.url })
    assert.deepEqual(mailOnly.messages.channels, { sms: false, email: true })
  })
})

/** Runs `propylaia messages …`. */
async function run(clock: TestClock, ...args: string[]) {
  const write = process.stdout.write
  const writeError = process.stderr.write
  let out = ''
  // The test runner reports in bytes on the same stream; those pass.
  process.stdout.write = ((chunk: unknown, ...rest: []) => {
    if (typeof chunk !== 'string') return write.call(process.stdout, chunk as Uint8Array, ...rest)
    out += chunk
    return true
  }) as typeof write
  process.stderr.write = (() => true) as typeof writeError
  const audit = { record() {}, close: async () => {} }
  try {
    const code = await messagesCommand({ now: clock.now, audit }, args)
    const json = args.includes('--json') && code === 0 ? JSON.parse(out) : []
    return { code, out, json: json as Record<string, unknown>[] }
  } finally {
    process.stdout.write = write
    process.stderr.write = writeError
  }
}
