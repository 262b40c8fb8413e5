import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { AttemptModel } from '../../src/activation/attempt-model.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { findAccountByUsername } from '../../src/people/people-store.ts'
import { ActivationWalk } from '../support/activation-walk.ts'
import {
  type AmkaRegistryServer,
  startAmkaRegistryServer,
} from '../support/amka-registry-server.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'
import { type SmsGateway, startSmsGateway } from '../support/sms-gateway.ts'

describe('Activating with the outside world: AMKA registry, mail server, SMS gateway', () => {
  let app: TestApp
  let registry: AmkaRegistryServer
  let mail: MailServer
  let gateway: SmsGateway
  before(async () => {
    registry = await startAmkaRegistryServer()
    mail = await startMailServer()
    gateway = await startSmsGateway()
    app = await startTestApp({
      DEV_PAGES: 'true',
      AMKA_REGISTRY_URL: registry.url,
      AMKA_REGISTRY_TOKEN: registry.token,
      SMTP_URL: mail.url,
      SMS_GATEWAY_URL: gateway.url,
      SMS_GATEWAY_TOKEN: gateway.token,
    })
  })
  afterEach(async () => {
    registry.behave('normal')
    mail.behave('accept')
    gateway.behave(202)
    await ThrottleModel.deleteMany({})
  })
  after(async () => {
    await app.close()
    await Promise.all([registry.close(), mail.close(), gateway.close()])
  })

  async function newStudent(change = {}, isRegistered = true) {
    const row = studentRow(change)
    await importRows(app, row)
    const { amka, lastNameEl, birthDate } = row
    if (amka && isRegistered) {
      registry.add({ ssn: amka, familyName: lastNameEl as string, birthDate: birthDate as string })
    }
    const walk = new ActivationWalk(app)
    return { row, walk, mobile: row.mobile ?? '', email: row.email ?? '' }
  }

  const stateOf = async (username = '') => (await findAccountByUsername(username))?.state

  it('asks the registry about the AMKA on record, and activates when all agrees', async () => {
    const { row, walk, mobile } = await newStudent()
    const page = await walk.activate({ mobile })
    assert.match(page.body, /Καλωσήλθατε/)
    const asked = registry.requests.filter(({ ssn }) => ssn === row.amka)
    assert.deepEqual(
      asked.map(({ familyName, birthDate }) => [familyName, birthDate]),
      [[row.lastNameEl, row.birthDate]],
    )
    const account = await findAccountByUsername(row.username as string)
    assert.equal(account?.activation?.numberCheckedBy, 'national')
  })

  for (const [what, isRegistered] of [
    ['does not agree', true],
    ['is not registered', false],
  ] as const) {
    it(`shows what was compared when the AMKA on record ${what}`, async () => {
      const { row, walk, mobile } = await newStudent({}, isRegistered)
      if (isRegistered) registry.behave('mismatch')
      const page = await walk.toReview({ mobile })
      assert.match(page.body, /Ανεπιτυχής έλεγχος του ΑΜΚΑ σας με τα στοιχεία που δόθηκαν/)
      for (const shown of [row.amka, 'Παπαδοπούλου', '12 Μαρτίου 2007', 'amka.gr/AMKAGR'])
        assert.ok(page.body.includes(shown as string), `the page does not show ${shown}`)
      assert.equal(await stateOf(row.username), 'pending')
    })
  }

  for (const behaviour of ['refuse', 'break-500', 'break-json', 'break-html'] as const) {
    it(`never takes a registry that answers with ${behaviour} for a match; nothing is lost`, async () => {
      const { row, walk, mobile } = await newStudent()
      registry.behave(behaviour)
      const page = await walk.toReview({ mobile })
      assert.equal(page.status, 503)
      assert.match(page.body, /ACTIVATION_AMKA_UNREACHABLE/)
      for (const path of ['/register/review', '/register/password'])
        assert.match((await walk.open(path)).body, /ACTIVATION_AMKA_UNREACHABLE/)
      registry.behave('normal')
      const review = await walk.submit('/register/number/again', {})
      assert.match(review.body, /Βήμα 3\/4/)
      assert.equal(await stateOf(row.username), 'pending')
    })
  }

  it('keeps a typed AMKA for another try while the registry is away', async () => {
    const { row, walk, mobile } = await newStudent({ amka: '' })
    const amka = syntheticAmka(row.birthDate as string)
    registry.add({ ssn: amka, familyName: 'Παπαδοπούλου', birthDate: row.birthDate as string })
    await walk.toReview({ mobile })
    registry.behave('break-500')
    assert.equal((await walk.submit('/register/number', { amka })).status, 503)
    registry.behave('normal')
    assert.match((await walk.submit('/register/number', { amka })).body, /Βήμα 3\/4/)
  })

  it('brings the PIN by real mail and SMS, and the confirmation to both', async () => {
    const { row, walk, mobile, email } = await newStudent()
    await walk.begin()
    await walk.contact({ mobile, email })
    const letter = mail.messages.find(({ to }) => to.includes(email))
    const short = gateway.requests.find(({ body }) => body.to === mobile)
    const pin = /\b\d{6}\b/.exec(letter?.text ?? '')?.[0] ?? ''
    assert.ok(letter?.isEncrypted)
    assert.match(short?.body.text ?? '', new RegExp(`#${pin}$`))
    assert.match((await walk.pin(pin)).body, /Βήμα 3\/4/)
    await walk.agree({ consentMobile: 'yes', consentEmail: 'yes' })
    await walk.password()
    await app.runtime.messages.settled()
    const told = mail.messages.filter(({ to }) => to.includes(email))
    assert.match(told.at(-1)?.text ?? '', new RegExp(row.username as string))
    assert.equal(gateway.requests.filter(({ body }) => body.to === mobile).length, 2)
  })

  it('tells the person which of two messages could not be sent, and the helpdesk too', async () => {
    const { walk, mobile, email } = await newStudent()
    mail.behave('refuse')
    await walk.begin()
    const page = await walk.contact({ mobile, email })
    assert.match(page.body, /class="delivery sent"/)
    assert.match(page.body, /class="delivery failed"/)
    assert.doesNotMatch(page.body, new RegExp(email))
    const attempt = await AttemptModel.findOne({
      reference: ActivationWalk.reference(page),
    }).lean()
    assert.ok(
      attempt?.events.some(({ name, detail }) => name === 'pin-not-sent' && detail === 'email'),
    )
    const pin = /#(\d{6})$/.exec(gateway.requests.at(-1)?.body.text ?? '')?.[1] ?? ''
    assert.match((await walk.pin(pin)).body, /Βήμα 3\/4/)
  })

  for (const [what, worsen] of [
    ['a mail server that greylists', () => mail.behave('greylist')],
    ['a gateway that is busy', () => gateway.behave(503)],
  ] as const) {
    it(`says that the message is late with ${what}`, async () => {
      const { walk, mobile, email } = await newStudent()
      worsen()
      await walk.begin()
      const page = await walk.contact(what.includes('mail') ? { email } : { mobile })
      assert.match(page.body, /class="delivery waiting"/)
    })
  }

  it('lets somebody whose only message failed go back and give the other contact', async () => {
    const { walk, mobile, email } = await newStudent()
    gateway.behave(400)
    await walk.begin()
    const failed = await walk.contact({ mobile })
    assert.match(failed.body, /class="delivery failed"/)
    assert.match(failed.body, /ACTIVATION_MESSAGE_FAILED/)
    assert.match((await walk.contact({ email })).body, /class="delivery sent"/)
    const pin = /\b\d{6}\b/.exec(mail.messages.at(-1)?.text ?? '')?.[0] ?? ''
    assert.match((await walk.pin(pin)).body, /Βήμα 3\/4/)
  })
})
