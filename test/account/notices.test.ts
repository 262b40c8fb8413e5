import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sendNotice } from '../../src/account/notices.ts'
import type { AppContext } from '../../src/context.ts'
import type { OutgoingMessage } from '../../src/messages/messages.ts'

const account = {
  _id: 'synthetic',
  username: 'dpapadopoulou',
  mobile: '+306900000042',
  email: 'dimitra@example.org',
}

/** What would be sent, with a gateway that `fails` or not. */
function outbox(fails = false) {
  const sent: OutgoingMessage[] = []
  const errors: object[] = []
  const context = {
    config: { baseUrl: 'https://id.example.gr', isProduction: false },
    institution: {
      name: { el: 'Πανεπιστήμιο Δοκιμής', en: 'Test University' },
      helpdesk: { email: 'help@example.gr' },
    },
    log: { error: (entry: object) => errors.push(entry) },
    messages: {
      send: async (message: OutgoingMessage) => {
        if (fails) throw new Error('store is gone')
        sent.push(message)
        return { id: '1', state: 'sent' }
      },
    },
  } as unknown as AppContext
  return { context, sent, errors }
}

describe('A notice about the account', () => {
  it('goes to every contact that the account keeps, in the language of the page', () => {
    for (const [language, subject] of [
      ['el', 'Ο κωδικός σας άλλαξε'],
      ['en', 'Your password was changed'],
    ] as const) {
      const { context, sent } = outbox()
      sendNotice(context, account, { kind: 'password-changed', language })
      assert.deepEqual(
        sent.map(({ channel, to, kind, personId }) => [channel, to, kind, personId]),
        [
          ['sms', account.mobile, 'account-notice', account._id],
          ['email', account.email, 'account-notice', account._id],
        ],
      )
      const [sms, mail] = sent
      assert.equal(sms?.subject, undefined)
      assert.equal(mail?.subject, subject)
      for (const message of sent) {
        assert.match(message.text, /dpapadopoulou/)
        assert.match(message.text, /https:\/\/id\.example\.gr\/account\/recover/)
        assert.doesNotMatch(message.text, /[{}]/)
      }
    }
  })

  it('goes to nobody when the account keeps no contact', () => {
    const { context, sent } = outbox()
    const { mobile, email, ...bare } = account
    sendNotice(context, bare, { kind: 'password-recovered', language: 'el' })
    assert.deepEqual(sent, [])
  })

  it('goes to the contact of before when that is named', () => {
    const { context, sent } = outbox()
    const to = { email: 'old@example.org' }
    const values = { contact: 'd•••••@e•••••.org', undoUrl: 'https://id.example.gr/undo' }
    sendNotice(context, account, { kind: 'contact-changed', language: 'el', to, values })
    assert.deepEqual(
      sent.map((message) => message.to),
      ['old@example.org'],
    )
    assert.match(sent[0]?.text ?? '', /https:\/\/id\.example\.gr\/undo/)
  })

  it('tells the reference of the matter, in mail in its text too', () => {
    const { context, sent } = outbox()
    const reference = 'K7F-2QX'
    sendNotice(context, account, { kind: 'password-recovered', language: 'en', reference })
    assert.deepEqual(
      sent.map((message) => [message.reference, message.text.includes(reference)]),
      [
        [reference, false],
        [reference, true],
      ],
    )
  })

  it('that cannot be taken stops nothing, and is logged', async () => {
    const { context, errors } = outbox(true)
    sendNotice(context, account, { kind: 'password-changed', language: 'el' })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(errors.length, 2)
  })
})
