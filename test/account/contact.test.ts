import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import {
  ContactChangeModel,
  type ContactKind,
  PendingContactModel,
} from '../../src/account/contact-model.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { MessageModel } from '../../src/messages/message-model.ts'
import type { Account } from '../../src/people/account.ts'
import { accounts, findAccount } from '../../src/people/people-store.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Synthetic, and of nobody else in these tests. */
const mobileNumber = () => `+30690${String(randomInt(10_000_000)).padStart(7, '0')}`
const mailAddress = () => `p${randomInt(1_000_000_000)}@example.org`
const wrongFor = (code: string) => (code === '000000' ? '000001' : '000000')

let app: TestApp
before(async () => {
  app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
})
after(() => app.close())

/** Somebody with an account, and her browser, signed in. */
async function newPerson(account: Partial<Account> = {}, role?: Partial<PersonRole>) {
  await ThrottleModel.deleteMany({})
  const roles = role && [
    { source: 'sis', sourceId: '1', role: 'student', status: 'active', ...role } as PersonRole,
  ]
  const added = await addPerson({ account, person: roles ? { roles } : {} })
  const walk = new AccountWalk(app)
  await walk.signIn(added.account.username, testPassword)
  const current = async () => {
    const found = await findAccount(added.account._id)
    assert.ok(found)
    return found
  }
  return { ...added, walk, current }
}

const give = (walk: AccountWalk, fields: { mobile?: string; email?: string }) =>
  walk.submit('/account/contact', { mobile: '', email: '', ...fields })

const confirm = (walk: AccountWalk, kind: ContactKind, code: string) =>
  walk.submit('/account/contact/code', { kind, code })

/** Gives a new contact and confirms it. */
async function set(walk: AccountWalk, kind: ContactKind, value: string) {
  await give(walk, { [kind]: value })
  return confirm(walk, kind, await walk.lastCode(value))
}

/** The path of the undo link in the newest notice to a contact. */
async function undoLink(walk: AccountWalk, to: string): Promise<string> {
  const text = (await walk.outbox(to)).find(({ text }) => text.includes('/undo?'))?.text ?? ''
  const link = /https?:\S+\/account\/contact\/undo\?token=[\w-]{22}/.exec(text)?.[0]
  assert.ok(link, `no undo link was sent to ${to}: ${text}`)
  return link.slice(app.baseUrl.length)
}

/** Opens the link in a browser that never was here, and presses the button. */
async function undo(path: string) {
  const stranger = new AccountWalk(app)
  const page = await stranger.open(path)
  if (page.status !== 200 || !page.body.includes('name="token"')) return page
  const fields = { token: hiddenField(page.body, 'token') }
  return stranger.post('/account/contact/undo', fields, hiddenField(page.body, '_csrf'))
}

const isSignedIn = async (walk: AccountWalk) => (await walk.client.get('/account')).status === 200

