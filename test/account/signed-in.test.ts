import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { accounts } from '../../src/people/people-store.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

describe("The account's pages", () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  async function newVisitor(change: Parameters<typeof addPerson>[0] = {}) {
    const { account } = await addPerson(change)
    return { account, walk: new AccountWalk(app) }
  }

  it('ask for the sign-in first and then go on where the person wanted to go', async () => {
    const { account, walk } = await newVisitor()
    const answer = await walk.client.get('/account')
    assert.equal(answer.status, 303)
    assert.match(answer.headers.location ?? '', /^\/login\?flow=/)
    const page = await walk.signIn(account.username, testPassword, '/account')
    assert.equal(page.status, 200)
    assert.match(page.body, /Ο λογαριασμός και ο κωδικός σας/)
    assert.match(page.body, /Δήμητρα Παπαδοπούλου/)
    // The sealed flow has left the address.
    assert.match(page.body, /href="\/account\?lang=en"/)
  })

  it('lead to every part by links, with the page one is on marked', async () => {
    const { account, walk } = await newVisitor()
    const page = await walk.signIn(account.username, testPassword, '/account')
    for (const path of ['password', 'contact', 'information', 'sign-ins', 'data'])
      assert.match(page.body, new RegExp(`<a href="/account/${path}"`))
    assert.match(page.body, /<a href="\/account" aria-current="page">Αρχική/)
  })

  it('are reached from the home page', async () => {
    const { account, walk } = await newVisitor()
    const home = await walk.signIn(account.username, testPassword)
    assert.match(home.body, /href="\/account\/password"/)
    assert.match(home.body, /href="\/account\/contact"/)
    assert.match(home.body, /href="\/account"/)
  })

  it('say that a forgotten password cannot be recovered without a contact', async () => {
    const { account, walk } = await newVisitor()
    const page = await walk.signIn(account.username, testPassword, '/account')
    assert.match(page.body, /δεν θα μπορείτε να ορίσετε νέο μόνοι σας/)
    const other = await newVisitor({ account: { mobile: '+306900012345' } })
    const its = await other.walk.signIn(other.account.username, testPassword, '/account')
    assert.doesNotMatch(its.body, /δεν θα μπορείτε/)
    assert.match(its.body, /\+30 69•+ 45/)
    assert.doesNotMatch(its.body, /6900012345/)
  })

  it('are closed to somebody whose account was disabled a moment ago', async () => {
    const { account, walk } = await newVisitor()
    await walk.signIn(account.username, testPassword, '/account')
    await accounts().updateOne({ _id: account._id }, { $set: { state: 'disabled' } })
    const page = await walk.open('/account')
    assert.match(page.body, /name="username"/)
    assert.doesNotMatch(page.body, /Παπαδοπούλου/)
  })

  it('refuse a form that another site sends, also from a signed-in browser', async () => {
    const { account, walk } = await newVisitor()
    await walk.signIn(account.username, testPassword, '/account')
    const fields = { currentPassword: testPassword, password: 'x', passwordRepeat: 'x' }
    assert.equal((await walk.client.post('/account/password', fields)).status, 403)
  })

  it('lead a form that was left open until the session ended to the sign-in', async () => {
    const { account, walk } = await newVisitor()
    await walk.signIn(account.username, testPassword, '/account')
    const form = await walk.open('/account/contact')
    assert.equal(form.status, 200)
    app.advance(9 * 3_600_000)
    const answer = await walk.client.post('/account/contact', {
      _csrf: hiddenField(form.body, '_csrf'),
    })
    assert.equal(answer.status, 303)
    assert.match(answer.headers.location ?? '', /^\/login\?flow=/)
  })
})
