import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AttemptModel } from '../../src/activation/attempt-model.ts'
import { changeAttempt, findAttempt, startAttempt } from '../../src/activation/attempt-store.ts'
import { sendPin } from '../../src/activation/pin-sending.ts'
import { openLimiter } from '../../src/limits/limiter.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { stopAccount } from '../../src/people/account-state.ts'
import { findAccountByUsername } from '../../src/people/people-store.ts'
import { ActivationWalk } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { importRows, studentRow } from '../support/registrant.ts'

const minuteMs = 60_000

describe('Somebody who is up to no good', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())

  async function newStudent(change = {}) {
    await ThrottleModel.deleteMany({})
    const row = studentRow(change)
    await importRows(app, row)
    return { row, mobile: row.mobile ?? '', walk: new ActivationWalk(app) }
  }

  const sharedCookie = (walk: ActivationWalk) => walk.client.cookie('activation') ?? ''

  it('gets nothing from a cookie that they left in the browser of the person with the PIN', async () => {
    const { row, mobile, walk: thief } = await newStudent()
    await thief.begin()
    await thief.contact({ mobile })
    const owner = new ActivationWalk(app)
    owner.client.setCookie('activation', sharedCookie(thief))
    const review = await owner.pin(await owner.lastPin(mobile))
    assert.match(review.body, /Παπαδοπούλου/)
    for (const path of ['continue', 'review', 'password', 'number', 'stopped', 'done']) {
      const page = await thief.open(`/register/${path}`)
      assert.doesNotMatch(page.body, /Παπαδοπούλου/, path)
      assert.ok(!page.body.includes(row.username as string), path)
    }
    await thief.agree()
    await thief.password()
    assert.equal((await findAccountByUsername(row.username as string))?.state, 'pending')
    await owner.agree()
    assert.match((await owner.password()).body, /Καλωσήλθατε/)
  })

  it('cannot prove one role and activate another by changing it while the contact is looked up', async () => {
    const { context } = app
    const { mobile } = await newStudent()
    const { token, attempt } = await startAttempt(context, { language: 'el' })
    const asStudent = await changeAttempt(context, attempt, {
      set: { role: 'student', step: 'contact' },
    })
    assert.ok(asStudent)
    await changeAttempt(context, asStudent, { set: { role: 'staff' } })
    const sending = await sendPin(context, openLimiter(context), asStudent, {
      contact: { mobile },
      candidates: ['somebody'],
      network: '192.0.2.1',
      language: 'el',
      t: Object.assign((key: string) => key, { has: () => true }),
    })
    assert.equal(sending.outcome, 'overtaken')
    assert.equal((await findAttempt(context, { token }))?.step, 'contact')
  })

  it('does not get round the checks of the record by sending a number at once', async () => {
    const { row, mobile, walk } = await newStudent({ amka: '' })
    await walk.toReview({ mobile })
    const account = await findAccountByUsername(row.username as string)
    assert.ok(account)
    await stopAccount(account._id, 'disabled', undefined)
    const page = await walk.submit('/register/number', { ssnCountry: 'CY', ssn: 'ab1234' })
    assert.match(page.body, /ACTIVATION_ACCOUNT_STOPPED/)
  })

  it('does not keep a person out for a day by asking for more PINs than an hour allows', async () => {
    const { mobile, walk: thief } = await newStudent()
    await thief.begin()
    for (let asked = 0; asked < 25; asked++) {
      await thief.contact({ mobile })
      app.advance(minuteMs)
    }
    app.advance(60 * minuteMs)
    const owner = new ActivationWalk(app)
    await owner.begin()
    assert.match((await owner.contact({ mobile })).body, /name="pin"/)
  })

  describe('at a shared computer', () => {
    async function stoppedWalk() {
      const student = await newStudent({ amka: '', lastNameEl: 'Αναγνώστου' })
      const { mobile, walk } = student
      await walk.toReview({ mobile })
      await AttemptModel.updateMany(
        { step: 'number', endedAt: { $exists: false } },
        { $set: { stoppedBy: 'ACTIVATION_DATA_MISSING', endedAt: app.context.now() } },
      )
      return student
    }

    it('finds whose activation was stopped for a quarter of an hour and no longer', async () => {
      const { row, walk } = await stoppedWalk()
      const username = row.username as string
      const fresh = await walk.open('/register/stopped')
      assert.ok(fresh.body.includes(username), fresh.body)
      app.advance(15 * minuteMs)
      const page = await walk.open('/register/stopped')
      assert.match(page.body, /ACTIVATION_DATA_MISSING/)
      assert.ok(!page.body.includes(username))
    })

    it('finds nothing when the person pressed the button that forgets', async () => {
      const { walk } = await stoppedWalk()
      const page = await walk.open('/register/stopped')
      assert.match(page.body, /action="\/register\/leave"/)
      await walk.post('/register/leave', {}, hiddenField(page.body, '_csrf'))
      assert.equal(walk.client.cookie('activation'), undefined)
      assert.doesNotMatch((await walk.open('/register/stopped')).body, /ACTIVATION_/)
    })
  })
})