describe('Registering contact details', () => {
  it('takes a mobile once its owner has given back the code that was sent there', async () => {
    const { walk, current } = await newPerson()
    const mobile = mobileNumber()
    const page = await give(walk, { mobile: mobile.slice(3) })
    assert.match(page.body, /Εισάγετε τον κωδικό επιβεβαίωσης/)
    assert.ok(!page.body.includes(mobile.slice(3)))
    assert.equal((await current()).mobile, undefined)
    const done = await confirm(walk, 'mobile', await walk.lastCode(mobile))
    assert.match(done.body, /Το κινητό σας επιβεβαιώθηκε/)
    assert.ok(done.body.includes(mobile))
    const account = await current()
    assert.equal(account.mobile, mobile)
    assert.ok(account.mobileConsentAt)
    assert.equal(account.email, undefined)
  })

  it('takes mobile and mail together, each with a code of its own', async () => {
    const { walk, current } = await newPerson()
    const [mobile, email] = [mobileNumber(), mailAddress()]
    const page = await give(walk, { mobile, email: email.toUpperCase() })
    assert.match(page.body, /Εισάγετε τους κωδικούς επιβεβαίωσης/)
    const codes = { mobile: await walk.lastCode(mobile), email: await walk.lastCode(email) }
    const second = await confirm(walk, 'mobile', codes.mobile)
    assert.match(second.body, /Το κινητό σας επιβεβαιώθηκε/)
    assert.match(second.body, /id="code-email"/)
    await confirm(walk, 'email', codes.email)
    const account = await current()
    assert.deepEqual([account.mobile, account.email], [mobile, email])
    assert.ok(account.emailConsentAt)
  })

  it('needs no word on which contact when only one waits for its code', async () => {
    const { walk, current } = await newPerson()
    const email = mailAddress()
    await give(walk, { email })
    await walk.submit('/account/contact/code', { code: await walk.lastCode(email) })
    assert.equal((await current()).email, email)
  })

  it('refuses an institutional address, a number that cannot be one and an empty form', async () => {
    const { walk, current } = await newPerson()
    const { scope } = app.context.config
    for (const [fields, message] of [
      [{ email: `me@${scope}` }, /προσωπικό σας email, όχι το ιδρυματικό/],
      [{ email: `me@mail.${scope.toUpperCase()}` }, /προσωπικό σας email, όχι το ιδρυματικό/],
      [{ email: 'not an address' }, /Γράψτε μια διεύθυνση email/],
      [{ mobile: '12' }, /Γράψτε το κινητό/],
      [{}, /Γράψτε το νέο κινητό ή το νέο email/],
    ] as const) {
      const page = await give(walk, fields)
      assert.equal(page.status, 422)
      assert.match(page.body, message)
      for (const typed of Object.values(fields)) assert.ok(page.body.includes(`value="${typed}"`))
    }
    assert.equal(await PendingContactModel.countDocuments({ personId: (await current())._id }), 0)
  })

  it('says when the contact is registered already', async () => {
    const mobile = mobileNumber()
    const { walk } = await newPerson({ mobile })
    const page = await give(walk, { mobile })
    assert.equal(page.status, 422)
    assert.match(page.body, /ήδη καταχωρισμένο/)
    assert.deepEqual(await walk.outbox(mobile), [])
  })

  it('offers what the source holds, for those who did not consent when they activated', async () => {
    const mobile = mobileNumber()
    const { walk, current } = await newPerson(
      {},
      { mobile, email: `x@${app.context.config.scope}` },
    )
    const page = await walk.open('/account/contact')
    assert.match(page.body, /Χρήση αυτού του κινητού/)
    assert.doesNotMatch(page.body, /Χρήση αυτού του email/)
    const form = page.body.slice(page.body.indexOf('id="recorded-title"'))
    await set(walk, 'mobile', hiddenField(form, 'mobile'))
    assert.equal((await current()).mobile, mobile)
    assert.doesNotMatch((await walk.open('/account/contact')).body, /Χρήση αυτού του/)
  })

  it('asks for the password again when the sign-in is older than 15 minutes', async () => {
    const { account, walk } = await newPerson({ mobile: mobileNumber() })
    app.advance(16 * minuteMs)
    const page = await walk.open('/account/contact')
    assert.match(page.body, /γράψτε ξανά τον κωδικό σας/)
    assert.ok(page.body.includes(`value="${account.username}"`))
    assert.ok(await isSignedIn(walk))
    const back = await walk.signIn(account.username, testPassword, '/account/contact')
    assert.match(back.body, /Τι έχετε καταχωρίσει/)
  })

  it('goes on with the code after the password was asked for again', async () => {
    const { account, walk, current } = await newPerson()
    app.advance(10 * minuteMs)
    const mobile = mobileNumber()
    await give(walk, { mobile })
    const code = await walk.lastCode(mobile)
    app.advance(8 * minuteMs)
    const page = await walk.signIn(account.username, testPassword, '/account/contact/code')
    assert.match(page.body, /id="code-mobile"/)
    await confirm(walk, 'mobile', code)
    assert.equal((await current()).mobile, mobile)
  })
})

