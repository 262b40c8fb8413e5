import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { passwordPage } from '../../src/passwords/new-password.ts'
import { passwordRules } from '../../src/passwords/password-rules.ts'
import { renderPage } from '../../src/web/render.ts'
import { testPages } from '../web/markup.ts'
import { createWebApp } from '../web/web-app.ts'

const hostile = '"><img src=x onerror=alert(1)>\'\u202e<script>alert(2)</script>'
const minimal = { errors: {}, values: {} }
const error = (key: string, values?: object) => ({ key, values })
const newPassword = passwordPage({
  rules: passwordRules({}),
  owner: { username: 'dpapadopoulou', names: [], numbers: [], phones: [], emails: [] },
})
const target = { kind: 'mobile', channel: 'sms', masked: '•', delivery: 'sent' }
const password = { ...minimal, tab: 'password', passwordPage: newPassword }
const contact = { ...minimal, tab: 'contact' }
const undo = { ...minimal, kind: 'mobile', token: 't', username: 'u' }

/** Every page with all it can show, said by a hostile person, and with the least. */
const samples: Record<string, object[]> = {
  'overview/overview': [
    { ...minimal, tab: 'overview', fullName: 'Δ Π', username: 'u', contacts: [] },
    ...[0, 1, 12].map((passwordAgeDays) => ({
      ...minimal,
      tab: 'overview',
      fullName: hostile,
      username: hostile,
      passwordAgeDays,
      contacts: [{ channel: 'sms', masked: hostile }],
    })),
  ],
  'password/password': [
    { ...password, username: 'u', signOutElsewhere: true },
    ...[
      error('account.password.error.throttled', { count: 1 }),
      error('account.password.error.currentWrong'),
      error('account.password.error.changedMeanwhile'),
    ].map((currentPassword) => ({
      ...password,
      username: hostile,
      signOutElsewhere: false,
      errors: {
        currentPassword,
        password: {
          ...error('account.password.error.usedBefore'),
          more: [error('passwords.problem.common')],
        },
        passwordRepeat: error('passwords.problem.repeatDiffers'),
      },
    })),
  ],
  'password/done': [
    { ...minimal, tab: 'password', contacts: [] },
    {
      ...minimal,
      tab: 'password',
      contacts: [
        { channel: 'sms', masked: hostile },
        { channel: 'email', masked: hostile },
      ],
    },
  ],
  'contact/contact': [
    { ...contact, contacts: [], givable: [], recorded: [], isPending: false },
    { ...contact, contacts: [], givable: ['email'], recorded: [], isPending: false },
    ...['mobile', 'email'].flatMap((kind) => [
      {
        ...contact,
        contacts: [{ kind, value: hostile, since: hostile }],
        givable: ['mobile', 'email'],
        recorded: [{ kind, value: hostile }],
        isPending: true,
        set: kind,
        values: { mobile: hostile, email: hostile },
        errors: {
          mobile: error(`account.contact.error.same.${kind}`),
          email: error('activation.error.emailInstitutional', { scope: hostile }),
        },
      },
      { ...contact, contacts: [], givable: ['mobile'], recorded: [], removed: kind },
    ]),
  ],
  'contact/code': [
    { ...contact, targets: [target] },
    ...['sent', 'waiting', 'failed'].map((delivery) => ({
      ...contact,
      reference: hostile,
      targets: [
        { ...target, masked: hostile, delivery },
        { kind: 'email', channel: 'email', masked: hostile, delivery },
      ],
      resent: 'email',
      set: 'mobile',
      values: { code: '482091' },
      errors: {
        'code-mobile': {
          ...error('account.contact.error.codeWrong'),
          more: [error('account.contact.error.tries', { count: 1 })],
        },
        'code-email': error('account.contact.error.throttled', { count: 3 }),
      },
    })),
  ],
  'contact/remove': ['mobile', 'email'].map((kind) => ({
    ...contact,
    kind,
    contact: hostile,
    isLast: kind === 'email',
  })),
  'contact/undo': ['open', 'undone', 'overtaken'].flatMap((state) => [
    { ...undo, state },
    {
      ...undo,
      state,
      kind: 'email',
      reference: hostile,
      token: hostile,
      from: hostile,
      to: hostile,
      username: hostile,
    },
  ]),
}

let shown: { view: string; data: object }
const { app } = createWebApp()
app.get('/', (req, res) => renderPage(req, res, `account/${shown.view}`, shown.data))

async function show(view: string, data: object, language = 'el'): Promise<string> {
  shown = { view, data }
  const { text, status } = await request(app).get('/').set('Accept-Language', language)
  assert.equal(status, 200)
  return text
}

/** Without the sentences that the browser's script fills in. */
function withoutTemplates(html: string): string {
  return html.replace(/ data-[\w-]+="[^"]*"/g, '')
}

const first = (view: string) => samples[view]?.[0] as object

testPages('pages for password and contact details', samples, show, withoutTemplates)

describe('pages for password and contact details', () => {
  it('have the names that the guides give them', async () => {
    const html = await show('overview/overview', first('overview/overview'))
    for (const label of [
      'Αρχική',
      'Αλλαγή Κωδικού',
      'Καταχώριση στοιχείων',
      'Πληροφορίες Λογαριασμού',
      'Ασφάλεια κωδικού',
    ])
      assert.match(html, new RegExp(`<a href="[^"]+"[^>]*>${label}</a>`))
  })

  it('lead from every error to its field, and say so in the title', async () => {
    for (const [view, cases] of Object.entries(samples)) {
      for (const data of cases as { errors: object }[]) {
        const html = await show(view, data)
        assert.equal(/<title>Σφάλμα: /.test(html), Object.keys(data.errors).length > 0, view)
        for (const [, id] of html.matchAll(/<li><a href="#([^"]+)"/g))
          assert.ok(html.includes(`id="${id}"`), `${view}: nothing has the id ${id}`)
      }
    }
  })

  it('tell browsers and phones what each field is for', async () => {
    const html = await show('password/password', first('password/password'))
    assert.match(html, /id="username"[^>]*autocomplete="username" readonly/)
    assert.match(html, /id="currentPassword"[^>]*autocomplete="current-password"/)
    assert.equal(html.match(/autocomplete="new-password"/g)?.length, 2)
    assert.match(html, /Νέος κωδικός πρόσβασης<\/label>/)
    const code = await show('contact/code', first('contact/code'))
    assert.match(code, /name="code"[^>]*inputmode="numeric"[^>]*autocomplete="one-time-code"/)
  })

  it('never show a typed code again', async () => {
    const html = await show('contact/code', samples['contact/code']?.[1] as object)
    assert.ok(!html.includes('482091'))
  })

  it('have no navigation for somebody who opens an undo link', async () => {
    const html = await show('contact/undo', first('contact/undo'))
    assert.doesNotMatch(html, /account-menu/)
  })
})
