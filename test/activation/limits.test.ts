import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AttemptModel } from '../../src/activation/attempt-model.ts'
import { readFunnel } from '../../src/activation/funnel.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { MessageModel } from '../../src/messages/message-model.ts'
import { findAccountByUsername } from '../../src/people/people-store.ts'
import { athensDate } from '../../src/people/person.ts'
import { ActivationWalk, chosenPassword } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

describe('Limits and races of the activation', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', ACTIVATION_SEARCHES_PER_ADDRESS: '6' })
  })
  after(() => app.close())

  async function newStudent(change = {}) {
    await ThrottleModel.deleteMany({})
    const row = studentRow(change)
    await importRows(app, row)
    const mobile = row.mobile ?? ''
    return { row, mobile, email: row.email ?? '', walk: new ActivationWalk(app) }
  }

  async function newPin(change = {}) {
    const student = await newStudent(change)
    await student.walk.begin()
    await student.walk.contact({ mobile: student.mobile })
    return { ...student, pin: await student.walk.lastPin(student.mobile) }
  }

  const wrongFor = (pin: string) => (pin === '000000' ? '000001' : '000000')
  const stateOf = async (username = '') => (await findAccountByUsername(username))?.state

  describe('A PIN', () => {
    it('is six digits, in no record as such', async () => {
      const { pin } = await newPin()
      assert.match(pin, /^\d{6}$/)
      const attempts = JSON.stringify(await AttemptModel.find().lean())
      assert.doesNotMatch(attempts, new RegExp(`"${pin}"`))
    })

    it('is good for 15 minutes and not longer', async () => {
      const early = await newPin()
      app.advance(14 * minuteMs)
      assert.match((await early.walk.pin(early.pin)).body, /Βήμα 3\/4/)
      const late = await newPin()
      app.advance(15 * minuteMs)
      const page = await late.walk.pin(late.pin)
      assert.match(page.body, /ACTIVATION_PIN_EXPIRED/)
      assert.doesNotMatch(page.body, /Παπαδοπούλου/)
    })

    it('is taken with a space in the middle, and a slip of the finger costs no try', async () => {
      const { walk, pin } = await newPin()
      assert.equal((await walk.pin('12345')).status, 422)
      assert.equal((await walk.pin('')).status, 422)
      assert.match((await walk.pin(`${pin.slice(0, 3)} ${pin.slice(3)}`)).body, /Βήμα 3\/4/)
    })

    it('allows five tries, and the right one is too late then', async () => {
      const { walk, pin } = await newPin()
      for (let tries = 4; tries >= 1; tries--) {
        const page = await walk.pin(wrongFor(pin))
        assert.equal(page.status, 422)
      }
      assert.match((await walk.pin(wrongFor(pin))).body, /ACTIVATION_PIN_USED_UP/)
      assert.doesNotMatch((await walk.pin(pin)).body, /Βήμα 3\/4/)
    })

    it('allows five tries also when they come all at once', async () => {
      const { walk, pin } = await newPin()
      const _csrf = hiddenField((await walk.open('/register/pin')).body, '_csrf')
      const guesses = Array.from({ length: 20 }, (_, index) => String(100_000 + index))
      await Promise.all(
        guesses
          .filter((guess) => guess !== pin)
          .map((guess) => walk.post('/register/pin', { pin: guess }, _csrf)),
      )
      const page = await walk.post('/register/pin', { pin }, _csrf)
      assert.doesNotMatch(page.body, /Βήμα 3\/4/)
    })

    it('works once', async () => {
      const { walk, pin } = await newPin()
      const _csrf = hiddenField((await walk.open('/register/pin')).body, '_csrf')
      assert.match((await walk.pin(pin)).body, /Βήμα 3\/4/)
      const again = await walk.client.post('/register/pin', { _csrf, pin })
      assert.equal(again.headers.location, '/register/review')
      const stranger = new ActivationWalk(app)
      await stranger.begin()
      assert.doesNotMatch((await stranger.pin(pin)).body, /Βήμα 3\/4/)
    })

    it('is void when another is sent, and the new one works', async () => {
      const { walk, pin, mobile } = await newPin()
      app.advance(minuteMs)
      const page = await walk.submit('/register/pin/new', {})
      assert.equal(page.status, 200)
      const fresh = await walk.lastPin(mobile)
      if (fresh !== pin) assert.equal((await walk.pin(pin)).status, 422)
      assert.match((await walk.pin(fresh)).body, /Βήμα 3\/4/)
    })

    it('is void when the same browser begins again', async () => {
      const { walk, pin } = await newPin()
      await walk.begin()
      const page = await walk.pin(pin)
      assert.doesNotMatch(page.body, /Βήμα 3\/4/)
    })

    it('is worth nothing in another browser', async () => {
      const { pin, mobile } = await newPin()
      const stranger = new ActivationWalk(app)
      await stranger.begin()
      const _csrf = hiddenField((await stranger.open('/register/contact')).body, '_csrf')
      const page = await stranger.post('/register/pin', { pin }, _csrf)
      assert.doesNotMatch(page.body, /Βήμα 3\/4/)
      assert.ok(mobile)
    })

    it('is sent again at most once in half a minute', async () => {
      const { walk, mobile } = await newPin()
      const page = await walk.submit('/register/pin/new', {})
      assert.equal(page.status, 429)
      assert.equal(await MessageModel.countDocuments({ to: mobile }), 1)
    })

    it('goes to one number five times in an hour, whoever asks', async () => {
      const { mobile } = await newPin()
      const outcomes: number[] = []
      for (let index = 0; index < 5; index++) {
        const other = new ActivationWalk(app)
        await other.begin()
        outcomes.push((await other.contact({ mobile })).status)
      }
      assert.deepEqual(outcomes, [200, 200, 200, 200, 429])
      assert.equal(await MessageModel.countDocuments({ to: mobile }), 5)
    })

    it('is guessed at most thirty times in a day for one number, over all activations', async () => {
      const { mobile } = await newStudent()
      let wrong = 0
      for (let round = 0; wrong < 40 && round < 12; round++) {
        const walk = new ActivationWalk(app)
        await walk.begin()
        const sent = await walk.contact({ mobile })
        if (sent.status === 429) {
          await ThrottleModel.deleteMany({ _id: /^activation-pin-(hour|day)/ })
          continue
        }
        const pin = await walk.lastPin(mobile)
        for (let tries = 0; tries < 4; tries++) {
          const page = await walk.pin(wrongFor(pin))
          if (page.status === 429) {
            assert.equal(wrong, 30)
            assert.match((await walk.pin(pin)).body, /ACTIVATION_THROTTLED/)
            return
          }
          wrong++
        }
      }
      assert.fail(`${wrong} wrong PINs were looked at`)
    })
  })

  it('finds nobody any more for a network that walks through numbers', async () => {
    const { mobile } = await newStudent()
    const walk = new ActivationWalk(app)
    await walk.begin()
    for (let number = 0; number < 6; number++) {
      const page = await walk.contact({ mobile: `+3069888800${String(number).padStart(2, '0')}` })
      assert.equal(page.status, 422)
    }
    const page = await walk.contact({ mobile })
    assert.equal(page.status, 429)
    assert.match(page.body, /ACTIVATION_THROTTLED/)
    assert.equal(await MessageModel.countDocuments({ to: mobile }), 0)
    app.advance(15 * minuteMs)
    assert.match((await walk.contact({ mobile })).body, /name="pin"/)
  })

  it('does not count searches that find somebody', async () => {
    for (let number = 0; number < 8; number++) {
      const row = studentRow()
      await importRows(app, row)
      const walk = new ActivationWalk(app)
      await walk.begin()
      assert.match((await walk.contact({ mobile: row.mobile ?? '' })).body, /name="pin"/)
    }
  })

  it('asks the AMKA registry at most twenty times about one person in a day', async () => {
    const { walk, mobile } = await newStudent({ amka: '' })
    await walk.toReview({ mobile })
    for (let question = 0; question < 20; question++) {
      const page = await walk.submit('/register/number', { amka: syntheticAmka('1990-01-01') })
      assert.match(page.body, /Ανεπιτυχής έλεγχος/)
    }
    const page = await walk.submit('/register/number', { amka: syntheticAmka('2007-03-12') })
    assert.match(page.body, /ACTIVATION_THROTTLED/)
  })

  it('goes on in another tab, and after a break', async () => {
    const { walk, pin } = await newPin()
    app.advance(10 * minuteMs)
    assert.match((await walk.open('/register')).body, /\/register\/continue/)
    assert.match((await walk.open('/register/continue')).body, /name="pin"/)
    assert.match((await walk.pin(pin)).body, /Βήμα 3\/4/)
  })

  it('lets one of two tabs finish, with its password', async () => {
    const { row, walk, pin } = await newPin()
    await walk.pin(pin)
    await walk.agree()
    const _csrf = hiddenField((await walk.open('/register/password')).body, '_csrf')
    const passwords = ['Kastro-83-Thymari', 'Limani-61-Fasoli', 'Vounio-27-Kerasi']
    const answers = await Promise.all(
      passwords.map((password) =>
        walk.client.post('/register/password', {
          _csrf,
          password,
          passwordRepeat: password,
          terms: 'yes',
        }),
      ),
    )
    assert.ok(answers.every(({ status }) => status === 303))
    let accepted = 0
    for (const password of passwords) {
      const client = new HttpClient(app.baseUrl)
      const token = hiddenField((await client.get('/login')).body, '_csrf')
      const username = row.username as string
      const answer = await client.post('/login', { _csrf: token, username, password })
      if (answer.status === 303) accepted++
    }
    assert.equal(accepted, 1)
  })

  it('lets one of two browsers finish, and tells the other', async () => {
    const { row, mobile, walk } = await newStudent()
    const other = new ActivationWalk(app)
    for (const each of [walk, other]) {
      await each.toReview({ mobile })
      await each.agree()
    }
    await walk.password()
    const page = await other.password('Limani-61-Fasoli')
    assert.match(page.body, /ACTIVATION_ALREADY_ACTIVE/)
    assert.equal(await stateOf(row.username), 'active')
  })

  it('stops when the record changed after the review', async () => {
    const { row, mobile, walk } = await newStudent()
    await walk.toReview({ mobile })
    await walk.agree()
    await importRows(app, { ...row, username: `${row.username}9` })
    const page = await walk.password()
    assert.match(page.body, /ACTIVATION_RECORD_CHANGED/)
    assert.equal(await stateOf(`${row.username}9`), 'pending')
  })

  it('stops when the role ended after the PIN', async () => {
    const { row, mobile, walk } = await newStudent()
    await walk.toReview({ mobile })
    await importRows(app, { ...row, status: 'ended' })
    assert.match(
      (await walk.submit('/register/review', { decision: 'agree' })).body,
      /ACTIVATION_RECORD_CHANGED/,
    )
    assert.equal(await stateOf(row.username), 'pending')
  })

  it('takes no step out of turn', async () => {
    const { row, walk } = await newPin()
    const _csrf = hiddenField((await walk.open('/register/pin')).body, '_csrf')
    for (const [path, fields] of [
      ['/register/review', { decision: 'agree' }],
      [
        '/register/password',
        { password: chosenPassword, passwordRepeat: chosenPassword, terms: 'yes' },
      ],
      ['/register/fact', { birthDay: '12', birthMonth: '3', birthYear: '2007' }],
      ['/register/number', { amka: row.amka ?? '' }],
      ['/register/number/again', {}],
    ] as const) {
      const answer = await walk.client.post(path, { _csrf, ...fields })
      assert.equal(answer.headers.location, '/register/pin', `${path} was taken`)
    }
    for (const path of ['review', 'password', 'number', 'fact', 'disagree', 'done', 'stopped'])
      assert.doesNotMatch((await walk.open(`/register/${path}`)).body, /Παπαδοπούλου/)
    assert.equal(await stateOf(row.username), 'pending')
  })

  it('takes no form without its token', async () => {
    const { walk, pin } = await newPin()
    assert.equal((await walk.client.post('/register/pin', { pin })).status, 403)
    const page = await walk.client.post('/register', {})
    assert.equal(page.status, 403)
  })

  it('survives fields that are lists or missing', async () => {
    const { walk } = await newStudent()
    await walk.begin()
    const _csrf = hiddenField((await walk.open('/register/contact')).body, '_csrf')
    const body = `_csrf=${_csrf}&mobile=1&mobile=2&email[$ne]=x`
    const answer = await fetch(`${app.baseUrl}/register/contact`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: `csrf=${walk.client.cookie('csrf')}; activation=${walk.client.cookie('activation')}`,
      },
      body,
    })
    assert.equal(answer.status, 422)
  })

  it('leaves the contact, PIN and number out of the record once it has ended', async () => {
    const { walk, mobile, row } = await newStudent()
    const page = await walk.activate({ mobile })
    assert.match(page.body, /Καλωσήλθατε/)
    const account = await findAccountByUsername(row.username as string)
    const [attempt] = await AttemptModel.find({ personId: account?._id }).lean()
    assert.equal(attempt?.step, 'done')
    for (const field of ['mobile', 'email', 'pin', 'number', 'candidates'])
      assert.ok(!(field in (attempt ?? {})), `${field} is still there`)
  })

  it('counts how far activations come, by day and role', async () => {
    const today = athensDate(app.context.now())
    const before = (await readFunnel(today)).find((row) => row.role === 'affiliate')
    assert.equal(before, undefined)
    const { walk, mobile } = await newStudent({ role: 'affiliate', degreeLevel: '' })
    await walk.begin('affiliate')
    await walk.contact({ mobile })
    app.advance(minuteMs)
    await walk.submit('/register/pin/new', {})
    await walk.pin(await walk.lastPin(mobile))
    await walk.agree()
    await walk.open('/register/review')
    await walk.agree()
    await walk.password('short')
    await walk.password()
    const after = (await readFunnel(athensDate(app.context.now()))).find(
      (row) => row.role === 'affiliate',
    )
    assert.deepEqual(
      { ...after, day: undefined },
      {
        day: undefined,
        role: 'affiliate',
        started: 1,
        pinSent: 1,
        pinRight: 1,
        numberChecked: 1,
        agreed: 1,
        done: 1,
        donePaper: 0,
      },
    )
  })

  it('forgets after a day what was counted against a number', async () => {
    const { mobile } = await newPin()
    for (let index = 0; index < 5; index++) {
      const other = new ActivationWalk(app)
      await other.begin()
      await other.contact({ mobile })
    }
    app.advance(dayMs)
    const walk = new ActivationWalk(app)
    await walk.begin()
    assert.match((await walk.contact({ mobile })).body, /name="pin"/)
  })
})
