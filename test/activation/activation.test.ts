import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { findAccountByUsername, findPerson } from '../../src/people/people-store.ts'
import { sealFlow } from '../../src/sso/login-flow.ts'
import { ActivationWalk, chosenPassword } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'

const minuteMs = 60_000

describe('Activating an account', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  /** A student in the registry, and her browser. */
  async function newStudent(change = {}) {
    const row = studentRow(change)
    await importRows(app, row)
    return { row, walk: new ActivationWalk(app), mobile: row.mobile ?? '', email: row.email ?? '' }
  }

  const accountOf = async (username = '') => {
    const account = await findAccountByUsername(username)
    assert.ok(account, `no account "${username}"`)
    return account
  }

  it('takes a student from the mobile on record to a welcome, signed in', async () => {
    const { row, walk, mobile } = await newStudent()
    assert.match((await walk.begin()).body, /Βήμα 1\/4/)
    const pinPage = await walk.contact({ mobile })
    assert.match(pinPage.body, /Βήμα 2\/4/)
    assert.doesNotMatch(pinPage.body, new RegExp(mobile.slice(3)))
    const review = await walk.pin(await walk.lastPin(mobile))
    assert.match(review.body, /Βήμα 3\/4/)
    for (const shown of ['Δήμητρα Παπαδοπούλου', row.username, row.amka, row.email, 'Νικόλαος'])
      assert.ok(review.body.includes(shown as string), `the review does not show ${shown}`)
    assert.match((await walk.agree({ consentMobile: 'yes' })).body, /Βήμα 4\/4/)
    const done = await walk.password()
    assert.match(done.body, /Καλωσήλθατε, Δήμητρα/)
    assert.ok(done.body.includes(row.username as string))
    assert.match((await walk.open('/')).body, /Τμήμα Πληροφορικής/)
  })

  it('makes the account active with password, role, consents and terms at once', async () => {
    const { row, walk, mobile, email } = await newStudent()
    assert.equal((await accountOf(row.username)).state, 'pending')
    await walk.toReview({ mobile })
    const agreed = await walk.agree({ consentEmail: 'yes' })
    assert.equal((await accountOf(row.username)).state, 'pending')
    await walk.password()
    const account = await accountOf(row.username)
    assert.equal(account.state, 'active')
    assert.deepEqual(account.activatedRoles, ['student'])
    assert.equal(account.email, email)
    assert.ok(account.emailConsentAt)
    assert.equal(account.mobile, undefined)
    assert.equal(account.mobileConsentAt, undefined)
    assert.ok(account.acceptedTerms?.terms && account.acceptedTerms.privacy)
    assert.deepEqual(account.activation, {
      reference: ActivationWalk.reference(agreed),
      way: 'pin',
      proven: ['sms'],
      numberCheckedBy: 'embedded',
      numberOnRecord: true,
    })
    const signIn = new HttpClient(app.baseUrl)
    const page = await signIn.get('/login')
    const answer = await signIn.post('/login', {
      _csrf: hiddenField(page.body, '_csrf'),
      username: row.username as string,
      password: chosenPassword,
    })
    assert.equal(answer.status, 303)
  })

  it('confirms to the contacts that the person left with us, and to no other', async () => {
    const { row, walk, mobile, email } = await newStudent()
    await walk.toReview({ mobile })
    await walk.agree({ consentEmail: 'yes' })
    await walk.password()
    const told = (await walk.outbox()).filter(
      (message) => !message.code && [mobile, email].includes(message.to),
    )
    assert.deepEqual(
      told.map(({ to }) => to),
      [email],
    )
    assert.match(told[0]?.text ?? '', new RegExp(row.username as string))
    assert.doesNotMatch(JSON.stringify(told), new RegExp(chosenPassword))
  })

  it('sends one PIN to mobile and mail when both are given', async () => {
    const { walk, mobile, email } = await newStudent()
    await walk.begin()
    await walk.contact({ mobile, email })
    assert.equal(await walk.lastPin(mobile), await walk.lastPin(email))
  })

  it('finds the mobile in every form that people type', async () => {
    const { walk, mobile } = await newStudent()
    const national = mobile.slice(3)
    const spaced = `${national.slice(0, 3)} ${national.slice(3, 6)} ${national.slice(6)}`
    for (const typed of [national, spaced, `0030${national}`, `+30 ${spaced}`, mobile]) {
      const other = new ActivationWalk(app)
      await other.begin()
      const page = await other.contact({ mobile: typed })
      assert.match(page.body, /name="pin"/, `${typed} was not found`)
    }
    await walk.client.close()
  })

  it('finds a mail address in whatever case', async () => {
    const { walk, email } = await newStudent()
    await walk.begin()
    assert.match((await walk.contact({ email: email.toUpperCase() })).body, /name="pin"/)
  })

  it('wants both contacts to belong to the same person', async () => {
    const first = await newStudent()
    const second = await newStudent()
    await first.walk.begin()
    const page = await first.walk.contact({ mobile: first.mobile, email: second.email })
    assert.equal(page.status, 422)
    assert.match(page.body, /Δεν βρέθηκε χρήστης με αυτά τα στοιχεία/)
  })

  it('says no more than «Δεν βρέθηκε» of a contact of another role, or of nobody', async () => {
    const { mobile } = await newStudent()
    const staff = new ActivationWalk(app)
    await staff.begin('staff')
    const ofOther = await staff.contact({ mobile })
    const ofNobody = await staff.contact({ mobile: '+306999999999' })
    const plain = (body: string) => body.replaceAll(/69[\d ]+|value="[^"]*"/g, '')
    assert.equal(ofOther.status, 422)
    assert.equal(plain(ofOther.body), plain(ofNobody.body))
    assert.match(ofNobody.body, /ACTIVATION_NOT_FOUND/)
  })

  it('refuses the institutional mail address as contact, and says which to write', async () => {
    const { walk } = await newStudent()
    await walk.begin()
    const page = await walk.contact({ email: 'someone@uni.example.gr' })
    assert.equal(page.status, 422)
    assert.match(page.body, /προσωπικό σας email, όχι το ιδρυματικό/)
  })

  describe('when the record lacks the number', () => {
    it('asks for the AMKA and takes the right one into the record', async () => {
      const { row, walk, mobile } = await newStudent({ amka: '' })
      const page = await walk.toReview({ mobile })
      assert.match(page.body, /name="amka"/)
      const amka = syntheticAmka('2007-03-12')
      const review = await walk.submit('/register/number', { amka })
      assert.ok(review.body.includes(amka))
      await walk.agree()
      const account = await accountOf(row.username)
      assert.equal((await findPerson(account._id))?.nationalNumbers.length, 0)
      await walk.password()
      assert.equal((await findPerson(account._id))?.nationalNumbers.length, 1)
      const { activation } = await accountOf(row.username)
      assert.equal(activation?.numberCheckedBy, 'embedded')
      assert.equal(activation?.numberOnRecord, undefined, 'only the person says so')
    })

    it('shows the three facts that were compared when the registry does not know the AMKA', async () => {
      const { walk, mobile } = await newStudent({ amka: '' })
      await walk.toReview({ mobile })
      const amka = syntheticAmka('1999-01-01')
      const page = await walk.submit('/register/number', { amka })
      assert.match(page.body, /Ανεπιτυχής έλεγχος του ΑΜΚΑ σας με τα στοιχεία που δόθηκαν/)
      for (const shown of [amka, 'Παπαδοπούλου', '12 Μαρτίου 2007'])
        assert.ok(page.body.includes(shown), `the page does not show ${shown}`)
      const again = await walk.submit('/register/number', { amka: syntheticAmka('2007-03-12') })
      assert.match(again.body, /Βήμα 3\/4/)
    })

    it('takes the number of another country, which nobody here can check', async () => {
      const { row, walk, mobile } = await newStudent({ amka: '', citizenship: 'CY' })
      await walk.toReview({ mobile })
      const form = await walk.open('/register/number?kind=foreign')
      assert.match(form.body, /<option value="EU"/)
      assert.doesNotMatch(form.body, /<option value="GR"/)
      const review = await walk.submit('/register/number', { ssnCountry: 'CY', ssn: 'ab 1234' })
      assert.match(review.body, /AB1234/)
      await walk.agree()
      await walk.password()
      const account = await accountOf(row.username)
      assert.equal(account.activation?.numberCheckedBy, undefined)
      assert.equal(account.activation?.numberOnRecord, undefined)
      assert.equal((await findPerson(account._id))?.nationalNumbers[0]?.country, 'CY')
    })

    it('names the European health insurance card in words', async () => {
      const { walk, mobile } = await newStudent({ amka: '' })
      await walk.toReview({ mobile })
      const review = await walk.submit('/register/number', { ssnCountry: 'EU', ssn: 'ab1234' })
      assert.match(review.body, /Ευρωπαϊκή Ένωση/)
    })

    it('does not take the number of somebody else', async () => {
      const other = await newStudent({ amka: '', ssnCountry: 'CY', ssn: 'TAKEN77' })
      const { walk, mobile } = await newStudent({ amka: '' })
      await walk.toReview({ mobile })
      const page = await walk.submit('/register/number', { ssnCountry: 'CY', ssn: 'taken77' })
      assert.match(page.body, /ACTIVATION_NUMBER_TAKEN/)
      assert.doesNotMatch(page.body, new RegExp(other.row.username as string))
    })
  })

  it('lists what the record lacks with empty parentheses, after the PIN', async () => {
    const { walk, mobile } = await newStudent({ username: '', birthDate: '', amka: '' })
    await walk.begin()
    assert.doesNotMatch((await walk.contact({ mobile })).body, /απαραίτητα στοιχεία/)
    const page = await walk.pin(await walk.lastPin(mobile))
    assert.match(page.body, /Ο χρήστης δεν έχει συμπληρωμένα τα απαραίτητα στοιχεία/)
    assert.equal(page.body.match(/\(\s*\)/g)?.length, 4)
  })

  describe('with a telephone that a family shares', () => {
    it('asks one more fact and activates the right one, whoever goes first', async () => {
      const elder = studentRow({ firstNameEl: 'Άρης', birthDate: '2004-05-06' })
      const younger = studentRow({ firstNameEl: 'Μάρω', mobile: elder.mobile ?? '' })
      await importRows(app, elder, younger)
      const walk = new ActivationWalk(app)
      const page = await walk.toReview({ mobile: elder.mobile ?? '' })
      assert.match(page.body, /name="birthDay"/)
      assert.doesNotMatch(page.body, /Άρης|Μάρω/)
      const review = await walk.submit('/register/fact', {
        birthDay: '6',
        birthMonth: '5',
        birthYear: '2004',
      })
      assert.match(review.body, /Άρης/)
      assert.doesNotMatch(review.body, /Μάρω/)
      await walk.agree()
      await walk.password()
      assert.equal((await accountOf(elder.username)).state, 'active')
      assert.equal((await accountOf(younger.username)).state, 'pending')
    })

    it('asks twins for the registration number', async () => {
      const one = studentRow({ firstNameEl: 'Άρης', birthDate: '2006-05-06' })
      const two = studentRow({
        firstNameEl: 'Μάρω',
        birthDate: '2006-05-06',
        mobile: one.mobile ?? '',
      })
      await importRows(app, one, two)
      const walk = new ActivationWalk(app)
      await walk.toReview({ mobile: one.mobile ?? '' })
      const page = await walk.submit('/register/fact', {
        birthDay: '06',
        birthMonth: '05',
        birthYear: '2006',
      })
      assert.match(page.body, /name="registrationNumber"/)
      const registrationNumber = ` ${two.registrationNumber} `
      const review = await walk.submit('/register/fact', { registrationNumber })
      assert.match(review.body, /Μάρω/)
    })

    it('ends after five wrong facts, without saying whose record it is', async () => {
      const one = studentRow({ birthDate: '2005-05-06' })
      const two = studentRow({ mobile: one.mobile ?? '' })
      await importRows(app, one, two)
      const walk = new ActivationWalk(app)
      await walk.toReview({ mobile: one.mobile ?? '' })
      const wrong = { birthDay: '1', birthMonth: '1', birthYear: '1990' }
      for (let tries = 1; tries <= 4; tries++)
        assert.equal((await walk.submit('/register/fact', wrong)).status, 422)
      const page = await walk.submit('/register/fact', wrong)
      assert.match(page.body, /ACTIVATION_FACT_WRONG/)
      assert.doesNotMatch(page.body, /Παπαδοπούλου|1010/)
    })
  })

  it('keeps nothing of somebody who disagrees, explains, and lets them come back', async () => {
    const { row, walk, mobile } = await newStudent()
    await walk.toReview({ mobile })
    const page = await walk.submit('/register/review', { decision: 'disagree' })
    assert.match(page.body, /\/register\/review/)
    assert.equal((await accountOf(row.username)).state, 'pending')
    assert.match((await walk.open('/register/review')).body, /Βήμα 3\/4/)
    await walk.submit('/register/leave', {})
    assert.equal((await walk.open('/register/review')).status, 200)
    assert.equal((await accountOf(row.username)).state, 'pending')
  })

  it('refuses a password that breaks the rules or holds the person, and asks for the terms', async () => {
    const { row, walk, mobile } = await newStudent()
    await walk.toReview({ mobile })
    await walk.agree()
    for (const password of ['short1!', 'Papadopoulou-26', `x-${row.username}-y`])
      assert.equal((await walk.password(password)).status, 422, `${password} was taken`)
    const differs = await walk.password(chosenPassword, { passwordRepeat: 'Other-83-Thymari' })
    assert.equal(differs.status, 422)
    const noTerms = await walk.password(chosenPassword, { terms: '' })
    assert.equal(noTerms.status, 422)
    assert.match(noTerms.body, /Όρους Χρήσης/)
    assert.doesNotMatch(noTerms.body, new RegExp(chosenPassword))
    assert.equal((await accountOf(row.username)).state, 'pending')
  })

  it('tells who has done it before, with the way to the password service', async () => {
    const { row, walk, mobile } = await newStudent()
    await walk.activate({ mobile })
    const again = new ActivationWalk(app)
    await again.begin()
    assert.doesNotMatch((await again.contact({ mobile })).body, /ALREADY/)
    const page = await again.pin(await again.lastPin(mobile))
    assert.match(page.body, /ACTIVATION_ALREADY_ACTIVE/)
    assert.match(page.body, /\/account\/recover/)
    assert.ok(page.body.includes(row.username as string))
  })

  it('adds a second role to the same account, with its password instead of a new one', async () => {
    const { row, walk, mobile } = await newStudent()
    await walk.activate({ mobile })
    const before = await accountOf(row.username)
    const staffMobile = '+306900099001'
    await importRows(app, {
      ...row,
      source: 'hr',
      sourceId: `E-${row.sourceId}`,
      role: 'staff',
      mobile: staffMobile,
      degreeLevel: '',
    })
    assert.doesNotMatch((await walk.open('/')).body, /class="role current"[^>]*>\s*Προσωπικό/)

    const stranger = new ActivationWalk(app)
    const asked = await stranger.toReview({ mobile: staffMobile }, 'staff')
    assert.ok(asked.body.includes(row.username as string))
    assert.doesNotMatch(asked.body, /name="decision"/)

    const review = await walk.toReview({ mobile: staffMobile }, 'staff')
    assert.match(review.body, /name="decision"/)
    const done = await walk.agree()
    assert.equal(done.status, 200)
    assert.match(done.body, /Η νέα ιδιότητα προστέθηκε/)
    assert.ok(done.body.includes(row.username as string))
    const after = await accountOf(row.username)
    assert.deepEqual(after.activatedRoles, ['student', 'staff'])
    assert.equal(after.passwordHash, before.passwordHash)
  })

  it('shows the same reference on every page of one activation', async () => {
    const { walk, mobile } = await newStudent()
    const pages = [
      await walk.begin(),
      await walk.contact({ mobile: '+306911111111' }),
      await walk.contact({ mobile }),
      await walk.pin('000'),
      await walk.pin(await walk.lastPin(mobile)),
      await walk.submit('/register/review', { decision: 'disagree' }),
      await walk.agree(),
      await walk.password('x'),
      await walk.password(),
    ]
    assert.equal(new Set(pages.map(ActivationWalk.reference)).size, 1)
  })

  it('shows the reference beside the way to go on', async () => {
    const { walk } = await newStudent()
    const reference = ActivationWalk.reference(await walk.begin())
    assert.equal(ActivationWalk.reference(await walk.open('/register')), reference)
    const stranger = await new ActivationWalk(app).open('/register')
    assert.doesNotMatch(stranger.body, /Κωδικός αίτησης/)
  })

  it('leads on to the service that the person came from', async () => {
    const { walk, mobile } = await newStudent()
    const flow = sealFlow(app.context, {
      resume: '/saml/sso/resume',
      service: { protocol: 'saml', id: 'https://eudoxus.example.org/shibboleth' },
    })
    const login = await walk.open(`/login?flow=${flow}`)
    assert.match(login.body, new RegExp(`/register\\?flow=${flow}`))
    const landing = await walk.open(`/register?flow=${flow}`)
    await walk.post('/register', { flow }, hiddenField(landing.body, '_csrf'))
    await walk.submit('/register/role', { role: 'student' })
    await walk.contact({ mobile })
    await walk.pin(await walk.lastPin(mobile))
    await walk.agree()
    const done = await walk.password()
    assert.match(done.body, new RegExp(`/saml/sso/resume\\?flow=${flow}`))
  })

  it('takes no address of anybody else for the way back', async () => {
    const { walk } = await newStudent()
    const landing = await walk.open('/register?flow=https://evil.example/')
    assert.equal(landing.status, 200)
    assert.doesNotMatch(landing.body, /name="flow"|login\?flow|href="https:\/\/evil/)
  })

  it('tells somebody who took too long, and lets them begin again', async () => {
    const { row, walk, mobile } = await newStudent()
    await walk.toReview({ mobile })
    app.advance(61 * minuteMs)
    const page = await walk.submit('/register/review', { decision: 'agree' })
    assert.match(page.body, /ACTIVATION_EXPIRED/)
    assert.equal((await accountOf(row.username)).state, 'pending')
    assert.match((await walk.begin()).body, /Βήμα 1\/4/)
  })
})
