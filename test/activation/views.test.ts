import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import request from 'supertest'
import { passwordPage } from '../../src/passwords/new-password.ts'
import { passwordRules } from '../../src/passwords/password-rules.ts'
import { renderPage, viewsDir } from '../../src/web/render.ts'
import { testPages } from '../web/markup.ts'
import { createWebApp } from '../web/web-app.ts'

const hostile = '"><img src=x onerror=alert(1)>\'\u202e<script>alert(2)</script>'
const recordKeeper = { name: hostile, email: 'keeper@uni.example.gr', phone: '210 1', url: '/k' }
const minimal = { errors: {}, values: {}, recordKeeper: { name: 'Γραμματεία' } }
const full = { ...minimal, reference: 'K7F-2QX', recordKeeper, role: 'student' }
const newPassword = passwordPage({
  rules: passwordRules({}),
  owner: { username: 'dpapadopoulou', names: [], numbers: [], phones: [], emails: [] },
})
const both = { sms: true, email: true }
const error = (name: string, values?: object) => ({ key: `activation.error.${name}`, values })

const stopCodes = [
  'EXPIRED',
  'NOT_FOUND',
  'PIN_EXPIRED',
  'PIN_USED_UP',
  'FACT_WRONG',
  'AMKA_MISMATCH',
  'AMKA_UNREACHABLE',
  'NUMBER_TAKEN',
  'DATA_MISSING',
  'TAX_NUMBER_INVALID',
  'ALREADY_ACTIVE',
  'ACCOUNT_STOPPED',
  'RECORD_CHANGED',
  'THROTTLED',
  'MESSAGE_FAILED',
].map((name) => `ACTIVATION_${name}`)

/** Every page with all it can show, said by a hostile person, and with the least. */
const samples = {
  landing: [
    { ...minimal, canContinue: false, flow: '' },
    { ...full, canContinue: true, flow: hostile },
  ],
  role: [
    minimal,
    {
      ...full,
      values: { role: 'staff' },
      errors: { role: error('roleMissing') },
      contractorKeeper: recordKeeper,
    },
  ],
  contact: [
    { ...minimal, channels: both, contactRule: 'any', notFound: false },
    {
      ...full,
      channels: both,
      contactRule: 'any',
      notFound: true,
      code: 'ACTIVATION_NOT_FOUND',
      values: { mobile: hostile, email: hostile },
    },
    {
      ...full,
      role: 'staff',
      channels: both,
      contactRule: 'exactly-one',
      notFound: false,
      errors: {
        mobile: error('mobile'),
        email: error('emailInstitutional', { scope: 'uni.example.gr' }),
      },
      values: { mobile: '69', email: 'x' },
    },
    ...['sms', 'email'].map((only) => ({
      ...full,
      role: 'affiliate',
      channels: { sms: false, email: false, [only]: true },
      contactRule: 'any',
      notFound: true,
    })),
  ],
  pin: [
    { ...minimal, targets: [{ channel: 'sms', masked: '•', delivery: 'sent' }], resent: false },
    ...['sent', 'waiting', 'failed'].map((delivery) => ({
      ...full,
      targets: ['sms', 'email'].map((channel) => ({ channel, masked: hostile, delivery })),
      resent: true,
      triesLeft: 1,
      waitMinutes: 1,
      errors: { pin: error('pinWrong') },
      values: { pin: '482091' },
    })),
  ],
  fact: [
    { ...minimal, fact: 'birthDate' },
    { ...minimal, fact: 'registrationNumber' },
    {
      ...full,
      fact: 'birthDate',
      errors: { birthDate: error('birthDateInvalid') },
      values: { birthDay: hostile, birthMonth: '2', birthYear: '2007' },
    },
    {
      ...full,
      fact: 'registrationNumber',
      errors: { registrationNumber: error('factWrong') },
      values: { registrationNumber: hostile },
    },
  ],
  number: [
    { ...minimal, kind: 'amka', countries: [] },
    { ...minimal, kind: 'foreign', countries: [] },
    { ...full, kind: 'amka', errors: { amka: error('amkaLength') }, values: { amka: hostile } },
    {
      ...full,
      kind: 'foreign',
      countries: [{ code: hostile, name: hostile }],
      errors: { ssnCountry: error('ssnCountry'), ssn: error('ssn') },
      values: { ssnCountry: hostile, ssn: hostile },
    },
  ],
  review: [
    {
      ...minimal,
      facts: { fullName: 'Δ Π', username: 'u', roles: [], numbers: [], gender: 0 },
      isSecondRole: true,
      canConsent: { mobile: false, email: false },
    },
    {
      ...full,
      facts: {
        fullName: hostile,
        username: hostile,
        roles: [
          {
            kind: 'student',
            degreeLevel: 'integrated-master',
            departmentName: hostile,
            registrationNumber: hostile,
          },
          { kind: 'faculty' },
        ],
        numbers: [
          { country: 'GR', number: hostile },
          { country: 'CY', number: hostile },
        ],
        taxNumber: { country: 'CY', number: hostile },
        fatherName: hostile,
        birthDate: '27 Μαρτίου 2007',
        gender: 2,
        mobile: hostile,
        email: hostile,
      },
      isSecondRole: false,
      canConsent: { mobile: true, email: true },
      values: { consentMobile: 'yes' },
    },
  ],
  disagree: [minimal, full],
  'second-role': [
    { ...minimal, username: 'u', loginUrl: '/login' },
    { ...full, username: hostile, loginUrl: '/login?flow=x' },
  ],
  password: [
    { ...minimal, username: 'u', passwordPage: newPassword, isTermsMissing: false },
    { ...full, username: hostile, passwordPage: newPassword, isTermsMissing: true },
  ],
  code: [
    { ...minimal, passwordPage: newPassword },
    {
      ...full,
      passwordPage: newPassword,
      errors: {
        username: { key: 'activation.code.refused' },
        terms: { key: 'activation.terms.missing' },
      },
      values: { username: hostile, passphrase: hostile, terms: 'yes' },
    },
  ],
  done: [
    {
      ...minimal,
      firstName: 'Δ',
      username: 'u',
      mailAddress: 'u@uni.example.gr',
      isSecondRole: false,
      services: [],
      notices: [],
    },
    {
      ...full,
      firstName: hostile,
      username: hostile,
      mailAddress: hostile,
      isSecondRole: true,
      services: [{ name: hostile, description: hostile, url: 'https://eclass.example/' }],
      notices: ['sms', 'email'].map((channel) => ({ channel, masked: hostile })),
      continueTo: { url: '/saml/resume', serviceName: hostile },
    },
    {
      ...full,
      firstName: 'Γεώργιος',
      username: 'u',
      mailAddress: 'u@uni.example.gr',
      isSecondRole: false,
      services: [],
      notices: [],
      continueTo: { url: '/saml/resume' },
    },
  ],
  'amka-mismatch': [
    {
      ...minimal,
      amka: '1',
      lastName: 'Π',
      birthDate: '27/3/2007',
      isGiven: false,
      username: 'u',
    },
    {
      ...full,
      amka: hostile,
      lastName: hostile,
      birthDate: hostile,
      isGiven: true,
      departmentName: hostile,
      registrationNumber: hostile,
      username: hostile,
    },
  ],
  'data-missing': [
    {
      ...minimal,
      facts: ['username', 'amka', 'amkaCountry', 'birthDate', 'taxNumber'].map((name) => ({
        name,
        value: '',
      })),
    },
    { ...full, facts: [{ name: 'username', value: hostile }] },
  ],
  stopped: stopCodes.flatMap((code) => [
    { ...minimal, code },
    { ...full, code, username: hostile, minutes: 12 },
  ]),
} satisfies Record<string, object[]>

