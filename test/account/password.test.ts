import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { verifyPassword } from '../../src/login/password.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { findAccount } from '../../src/people/people-store.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { syntheticAmka } from '../support/registrant.ts'

const newPassword = 'Kastro-83-Thymari'

describe('Changing the password', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  /** Somebody with an account, and her browser, signed in. */
  async function newPerson(account: Parameters<typeof addPerson>[0] = {}) {
    await ThrottleModel.deleteMany({})
    const amka = sealNationalNumber(app.context.secrets, 'GR', syntheticAmka('2007-03-12'))
    const added = await addPerson({ ...account, person: { nationalNumbers: [amka] } })
    const walk = new AccountWalk(app)
    await walk.signIn(added.account.username, testPassword)
    return { ...added, walk }
  }

  const change = (walk: AccountWalk, fields: Record<string, string> = {}) =>
    walk.submit('/account/password', {
      currentPassword: testPassword,
      password: newPassword,
      passwordRepeat: newPassword,
      ...fields,
    })

  const isPassword = async (id: string, password: string) =>
    (await verifyPassword(password, (await findAccount(id))?.passwordHash)).ok

  const isSignedIn = async (walk: AccountWalk) => (await walk.client.get('/account')).status === 200

  it('takes the present password and the new one twice, and keeps this browser signed in', async () => {
    const { account, walk } = await newPerson()
    const page = await change(walk)
    assert.match(page.body, /Ο κωδικός σας άλλαξε/)
    assert.ok(await isPassword(account._id, newPassword))
    assert.ok(await isSignedIn(walk))
    const other = new AccountWalk(app)
    assert.match((await other.signIn(account.username, newPassword)).body, /Παπαδοπούλου/)
    const old = await new AccountWalk(app).signIn(account.username, testPassword)
    assert.equal(old.status, 401)
  })

  it('signs out everywhere else, unless the person does not want it', async () => {
    for (const [fields, stays] of [
      [{}, false],
      [{ signOutElsewhere: 'yes' }, false],
      [{ signOutElsewhere: 'no' }, true],
    ] as const) {
      const { account, walk } = await newPerson()
      const other = new AccountWalk(app)
      await other.signIn(account.username, testPassword)
      assert.match((await change(walk, fields)).body, /Ο κωδικός σας άλλαξε/)
      assert.equal(await isSignedIn(other), stays)
      assert.ok(await isSignedIn(walk))
    }
  })

  it('makes a copy of the cookie from before worthless', async () => {
    const { walk } = await newPerson()
    const thief = new AccountWalk(app)
    thief.client.setCookie('sso', walk.client.cookie('sso') ?? '')
    assert.ok(await isSignedIn(thief))
    await change(walk, { signOutElsewhere: 'no' })
    assert.ok(!(await isSignedIn(thief)))
  })

  it('ticks the box for signing out and remembers that it was not ticked', async () => {
    const { walk } = await newPerson()
    const box = /<input[^>]*id="signOutElsewhere"[^>]*>/
    assert.match(box.exec((await walk.open('/account/password')).body)?.[0] ?? '', /checked/)
    const wrong = await change(walk, { currentPassword: 'x', signOutElsewhere: 'no' })
    assert.equal(wrong.status, 422)
    assert.doesNotMatch(box.exec(wrong.body)?.[0] ?? '', /checked/)
  })

  it('refuses without the present password, or with a wrong one, and changes nothing', async () => {
    const { account, walk } = await newPerson()
    const missing = await change(walk, { currentPassword: '' })
    assert.equal(missing.status, 422)
    assert.match(missing.body, /Γράψτε τον τωρινό κωδικό/)
    const wrong = await change(walk, { currentPassword: 'Lathos-55-Kodikos' })
    assert.equal(wrong.status, 422)
    assert.match(wrong.body, /Ο τωρινός κωδικός δεν είναι σωστός/)
    assert.doesNotMatch(wrong.body, /Lathos-55/)
    assert.ok(await isPassword(account._id, testPassword))
  })

  it('limits wrong present passwords together with those of the sign-in', async () => {
    const { account, walk } = await newPerson()
    const tries = app.context.config.loginTriesPerAccount
    for (let count = 0; count < tries; count++) await change(walk, { currentPassword: 'wrong' })
    const refused = await change(walk)
    assert.equal(refused.status, 429)
    assert.match(refused.body, /Έγιναν πολλές προσπάθειες/)
    assert.ok(Number(refused.headers['retry-after']) > 0)
    assert.ok(await isPassword(account._id, testPassword))
    // The same browser at the sign-in page: it is one counter.
    await walk.submit('/logout', {})
    assert.equal((await walk.signIn(account.username, testPassword)).status, 429)
    app.advance(16 * 60_000)
    assert.match((await walk.signIn(account.username, testPassword)).body, /Παπαδοπούλου/)
  })

  it('names every rule that the new password breaks, and does not count that as a try', async () => {
    const { account, walk } = await newPerson()
    const page = await change(walk, { password: 'abc', passwordRepeat: 'abd' })
    assert.equal(page.status, 422)
    assert.match(page.body, /id="password-error"/)
    assert.match(page.body, /id="passwordRepeat-error"/)
    const own = await change(walk, {
      password: 'Papadopoulou-7-4',
      passwordRepeat: 'Papadopoulou-7-4',
    })
    assert.equal(own.status, 422)
    assert.ok(await isPassword(account._id, testPassword))
    assert.equal(await ThrottleModel.countDocuments({ failures: { $gt: 0 } }), 0)
  })

  it('refuses the present password and the four before it', async () => {
    const { walk } = await newPerson()
    const names = ['Kastro', 'Thymari', 'Petalo', 'Anemos', 'Vrysi']
    const passwords = names.map((name, index) => `${name}-8${index}-Elaiona`)
    let present = testPassword
    for (const password of passwords) {
      const page = await change(walk, {
        currentPassword: present,
        password,
        passwordRepeat: password,
      })
      assert.match(page.body, /Ο κωδικός σας άλλαξε/, password)
      present = password
    }
    for (const used of passwords) {
      const page = await change(walk, {
        currentPassword: present,
        password: used,
        passwordRepeat: used,
      })
      assert.equal(page.status, 422)
      assert.match(page.body, /τους πέντε τελευταίους/)
    }
    // The sixth back may come again.
    const again = await change(walk, {
      currentPassword: present,
      password: testPassword,
      passwordRepeat: testPassword,
    })
    assert.match(again.body, /Ο κωδικός σας άλλαξε/)
  })

  it('tells every contact that the account keeps', async () => {
    const id = Math.random().toString().slice(2, 10)
    const contacts = { mobile: `+3069${id}`, email: `p${id}@example.org` }
    const { account, walk } = await newPerson({ account: contacts })
    const page = await change(walk)
    assert.match(page.body, /Στείλαμε επιβεβαίωση με SMS/)
    for (const to of Object.values(contacts)) {
      const [message] = await walk.outbox(to)
      assert.match(message?.text ?? '', new RegExp(`${account.username} άλλαξε`))
      assert.doesNotMatch(message?.text ?? '', new RegExp(newPassword))
    }
  })

  it('is in the audit log with its way and without the password', async () => {
    const { account, walk } = await newPerson()
    await change(walk, { currentPassword: 'wrong' })
    await change(walk)
    await app.context.audit.close()
    const events = await AuditModel.find({ personId: account._id }).lean()
    const names = events.map(({ event, result }) => `${event} ${result}`)
    assert.ok(names.includes('password.check failure'), names.join())
    assert.ok(names.includes('password.set success'), names.join())
    assert.doesNotMatch(JSON.stringify(events), new RegExp(newPassword))
  })

  it('lets one of two changes at once win, and tells the other', async () => {
    const { account, walk } = await newPerson()
    const form = await walk.open('/account/password')
    const _csrf = hiddenField(form.body, '_csrf')
    const passwords = ['Kastro-83-Thymari', 'Petalo-72-Anemos']
    const answers = await Promise.all(
      passwords.map((password) =>
        walk.client.post('/account/password', {
          _csrf,
          currentPassword: testPassword,
          password,
          passwordRepeat: password,
        }),
      ),
    )
    const won = answers.findIndex(({ headers }) => headers.location === '/account/password/done')
    assert.ok(won >= 0, answers.map(({ status, body }) => `${status} ${body}`).join('\n'))
    const lost = answers[1 - won]
    assert.notEqual(lost?.headers.location, '/account/password/done')
    assert.ok(await isPassword(account._id, passwords[won] as string))
    assert.ok(!(await isPassword(account._id, passwords[1 - won] as string)))
  })

  it('shows the welcome of a change only after one', async () => {
    const { walk } = await newPerson({
      account: { passwordChangedAt: new Date('2026-01-10T10:00:00Z') },
    })
    const page = await walk.open('/account/password/done')
    assert.match(page.body, /name="currentPassword"/)
  })
})
