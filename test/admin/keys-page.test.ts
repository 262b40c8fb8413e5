import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import { listKeys } from '../../src/keys/key-records.ts'
import { grantAdminRight, revokeAdminRight } from '../../src/people/admin-right.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { serviceMetadata } from '../support/service-metadata.ts'
import { checkMarkup } from '../web/markup.ts'

const day = 86_400_000

describe('The console', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
    await registerServiceProvider(serviceMetadata('192.0.2.10', { en: 'e&lt;b&gt;Class' }), {
      origin: 'cli',
      approve: true,
    })
  })
  after(() => app.close())

  async function newVisitor(isAdmin: boolean) {
    const { account } = await addPerson()
    if (isAdmin) await grantAdminRight(account._id, 'test', new Date())
    const walk = new AccountWalk(app)
    return { account, walk }
  }

  async function newAdmin(path = '/admin/keys') {
    const { account, walk } = await newVisitor(true)
    return { account, walk, page: await walk.signIn(account.username, testPassword, path) }
  }

  it('asks for the sign-in first', async () => {
    const { walk } = await newVisitor(false)
    for (const path of ['/admin', '/admin/keys']) {
      const answer = await walk.client.get(path)
      assert.equal(answer.status, 303)
      assert.match(answer.headers.location ?? '', /^\/login\?flow=/)
    }
  })

  it('refuses everybody without the right, and writes that down', async () => {
    const { account, walk } = await newVisitor(false)
    const page = await walk.signIn(account.username, testPassword, '/admin/keys')
    assert.equal(page.status, 403)
    assert.match(page.body, /Η σελίδα αυτή είναι για διαχειριστές/)
    assert.doesNotMatch(page.body, /SHA-256/)
    const overview = await walk.open('/account')
    assert.doesNotMatch(overview.body, /href="\/admin"/)
    for (const action of ['stage', 'check', 'promote', 'retire']) {
      const answer = await walk.submit(`/admin/keys/${action}`, { use: 'saml' }, '/account')
      assert.equal(answer.status, 403)
    }
    assert.equal((await listKeys()).filter(({ state }) => state === 'staged').length, 0)
    await app.context.audit.close()
    assert.ok(await AuditModel.exists({ event: 'admin.refused', username: account.username }))
  })

  it('is linked from the account page of administrators, and closed a moment after the right is taken', async () => {
    const { account, walk } = await newAdmin()
    const overview = await walk.open('/account')
    assert.match(overview.body, /href="\/admin"/)
    assert.equal((await walk.open('/admin')).status, 200)
    await revokeAdminRight(account._id)
    assert.equal((await walk.open('/admin')).status, 403)
  })

  it('refuses a form that comes from elsewhere', async () => {
    const { walk } = await newAdmin()
    const answer = await walk.client.post('/admin/keys/stage', { use: 'saml' })
    assert.equal(answer.status, 403)
    assert.equal((await listKeys()).filter(({ state }) => state === 'staged').length, 0)
  })

  it('asks for the password again when it was proved more than ten minutes ago', async () => {
    const { account, walk, page } = await newAdmin()
    assert.equal(page.status, 200)
    app.advance(11 * 60_000)
    const answer = await walk.submit('/admin/keys/stage', { use: 'saml' }, '/admin/keys')
    assert.match(answer.body, /name="password"/)
    assert.match(answer.body, new RegExp(account.username))
    assert.equal((await listKeys()).filter(({ state }) => state === 'staged').length, 0)
  })

  it('publishes a key, explains why it may not sign yet, promotes it when it may, retires the old one', async () => {
    const { account, walk } = await newAdmin()
    const staged = await walk.submit('/admin/keys/stage', { use: 'saml' }, '/admin/keys')
    assert.equal(staged.status, 200)
    assert.match(staged.body, /Το κλειδί δημοσιεύτηκε/)
    const next = (await listKeys()).find(({ use, state }) => use === 'saml' && state === 'staged')
    assert.ok(next)
    assert.equal(next.history[0]?.by, account.username)
    const published = (await walk.client.get('/saml/metadata')).body
    assert.equal([...published.matchAll(/<md:KeyDescriptor use="signing">/g)].length, 2)

    const page = await walk.open('/admin/keys?lang=en')
    assert.match(page.body, /It may sign from/)
    assert.match(page.body, /14 days: how long a copy of our metadata is valid/)
    assert.match(page.body, /e&lt;b&gt;Class/)
    assert.match(page.body, /never seen fetching our metadata/)
    checkMarkup(page.body, 'en')
    checkMarkup((await walk.open('/admin/keys?lang=el')).body, 'el')
    checkMarkup((await walk.open('/admin')).body, 'el')

    const fields = { kid: next.kid }
    const asked = await walk.submit('/admin/keys/check', fields, '/admin/keys')
    assert.match(asked.body, /Οι υπηρεσίες ερωτήθηκαν/)
    assert.match(asked.body, /Δεν έχει διεύθυνση αποσύνδεσης/)
    const early = await walk.submit('/admin/keys/promote', fields, '/admin/keys')
    assert.equal(early.status, 409)
    assert.match(early.body, /Όχι ακόμη/)
    assert.match(early.body, new RegExp(`keys promote ${next.kid} --force`))
    checkMarkup(early.body, 'el')
    assert.equal((await listKeys()).find(({ kid }) => kid === next.kid)?.state, 'staged')

    app.advance(16 * day)
    await walk.signIn(account.username, testPassword, '/admin/keys')
    const promoted = await walk.submit('/admin/keys/promote', fields, '/admin/keys')
    assert.match(promoted.body, /υπογράφει από τώρα/)
    const keys = await listKeys()
    assert.equal(keys.find(({ kid }) => kid === next.kid)?.state, 'active')
    const old = keys.find(({ use, state }) => use === 'saml' && state === 'retiring')
    assert.ok(old)

    const tooSoon = await walk.submit('/admin/keys/retire', { kid: old.kid }, '/admin/keys')
    assert.equal(tooSoon.status, 409)
    app.advance(3_600_000)
    await walk.signIn(account.username, testPassword, '/admin/keys')
    const retired = await walk.submit('/admin/keys/retire', { kid: old.kid }, '/admin/keys')
    assert.match(retired.body, /δεν δημοσιεύεται πια/)
    checkMarkup(retired.body, 'el')
  })

  it('refuses keys that are none, without a fault of its own', async () => {
    const { walk } = await newAdmin()
    for (const kid of ['', 'x'.repeat(43), '../../etc', 'a'.repeat(10_000)]) {
      const answer = await walk.submit('/admin/keys/promote', { kid }, '/admin/keys')
      assert.ok([400, 404].includes(answer.status), `${answer.status}`)
    }
    const twice = await walk.submit('/admin/keys/stage', { use: 'saml-encryption' }, '/admin/keys')
    assert.equal(twice.status, 400)
  })
})
