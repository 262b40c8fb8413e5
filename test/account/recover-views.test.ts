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
const minimal = { errors: {}, values: {} }
const full = { ...minimal, reference: 'K7F-2QX' }
const error = (name: string) => ({ key: `account.recover.error.${name}` })
const newPassword = passwordPage({
  rules: passwordRules({}),
  owner: { username: 'dpapadopoulou', names: [], numbers: [], phones: [], emails: [] },
})

const stopCodes = [
  'RECOVERY_EXPIRED',
  'CODE_EXPIRED',
  'CODE_USED_UP',
  'PASSWORD_CHANGED_MEANWHILE',
  'CHANGED_MEANWHILE',
  'THROTTLED',
].map((name) => `ACCOUNT_${name}`)

/** Every page with all it can show, said by a hostile person, and with the least. */
const samples = {
  start: [
    { ...minimal, channels: ['email', 'sms'], flow: '' },
    { ...minimal, channels: [], flow: '' },
    ...['email', 'sms'].map((only) => ({ ...minimal, channels: [only], flow: 'token' })),
    {
      ...full,
      channels: ['email', 'sms'],
      flow: hostile,
      values: { username: hostile, channel: 'sms', contact: hostile },
      errors: {
        username: { key: 'login.error.usernameMissing' },
        channel: error('channelMissing'),
        contact: error('mobile'),
      },
    },
  ],
  code: [
    { ...minimal, channel: 'email', masked: '•', isInstitutional: false, resent: false },
    ...['email', 'sms'].map((channel) => ({
      ...full,
      channel,
      masked: hostile,
      isInstitutional: channel === 'email',
      resent: true,
      triesLeft: 1,
      waitMinutes: 2,
      errors: { code: error('codeWrong') },
    })),
  ],
  password: [
    { ...minimal, username: 'u', passwordPage: newPassword },
    {
      ...full,
      username: hostile,
      passwordPage: newPassword,
      errors: { password: error('usedBefore') },
    },
  ],
  done: [
    { ...minimal, username: 'u', notices: [] },
    {
      ...full,
      username: hostile,
      notices: ['sms', 'email'].map((channel) => ({ channel, masked: hostile })),
      continueTo: { url: '/saml/resume', serviceName: hostile },
    },
    { ...full, username: 'u', notices: [], continueTo: { url: '/saml/resume' } },
  ],
  stopped: stopCodes.flatMap((code) => [
    { ...minimal, code },
    { ...full, code, minutes: 12 },
  ]),
  help: [minimal],
} satisfies Record<string, object[]>

const { app } = createWebApp()
let shown: { view: string; data: object }
app.get('/', (req, res) => renderPage(req, res, `account/recover/${shown.view}`, shown.data))

async function show(view: string, data: object, language = 'el'): Promise<string> {
  shown = { view, data }
  const { text, status } = await request(app).get('/').set('Accept-Language', language)
  assert.equal(status, 200, text)
  return text
}

/** Without the sentences that the browser's script fills in. */
function withoutTemplates(html: string): string {
  return html.replace(/ data-[\w-]+="[^"]*\{[^"]*"/g, '')
}

testPages('pages of the recovery', samples, show, withoutTemplates)

describe('pages of the recovery', () => {
  it('are all tested here', () => {
    const views = readdirSync(join(viewsDir, 'account/recover'))
      .filter((name) => name.endsWith('.njk'))
      .map((name) => name.slice(0, -4))
    assert.deepEqual(views.sort(), Object.keys(samples).sort())
  })

  it('lead from every error to its field', async () => {
    for (const [view, cases] of Object.entries(samples)) {
      for (const data of cases) {
        const page = await show(view, data)
        for (const [, id] of page.matchAll(/<li><a href="#([^"]+)"/g)) {
          assert.ok(page.includes(`id="${id}"`), `${view}: nothing has the id ${id}`)
        }
      }
    }
  })

  it('tell browsers and phones what each field is for, with the labels of the guides', async () => {
    const start = await show('start', samples.start[0] as object)
    assert.match(start, /<h1>Έχω ξεχάσει τον κωδικό μου<\/h1>/)
    assert.match(start, />Αποστολή με email</)
    assert.match(start, />Αποστολή με sms</)
    assert.match(start, /id="username"[^>]*autocomplete="username"/)
    const code = await show('code', samples.code[0] as object)
    assert.match(code, /id="code"[^>]*inputmode="numeric"[^>]*autocomplete="one-time-code"/)
    const password = await show('password', samples.password[0] as object)
    assert.match(password, /id="username"[^>]*autocomplete="username" readonly/)
    assert.equal(password.match(/autocomplete="new-password"/g)?.length, 2)
  })

  it('show the reference for the helpdesk', async () => {
    for (const view of ['code', 'password', 'done', 'stopped'] as const) {
      const html = await show(view, { ...samples[view][0], reference: 'K7F-2QX' })
      assert.match(html, /<b class="code">K7F-2QX<\/b>/, view)
    }
  })
})