describe('The code that confirms a contact', () => {
  it('is six digits, kept as a hash, and good once', async () => {
    const { account, walk, current } = await newPerson()
    const [mobile, other] = [mobileNumber(), mobileNumber()]
    await give(walk, { mobile })
    const code = await walk.lastCode(mobile)
    assert.match(code, /^\d{6}$/)
    assert.ok(!JSON.stringify(await PendingContactModel.find().lean()).includes(`"${code}"`))
    const form = await walk.open('/account/contact/code')
    const _csrf = hiddenField(form.body, '_csrf')
    await confirm(walk, 'mobile', code)
    await accounts().updateOne({ _id: account._id }, { $set: { mobile: other } })
    const again = await walk.post('/account/contact/code', { kind: 'mobile', code }, _csrf)
    assert.match(again.body, /Τι έχετε καταχωρίσει/)
    assert.equal((await current()).mobile, other)
  })

  it('tells how many tries are left, and is void after five wrong ones', async () => {
    const { walk, current } = await newPerson()
    const mobile = mobileNumber()
    await give(walk, { mobile })
    const code = await walk.lastCode(mobile)
    const wrong = wrongFor(code)
    assert.match((await confirm(walk, 'mobile', wrong)).body, /Απομένουν 4 προσπάθειες/)
    for (let tries = 0; tries < 3; tries++) await confirm(walk, 'mobile', wrong)
    assert.match((await confirm(walk, 'mobile', wrong)).body, /λάθος πέντε φορές/)
    assert.equal((await confirm(walk, 'mobile', code)).status, 410)
    assert.equal((await current()).mobile, undefined)
  })

  it('gives guesses that are sent at once no extra tries', async () => {
    const { walk, current } = await newPerson()
    const mobile = mobileNumber()
    await give(walk, { mobile })
    const code = await walk.lastCode(mobile)
    const page = await walk.open('/account/contact/code')
    const _csrf = hiddenField(page.body, '_csrf')
    const guesses = Array.from({ length: 20 }, () =>
      walk.client.post('/account/contact/code', { _csrf, kind: 'mobile', code: wrongFor(code) }),
    )
    await Promise.all(guesses)
    assert.equal((await confirm(walk, 'mobile', code)).status, 410)
    assert.equal((await current()).mobile, undefined)
  })

  it('is good for 15 minutes; a new one can be asked for and voids the one before', async () => {
    const { account, walk, current } = await newPerson()
    const mobile = mobileNumber()
    await give(walk, { mobile })
    const first = await walk.lastCode(mobile)
    const early = await walk.submit(
      '/account/contact/code/new',
      { kind: 'mobile' },
      '/account/contact/code',
    )
    assert.equal(early.status, 429)
    app.advance(15 * minuteMs)
    await walk.signIn(account.username, testPassword, '/account/contact/code')
    const late = await confirm(walk, 'mobile', first)
    assert.equal(late.status, 410)
    assert.match(late.body, /Ο κωδικός έληξε/)
    const resent = await walk.submit(
      '/account/contact/code/new',
      { kind: 'mobile' },
      '/account/contact/code',
    )
    assert.match(resent.body, /Στείλαμε νέο κωδικό/)
    const second = await walk.lastCode(mobile)
    if (first !== second) {
      assert.match((await confirm(walk, 'mobile', first)).body, /δεν είναι σωστός/)
    }
    await confirm(walk, 'mobile', second)
    assert.equal((await current()).mobile, mobile)
  })

  it('counts for the contact that was given last, when another tab gave another', async () => {
    const { walk, current } = await newPerson()
    const [first, second] = [mobileNumber(), mobileNumber()]
    await give(walk, { mobile: first })
    await give(walk, { mobile: second })
    const [code, void_] = [await walk.lastCode(second), await walk.lastCode(first)]
    if (void_ !== code) await confirm(walk, 'mobile', void_)
    assert.equal((await current()).mobile, undefined)
    await confirm(walk, 'mobile', code)
    assert.equal((await current()).mobile, second)
  })

  it('is asked for in the browser that gave the contact, and in no other', async () => {
    const { account, walk, current } = await newPerson()
    const mobile = mobileNumber()
    await give(walk, { mobile })
    const other = new AccountWalk(app)
    await other.signIn(account.username, testPassword)
    assert.match((await other.open('/account/contact/code')).body, /Τι έχετε καταχωρίσει/)
    const page = await other.open('/account/contact')
    const fields = { kind: 'mobile', code: await walk.lastCode(mobile) }
    await other.post('/account/contact/code', fields, hiddenField(page.body, '_csrf'))
    assert.equal((await current()).mobile, undefined)
  })

  it('is sent to one number no more than five times in an hour', async () => {
    const { walk } = await newPerson()
    const [mobile, between] = [mobileNumber(), mobileNumber()]
    for (let count = 0; count < 5; count++) {
      await give(walk, { mobile })
      await PendingContactModel.deleteMany({})
    }
    const refused = await give(walk, { mobile })
    assert.equal(refused.status, 429)
    assert.match(refused.body, /Έγιναν πολλές προσπάθειες/)
    assert.equal((await walk.outbox(mobile)).length, 5)
    assert.match((await give(walk, { mobile: between })).body, /id="code-mobile"/)
  })

  it('is not used up for its owner by somebody who may ask for no more', async () => {
    const { walk, account } = await newPerson()
    const mobile = mobileNumber()
    await give(walk, { mobile: mobileNumber() })
    await ThrottleModel.updateMany({ _id: /^contact-code-person:/ }, { $set: { failures: 20 } })
    const counters = { _id: /^contact-code-(hour|day):/, failures: { $gt: 0 } }
    const before = await ThrottleModel.countDocuments(counters)
    for (let tries = 0; tries < 5; tries++) {
      assert.equal((await give(walk, { mobile })).status, 429, account.username)
    }
    assert.equal(await ThrottleModel.countDocuments(counters), before)
  })

  it('can be given up; then nothing has changed', async () => {
    const { walk, current } = await newPerson()
    const mobile = mobileNumber()
    await give(walk, { mobile })
    assert.match((await walk.open('/account/contact')).body, /Εισαγωγή του κωδικού/)
    const page = await walk.submit(
      '/account/contact/code/cancel',
      { kind: 'mobile' },
      '/account/contact/code',
    )
    assert.doesNotMatch(page.body, /Εισαγωγή του κωδικού/)
    assert.equal((await current()).mobile, undefined)
  })

  it('used twice at once changes the contact once and tells of it once', async () => {
    const old = mobileNumber()
    const { walk, current } = await newPerson({ mobile: old })
    const mobile = mobileNumber()
    await give(walk, { mobile })
    const code = await walk.lastCode(mobile)
    const page = await walk.open('/account/contact/code')
    const fields = { _csrf: hiddenField(page.body, '_csrf'), kind: 'mobile', code }
    await Promise.all([1, 2, 3].map(() => walk.client.post('/account/contact/code', fields)))
    assert.equal((await current()).mobile, mobile)
    assert.equal((await walk.outbox(old)).length, 1)
    assert.equal(await ContactChangeModel.countDocuments({ from: old }), 1)
  })
})

