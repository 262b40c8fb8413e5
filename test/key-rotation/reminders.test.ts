import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { endingCertificates, remindOfCertificates } from '../../src/key-rotation/reminders.ts'
import { activateKey, stageKey } from '../../src/keys/key-life.ts'
import { type KeyRecord, listKeys } from '../../src/keys/key-records.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const day = 86_400_000

describe('Reminders of certificates that end', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'fatal' })
  })
  after(() => app.close())

  it('go to the technical contact 90, 30 and 7 days before, once each', async () => {
    const { technicalContact } = app.context.institution
    const staged = await stageKey(app.context, { use: 'saml', by: 'test', certificateDays: 100 })
    await activateKey(app.context, staged.kid, { by: 'test' })
    const walk = new AccountWalk(app)
    const subjects = async () =>
      (await walk.outbox(technicalContact.email)).map(({ subject }) => subject).reverse()
    const run = () => Promise.all([1, 2].map(() => remindOfCertificates(app.context)))

    await run()
    assert.deepEqual(await subjects(), [])
    app.advance(11 * day)
    await run()
    await run()
    assert.deepEqual(await subjects(), [
      'Το πιστοποιητικό SAML λήγει σε 88 ημέρες / The SAML certificate ends in 88 days',
    ])
    app.advance(60 * day)
    await run()
    app.advance(23 * day)
    await run()
    assert.deepEqual((await subjects()).slice(1), [
      'Το πιστοποιητικό SAML λήγει σε 28 ημέρες / The SAML certificate ends in 28 days',
      'Το πιστοποιητικό SAML λήγει σε 5 ημέρες / The SAML certificate ends in 5 days',
    ])
    const [last] = await walk.outbox(technicalContact.email)
    assert.match(last?.text ?? '', /keys stage --use saml/)
    assert.match(last?.text ?? '', /\/admin\/keys/)
    assert.match(last?.text ?? '', /λήγει σε 5 ημέρες[\s\S]*ends in 5 days/)
    app.advance(20 * day)
    await run()
    assert.equal((await subjects()).length, 3)
  })

  it('tell of the most urgent stage alone, of keys that sign alone', async () => {
    const [key] = (await listKeys()).filter(
      ({ use, state }) => use === 'saml' && state === 'active',
    )
    assert.ok(key?.certificate)
    const now = new Date('2026-03-01T10:00:00Z')
    const ending = (days: number, change: Partial<KeyRecord> = {}) =>
      endingCertificates(
        [
          {
            ...key,
            certificate: { ...key.certificate!, notAfter: new Date(now.getTime() + days * day) },
            ...change,
          },
        ],
        now,
      ).map(({ stage, daysLeft }) => [stage, daysLeft])
    assert.deepEqual(ending(91), [])
    assert.deepEqual(ending(90), [[90, 90]])
    assert.deepEqual(ending(30), [[30, 30]])
    assert.deepEqual(ending(3.5), [[7, 3]])
    assert.deepEqual(ending(-10), [[7, 0]])
    assert.deepEqual(ending(3, { state: 'retiring' }), [])
  })
})