/** Parts of the pages. */
const parts = ['frame', 'parts', 'helpdesk', 'record-keeper', 'start-again', 'terms']

const { app } = createWebApp()
let shown: { view: string; data: object }
app.get('/', (req, res) => renderPage(req, res, `activation/${shown.view}`, shown.data))

async function show(view: string, data: object, language = 'el'): Promise<string> {
  shown = { view, data }
  const { text, status } = await request(app).get('/').set('Accept-Language', language)
  assert.equal(status, 200)
  return text
}

/** Without the sentence that the browser's script fills in. */
function withoutTemplates(html: string): string {
  return html.replace(/ data-count="[^"]*"/g, '')
}

testPages('pages of the activation', samples, show, withoutTemplates)

describe('pages of the activation', () => {
  it('are all tested here', () => {
    const views = readdirSync(join(viewsDir, 'activation'))
      .filter((name) => name.endsWith('.njk'))
      .map((name) => name.slice(0, -4))
    assert.deepEqual(views.sort(), [...Object.keys(samples), ...parts].sort())
  })

  it('show the reference for the helpdesk, every one of them', async () => {
    for (const [view, cases] of Object.entries(samples)) {
      const html = await show(view, { ...cases[0], reference: 'K7F-2QX' })
      assert.match(
        html,
        /Κωδικός αίτησης για το Γραφείο Αρωγής: <b class="code">K7F-2QX<\/b>/,
        view,
      )
    }
  })

  it('count the steps as the guides do', async () => {
    const steps = { contact: 1, pin: 2, fact: 2, number: 2, review: 3, password: 4 }
    for (const [view, step] of Object.entries(steps)) {
      const html = await show(view, samples[view as keyof typeof steps][0] as object)
      assert.match(html, new RegExp(`>Βήμα ${step}/4<`), view)
      assert.equal(html.match(/<li class="done">/g)?.length, step, view)
    }
  })

  it('lead from every error to its field, and say so in the title', async () => {
    const html = await show('contact', samples.contact[2] as object)
    assert.match(html, /<title>Σφάλμα: /)
    assert.match(html, /<a href="#mobile">Γράψτε το κινητό/)
    assert.match(
      html,
      /id="mobile"[^>]*aria-describedby="mobile-hint mobile-error" aria-invalid="true"/,
    )
    for (const [view, cases] of Object.entries(samples)) {
      for (const data of cases) {
        const page = await show(view, data)
        for (const [, id] of page.matchAll(/<li><a href="#([^"]+)"/g)) {
          assert.ok(page.includes(`id="${id}"`), `${view}: nothing has the id ${id}`)
        }
      }
    }
  })

  it('tell browsers and phones what each field is for', async () => {
    const contact = await show('contact', samples.contact[0] as object)
    assert.match(contact, /id="mobile"[^>]*type="tel"[^>]*autocomplete="tel"/)
    assert.match(contact, /id="email"[^>]*type="email"[^>]*autocomplete="email"/)
    const pin = await show('pin', samples.pin[0] as object)
    assert.match(pin, /id="pin"[^>]*inputmode="numeric"[^>]*autocomplete="one-time-code"/)
    const password = await show('password', samples.password[0] as object)
    assert.match(password, /id="username"[^>]*autocomplete="username" readonly/)
    assert.equal(password.match(/autocomplete="new-password"/g)?.length, 2)
    const amka = await show('number', samples.number[0] as object)
    assert.match(amka, /id="amka"[^>]*inputmode="numeric"/)
  })

  it('never show a typed PIN again', async () => {
    const html = await show('pin', samples.pin[1] as object)
    assert.ok(!html.includes('482091'))
  })

  it('do not tell whether the mobile or the mail was not found', async () => {
    const notFound = samples.contact[1] as object
    const strip = (html: string) =>
      html.replace(/ value="[^"]*"/g, '').replace(/suggestion">[^<]*</g, '')
    const byMobile = await show('contact', { ...notFound, values: { mobile: '6900000000' } })
    const byEmail = await show('contact', { ...notFound, values: { email: 'a@example.com' } })
    assert.equal(strip(byMobile), strip(byEmail))
    assert.match(byMobile, /Δεν βρέθηκε χρήστης με αυτά τα στοιχεία/)
  })

  it('show missing facts as empty parentheses, as the guides describe them', async () => {
    const html = await show('data-missing', samples['data-missing'][0] as object)
    assert.match(html, /Ο χρήστης δεν έχει συμπληρωμένα τα απαραίτητα στοιχεία/)
    assert.equal(html.match(/>\( \)</g)?.length, 5)
  })

  it('name the three facts of a failed AMKA check and where each is put right', async () => {
    const html = await show('amka-mismatch', {
      ...samples['amka-mismatch'][0],
      amka: '27030712345',
      recordKeeper,
    })
    assert.match(html, /<h1>Ανεπιτυχής έλεγχος του ΑΜΚΑ σας με τα στοιχεία που δόθηκαν<\/h1>/)
    for (const fact of ['27030712345', 'Π', '27/3/2007'])
      assert.ok(html.includes(`<dd>${fact}</dd>`))
    assert.match(html, /href="https:\/\/www\.amka\.gr\/AMKAGR\/"/)
    assert.match(html, /ΚΕΠ/)
    assert.match(html, /keeper@uni\.example\.gr/)
    assert.ok(!html.includes('href="/register/number"'))
  })

  it('offer what helps for each reason to stop', async () => {
    const page = (code: string) => show('stopped', { ...full, code, minutes: 12 })
    assert.match(await page('ACTIVATION_PIN_EXPIRED'), /action="\/register"/)
    assert.match(await page('ACTIVATION_AMKA_UNREACHABLE'), /action="\/register\/number\/again"/)
    assert.match(await page('ACTIVATION_THROTTLED'), /Δοκιμάστε ξανά σε 12 λεπτά\./)
    const active = await page('ACTIVATION_ALREADY_ACTIVE')
    assert.match(active, /href="\/login"/)
    assert.match(active, /href="\/account\/recover"/)
    assert.ok(!active.includes('action="/register"'))
  })

  it("greet with the name where Greek lets it stand, and beside it for men's names in -ς", async () => {
    const [woman, , man] = samples.done
    const dimitra = await show('done', { ...woman, firstName: 'Δήμητρα' })
    assert.match(dimitra, /<h1>Καλωσήλθατε, Δήμητρα<\/h1>/)
    assert.match(
      await show('done', man as object),
      /<h1>Καλωσήλθατε <span class="apart">Γεώργιος<\/span><\/h1>/,
    )
    assert.match(await show('done', man as object, 'en'), /<h1>Welcome, Γεώργιος<\/h1>/)
  })

  it('keep the way to the service that the person came from', async () => {
    const html = await show('landing', { ...minimal, canContinue: false, flow: 'tok+/=' })
    assert.match(html, /name="flow" value="tok\+\/="/)
    assert.match(html, /href="\/login\?flow=tok%2B%2F%3D"/)
  })
})