describe('The old contact', () => {
  it('is told of the change, as is the other one, with a link that undoes it', async () => {
    const [old, email] = [mobileNumber(), mailAddress()]
    const { walk } = await newPerson({ mobile: old, email })
    const mobile = mobileNumber()
    await set(walk, 'mobile', mobile)
    const [toOld] = await walk.outbox(old)
    assert.match(toOld?.text ?? '', /αντικαταστάθηκε/)
    assert.ok(!toOld?.text.includes(mobile), 'the new number is masked')
    const [toMail] = await walk.outbox(email)
    assert.match(toMail?.text ?? '', /καταχωρίστηκε νέο στοιχείο επικοινωνίας/)
    const links = [await undoLink(walk, old), await undoLink(walk, email)]
    assert.equal(links[0], links[1])
    const kept = JSON.stringify(await ContactChangeModel.find().lean())
    assert.ok(!kept.includes(links[0]?.split('token=')[1] ?? ''), 'the token is kept hashed')
    for (const to of [old, email]) {
      const message = await MessageModel.findOne({ to, kind: 'account-notice' }).lean()
      assert.equal(message?.hasCode, true, 'outside a trial the text is never written down')
    }
  })

  it('undoes it without being signed in, after a button is pressed', async () => {
    const old = mobileNumber()
    const { account, walk, current } = await newPerson({
      mobile: old,
      mobileConsentAt: new Date('2026-02-01T10:00:00Z'),
    })
    await set(walk, 'mobile', mobileNumber())
    const link = await undoLink(walk, old)
    const opened = await new AccountWalk(app).open(link)
    assert.match(opened.body, /μόνο αν δεν την κάνατε εσείς/)
    assert.equal(opened.headers['referrer-policy'], 'no-referrer')
    assert.notEqual((await current()).mobile, old, 'opening the link does nothing')
    const page = await undo(link)
    assert.match(page.body, /Η αλλαγή αναιρέθηκε/)
    assert.match(page.body, /href="\/account\/recover"/)
    const restored = await current()
    assert.equal(restored.mobile, old)
    assert.deepEqual(restored.mobileConsentAt, new Date('2026-02-01T10:00:00Z'))
    assert.ok(!(await isSignedIn(walk)), 'every sign-in has ended')
    assert.match((await walk.outbox(old))[0]?.text ?? '', /επανήλθαν τα προηγούμενα/)
    const again = await new AccountWalk(app).signIn(account.username, testPassword)
    assert.match(again.body, /Παπαδοπούλου/, 'the account still has a working password')
  })

  it('undoes it once', async () => {
    const [old, mobile] = [mobileNumber(), mobileNumber()]
    const { account, walk, current } = await newPerson({ mobile: old })
    await set(walk, 'mobile', mobile)
    const link = await undoLink(walk, old)
    await undo(link)
    const second = new AccountWalk(app)
    await second.signIn(account.username, testPassword)
    await set(second, 'mobile', mobile)
    const page = await undo(link)
    assert.match(page.body, /Η αλλαγή αναιρέθηκε/)
    assert.equal((await current()).mobile, mobile)
    assert.ok(await isSignedIn(second))
  })

  it('undoes it within 72 hours and not later', async () => {
    const old = mobileNumber()
    const early = await newPerson({ mobile: old })
    await set(early.walk, 'mobile', mobileNumber())
    app.advance(72 * hourMs - minuteMs)
    await undo(await undoLink(early.walk, old))
    assert.equal((await early.current()).mobile, old)

    const late = await newPerson({ mobile: old })
    const mobile = mobileNumber()
    await set(late.walk, 'mobile', mobile)
    const link = await undoLink(late.walk, old)
    app.advance(72 * hourMs)
    const page = await undo(link)
    assert.ok([404, 410].includes(page.status))
    assert.match(page.body, /ACCOUNT_UNDO_INVALID/)
    assert.equal((await late.current()).mobile, mobile)
  })

  it('takes everything back when the contact was changed twice', async () => {
    const [first, second, third] = [mobileNumber(), mobileNumber(), mobileNumber()]
    const { walk, current } = await newPerson({ mobile: first })
    await set(walk, 'mobile', second)
    await set(walk, 'mobile', third)
    const [firstLink, secondLink] = [await undoLink(walk, first), await undoLink(walk, second)]
    await undo(firstLink)
    assert.equal((await current()).mobile, first)
    // The thief who had the second number gets nothing by its link.
    assert.match((await undo(secondLink)).body, /Η αλλαγή αναιρέθηκε/)
    assert.equal((await current()).mobile, first)
  })

  it('can be taken back to step by step: the second change, then the first', async () => {
    const [first, second, third] = [mobileNumber(), mobileNumber(), mobileNumber()]
    const { walk, current } = await newPerson({ mobile: first })
    await set(walk, 'mobile', second)
    await set(walk, 'mobile', third)
    const [firstLink, secondLink] = [await undoLink(walk, first), await undoLink(walk, second)]
    await undo(secondLink)
    assert.equal((await current()).mobile, second)
    await undo(firstLink)
    assert.equal((await current()).mobile, first)
  })

  it('gets back an account whose thief removed it before giving another', async () => {
    const old = mobileNumber()
    const { walk, current } = await newPerson({ mobile: old })
    await walk.submit('/account/contact/remove/mobile', {})
    const link = await undoLink(walk, old)
    const thiefs = mobileNumber()
    await set(walk, 'mobile', thiefs)
    assert.equal((await current()).mobile, thiefs)
    await undo(link)
    assert.equal((await current()).mobile, old)
  })

  it('gets back the account however often a thief changes the contact while it is undone', async () => {
    const old = mobileNumber()
    const { account, current } = await newPerson({ mobile: old })
    for (let round = 0; round < 3; round++) {
      const thief = new AccountWalk(app)
      await thief.signIn(account.username, testPassword)
      await set(thief, 'mobile', mobileNumber())
      assert.match((await undo(await undoLink(thief, old))).body, /Η αλλαγή αναιρέθηκε/)
      assert.equal((await current()).mobile, old)
    }
  })

  it('is not restored over what somebody else has set since', async () => {
    const [old, helpdesk] = [mobileNumber(), mobileNumber()]
    const { account, walk, current } = await newPerson({ mobile: old })
    await set(walk, 'mobile', mobileNumber())
    await accounts().updateOne({ _id: account._id }, { $set: { mobile: helpdesk } })
    const page = await undo(await undoLink(walk, old))
    assert.equal(page.status, 409)
    assert.match(page.body, /δεν μπορεί να αναιρεθεί πια/)
    assert.equal((await current()).mobile, helpdesk)
    assert.ok(await isSignedIn(walk))
  })

  it('does not come back to the mail when the mobile is undone', async () => {
    const [old, mail] = [mobileNumber(), mailAddress()]
    const { walk, current } = await newPerson({ mobile: old })
    await set(walk, 'mobile', mobileNumber())
    const link = await undoLink(walk, old)
    await set(walk, 'email', mail)
    await undo(link)
    const account = await current()
    assert.deepEqual([account.mobile, account.email], [old, mail])
  })

  it('that was none is none again after an undo from the other contact', async () => {
    const email = mailAddress()
    const { walk, current } = await newPerson({ email })
    await set(walk, 'mobile', mobileNumber())
    await undo(await undoLink(walk, email))
    const account = await current()
    assert.equal(account.mobile, undefined)
    assert.equal(account.mobileConsentAt, undefined)
    assert.equal(account.email, email)
  })

  it('pressed twice at once is restored once', async () => {
    const old = mobileNumber()
    const { walk, current } = await newPerson({ mobile: old })
    await set(walk, 'mobile', mobileNumber())
    const link = await undoLink(walk, old)
    const pages = await Promise.all([undo(link), undo(link), undo(link)])
    for (const page of pages) assert.match(page.body, /Η αλλαγή αναιρέθηκε/)
    assert.equal((await current()).mobile, old)
    const told = (await walk.outbox(old)).filter(({ text }) => text.includes('επανήλθαν'))
    assert.equal(told.length, 1)
  })

  it('is safe from a change that was on its way when it was restored', async () => {
    const [old, thiefs] = [mobileNumber(), mobileNumber()]
    const { walk, current } = await newPerson({ mobile: old })
    await set(walk, 'mobile', mobileNumber())
    const link = await undoLink(walk, old)
    await give(walk, { mobile: thiefs })
    const page = await walk.open('/account/contact/code')
    const fields = {
      _csrf: hiddenField(page.body, '_csrf'),
      kind: 'mobile',
      code: await walk.lastCode(thiefs),
    }
    // Whichever comes first: the undo takes back both, or the change finds its sign-in ended.
    await Promise.all([undo(link), walk.client.post('/account/contact/code', fields)])
    assert.equal((await current()).mobile, old)
  })

  it('is not reached by a link that nobody was sent', async () => {
    for (const token of ['', 'x', 'AAAAAAAAAAAAAAAAAAAAAA', '../../etc', '{"$gt":""}']) {
      const page = await undo(`/account/contact/undo?token=${encodeURIComponent(token)}`)
      assert.equal(page.status, 404)
      assert.match(page.body, /ACCOUNT_UNDO_INVALID/)
    }
  })
})

