import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Carrier, Parcel } from '../../src/messages/carrier.ts'
import { openMailServer } from '../../src/messages/mail.ts'
import { freePortRange } from '../support/free-ports.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { institution } from './message-support.ts'

let server: MailServer
let mail: Carrier
before(async () => {
  server = await startMailServer()
})
beforeEach(() => {
  mail?.close()
  mail = openMailServer(server.url, institution)
  server.behave('accept')
  server.messages.length = 0
  server.recipients.length = 0
})
after(async () => {
  mail.close()
  await server.close()
})

const parcel: Parcel = {
  id: '6b023d02cc8c72aaccdb52db',
  to: 'dimitra@example.org',
  language: 'el',
  subject: 'Κωδικός PIN για την ενεργοποίηση του λογαριασμού σας στο Πανεπιστήμιο',
  text: 'Ο κωδικός PIN σας είναι 482093.\n\nΙσχύει για 15 λεπτά.',
  createdAt: new Date('2026-11-21T10:00:00Z'),
}

describe('Mail to a server that takes it', () => {
  it('arrives encrypted, in Greek, from the institution, and asks for no automatic answer', async () => {
    assert.deepEqual(await mail.carry(parcel), { result: 'accepted' })
    const [received] = server.messages
    assert.equal(received?.isEncrypted, true)
    assert.deepEqual(received?.to, ['dimitra@example.org'])
    assert.equal(received?.from, institution.mailFrom ?? institution.helpdesk.email)
    assert.equal(received?.subject, parcel.subject)
    assert.equal(received?.text, parcel.text)
    assert.match(received?.headers['content-type'] ?? '', /^text\/plain; charset=utf-8/i)
    assert.match(received?.headers.from ?? '', new RegExp(institution.name.el))
    assert.equal(received?.headers['auto-submitted'], 'auto-generated')
    assert.equal(received?.headers.date, 'Sat, 21 Nov 2026 10:00:00 +0000')
  })

  it("has the institution's English name for who reads English", async () => {
    await mail.carry({ ...parcel, language: 'en' })
    assert.match(server.messages[0]?.headers.from ?? '', new RegExp(institution.name.en))
  })

  it('has the same Message-ID at every try', async () => {
    await mail.carry(parcel)
    await mail.carry(parcel)
    const ids = server.messages.map(({ headers }) => headers['message-id'])
    assert.equal(ids.length, 2)
    assert.equal(ids[0], ids[1])
    assert.match(ids[0] ?? '', /^<6b023d02cc8c72aaccdb52db@/)
  })

  it('cannot be given more headers or recipients by a subject or an address', async () => {
    const subject = 'PIN\r\nBcc: thief@example.net\r\n\r\nother text'
    assert.deepEqual(await mail.carry({ ...parcel, subject }), { result: 'accepted' })
    assert.equal(server.messages[0]?.headers.bcc, undefined)
    assert.equal(server.messages[0]?.text, parcel.text)
    for (const to of [
      'dimitra@example.org, thief@example.net',
      'dimitra@example.org\r\nRCPT TO:<thief@example.net>',
      'Thief <thief@example.net>',
      '"a@b"@example.org',
      'dimitra',
      '',
    ]) {
      const outcome = await mail.carry({ ...parcel, to })
      assert.deepEqual(outcome, { result: 'refused', reason: 'not a mail address' }, to)
    }
    assert.deepEqual(server.recipients, ['dimitra@example.org'])
  })
})

describe('Mail to a server that does not take it', () => {
  it('is refused for good when there is no such mailbox (550)', async () => {
    server.behave('refuse')
    const outcome = await mail.carry(parcel)
    assert.equal(outcome.result, 'refused')
    assert.match((outcome as { reason: string }).reason, /^SMTP 550 .*no such mailbox/)
  })

  it('waits when the server greylists (451), and arrives at a later try', async () => {
    server.behave('greylist')
    const outcome = await mail.carry(parcel)
    assert.equal(outcome.result, 'retry')
    assert.match((outcome as { reason: string }).reason, /^SMTP 451 .*Greylisted/)
    server.behave('accept')
    assert.deepEqual(await mail.carry(parcel), { result: 'accepted' })
  })

  it('waits when the server does not answer, cuts the connection, or is away', async () => {
    server.behave('hang')
    assert.equal((await mail.carry(parcel)).result, 'retry')
    server.behave('cut')
    assert.equal((await mail.carry(parcel)).result, 'retry')
    const away = openMailServer(`smtp://127.0.0.1:${await freePortRange(1)}`, institution)
    const outcome = await away.carry(parcel)
    away.close()
    assert.equal(outcome.result, 'retry')
    assert.match((outcome as { reason: string }).reason, /ECONNREFUSED/)
  })

  it('waits when the server never greets', async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => void sockets.push(socket))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const mute = openMailServer(`smtp://127.0.0.1:${port}/?greetingTimeout=300`, institution)
    assert.equal((await mute.carry(parcel)).result, 'retry')
    mute.close()
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  it('ends a try that runs when the server is stopped', async () => {
    server.behave('hang')
    const carried = mail.carry(parcel)
    while (server.recipients.length === 0) await new Promise((resolve) => setImmediate(resolve))
    mail.close()
    assert.equal((await carried).result, 'retry')
  })
})

describe('Mail and encryption', () => {
  it('is not sent in plain to a server without STARTTLS', async () => {
    server.behave('no-starttls')
    const outcome = await mail.carry(parcel)
    assert.equal(outcome.result, 'refused')
    assert.match((outcome as { reason: string }).reason, /refuses STARTTLS/)
    assert.deepEqual(server.recipients, [])
  })

  it('is sent in plain when SMTP_URL says so', async () => {
    server.behave('no-starttls')
    for (const setting of ['requireTLS=false', 'ignoreTLS=true']) {
      const plain = openMailServer(`${server.url}&${setting}`, institution)
      assert.deepEqual(await plain.carry(parcel), { result: 'accepted' }, setting)
      plain.close()
    }
    assert.deepEqual(
      server.messages.map(({ isEncrypted }) => isEncrypted),
      [false, false],
    )
  })

  it('is not sent to a server whose certificate nobody vouches for', async () => {
    const strict = openMailServer(server.strictUrl, institution)
    const outcome = await strict.carry(parcel)
    strict.close()
    assert.equal(outcome.result, 'refused', JSON.stringify(outcome))
    assert.deepEqual(server.recipients, [])
  })

  it('is encrypted from the first byte with smtps', async () => {
    const secure = await startMailServer({ implicitTls: true })
    const overTls = openMailServer(secure.url, institution)
    const strict = openMailServer(secure.strictUrl, institution)
    assert.deepEqual(await overTls.carry(parcel), { result: 'accepted' })
    assert.equal((await strict.carry(parcel)).result, 'refused')
    assert.equal(secure.messages.length, 1)
    overTls.close()
    strict.close()
    await secure.close()
  })

  it('signs in with the user and password of the URL, and fails at once when they are wrong', async () => {
    const login = { user: 'idp@uni.example', password: 'a/b@c:d %' }
    const asking = await startMailServer({ login })
    const right = openMailServer(asking.url, institution)
    const wrong = openMailServer(asking.url.replace('idp%40', 'other%40'), institution)
    assert.deepEqual(await right.carry(parcel), { result: 'accepted' })
    const outcome = await wrong.carry(parcel)
    assert.equal(outcome.result, 'refused')
    assert.match((outcome as { reason: string }).reason, /^SMTP 535 /)
    assert.doesNotMatch((outcome as { reason: string }).reason, /a\/b@c/)
    right.close()
    wrong.close()
    await asking.close()
  })
})