describe('Removing a contact', () => {
  it('asks first, withdraws the consent and tells the contact how to undo it', async () => {
    const mobile = mobileNumber()
    const { walk, current } = await newPerson({ mobile, mobileConsentAt: new Date() })
    const asked = await walk.open('/account/contact/remove/mobile')
    assert.match(asked.body, /Να αφαιρεθεί το κινητό σας;/)
    assert.match(asked.body, /Είναι το μόνο στοιχείο/)
    const page = await walk.submit('/account/contact/remove/mobile', {})
    assert.match(page.body, /Το κινητό σας αφαιρέθηκε/)
    const account = await current()
    assert.equal(account.mobile, undefined)
    assert.equal(account.mobileConsentAt, undefined)
    await undo(await undoLink(walk, mobile))
    assert.equal((await current()).mobile, mobile)
    assert.ok((await current()).mobileConsentAt)
  })

  it('does not warn of the last one when there is another, and does nothing twice', async () => {
    const email = mailAddress()
    const { walk, current } = await newPerson({ mobile: mobileNumber(), email })
    const asked = await walk.open('/account/contact/remove/email')
    assert.doesNotMatch(asked.body, /Είναι το μόνο στοιχείο/)
    const fields = { _csrf: hiddenField(asked.body, '_csrf') }
    const remove = () => walk.client.post('/account/contact/remove/email', fields)
    await Promise.all([remove(), remove()])
    assert.equal((await current()).email, undefined)
    assert.equal((await walk.outbox(email)).length, 1)
    assert.match((await walk.open('/account/contact/remove/email')).body, /Τι έχετε καταχωρίσει/)
  })

  it('and setting it at once leaves one of the two, which can be undone', async () => {
    const [old, mobile] = [mobileNumber(), mobileNumber()]
    const { walk, current } = await newPerson({ mobile: old })
    await give(walk, { mobile })
    const page = await walk.open('/account/contact/code')
    const _csrf = hiddenField(page.body, '_csrf')
    const code = await walk.lastCode(mobile)
    await Promise.all([
      walk.client.post('/account/contact/code', { _csrf, kind: 'mobile', code }),
      walk.client.post('/account/contact/remove/mobile', { _csrf }),
    ])
    assert.ok([mobile, undefined].includes((await current()).mobile))
    await undo(await undoLink(walk, old))
    assert.equal((await current()).mobile, old)
  })
})
