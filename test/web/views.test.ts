import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, it } from 'node:test'
import request from 'supertest'
import { ruleTexts } from '../../src/passwords/new-password.ts'
import { defaultPasswordRules } from '../../src/passwords/password-rules.ts'
import { pagesRoutes } from '../../src/web/pages-routes.ts'
import { renderPage, viewsDir } from '../../src/web/render.ts'
import { checkMarkup } from './markup.ts'
import { createWebApp } from './web-app.ts'

const service = {
  name: 'eClass <b>',
  description: 'Μαθήματα',
  host: 'eclass.example',
  url: 'https://eclass.example/',
}
const hostile = '"><img src=x onerror=alert(1)>'

/** Data for every view, with what a hostile person or service might put in. */
const samples: Record<string, object[]> = {
  'login/login': [
    { flow: 'token', username: hostile, errors: {}, service },
    { flow: '', username: '', errors: { username: 'login.error.refused' } },
    {
      flow: '',
      username: '',
      errors: { username: 'login.error.usernameMissing', password: 'login.error.passwordMissing' },
    },
    { flow: '', username: '', errors: {}, throttledMinutes: 1 },
    { flow: '', username: '', errors: {}, throttledMinutes: 12 },
  ],
  'login/standing': ['pending', 'locked', 'disabled', 'expired'].map((standing) => ({
    standing,
    username: hostile,
    service,
  })),
  'login/logout': [
    { isSignedIn: true, services: [service] },
    { isSignedIn: false, services: [] },
  ],
  'login/signing-out': [
    {
      services: [
        { name: hostile, state: 'done' },
        { name: 'B', state: 'telling' },
        { name: 'C', state: 'waiting' },
      ],
      isOver: false,
      isPartial: true,
      isSignedIn: false,
      frames: [{ src: '/logout/x/services/2?in=frame' }],
      outcomesUrl: '/logout/x/outcomes',
      refreshSeconds: 6,
    },
    {
      services: [
        { name: 'A', state: 'no-answer', signOutUrl: '/logout/x/services/0' },
        { name: 'B', state: 'failed', openUrl: 'https://b.example.gr/' },
        { name: 'C', state: 'impossible' },
      ],
      isOver: true,
      isPartial: true,
      isSignedIn: true,
      frames: [],
      finish: '/logout/x/finish',
      asker: hostile,
    },
  ],
  'home/home': [
    {
      fullName: hostile,
      username: 'dpapadopoulou',
      roles: [
        {
          kind: 'student',
          degreeLevel: 'integrated-master',
          departmentName: hostile,
          registrationNumber: '1',
          state: 'current',
        },
        { kind: 'student', degreeLevel: 'bachelor', state: 'ended' },
        { kind: 'student', degreeLevel: 'master', state: 'current' },
        { kind: 'student', degreeLevel: 'doctorate', state: 'future' },
        { kind: 'student', state: 'current' },
        { kind: 'faculty', state: 'current' },
        { kind: 'staff', state: 'suspended' },
        { kind: 'affiliate', state: 'current' },
        { kind: 'staff', state: 'inactive' },
      ],
      services: [service, { name: 'Webmail', url: 'https://webmail.example/' }],
    },
    { fullName: 'Λεωνίδας Αλεξίου', username: 'lalexiou', roles: [], services: [] },
  ],
  'home/welcome': [{}],
  'oidc/logout': [
    { action: '/oidc/session/end/confirm', xsrf: hostile, serviceName: hostile },
    { action: '/x', xsrf: 'y' },
  ],
  'oidc/logged-out': [{}, { serviceName: hostile }],
  'error/error': [
    { code: 'NOT_FOUND', reference: 'K7F-2QX', time: 'now' },
    { code: 'CSRF_INVALID', reference: 'K7F-2QX', time: 'now', retryUrl: '/login' },
  ],
  'saml/error-url': [
    'IDENTIFICATION_FAILURE',
    'AUTHENTICATION_FAILURE',
    'AUTHORIZATION_FAILURE',
    'OTHER_ERROR',
  ].map((code) => ({
    problem: { code, at: '2026', service: hostile, transaction: hostile, context: hostile },
  })),
  'info/text': ['privacy', 'terms', 'accessibility'].map((topic) => ({ topic })),
  'info/policy': ['privacy', 'terms'].map((topic) => ({
    topic,
    version: hostile,
    sections: [{ title: hostile, paragraphs: [hostile, 'b'] }],
  })),
  'info/password': [
    { rules: ruleTexts(defaultPasswordRules), address: 'https://login.uni.example/' },
  ],
  'dev/outbox': [
    { messages: [] },
    {
      messages: ['sent', 'waiting', 'failed'].map((state) => ({
        at: 'now',
        language: 'el',
        channel: 'email',
        to: hostile,
        subject: hostile,
        text: hostile,
        code: '123456',
        state,
        lastError: hostile,
      })),
    },
  ],
  'cas/refused': [{ service: { name: 'Μαθήματα <b>' } }],
  'dev/index': [
    {
      activations: ['student', 'staff', 'affiliate'].map((role) => ({
        title: { el: hostile, en: hostile },
        role,
        mobile: '6900009001',
        email: 'a@example.org',
        tell: { el: hostile, en: hostile },
      })),
      accounts: ['active', 'pending', 'locked', 'disabled', 'expired'].map((state) => ({
        username: 'u',
        password: 'p',
        name: { el: 'Ε', en: 'E' },
        roles: { el: 'ρ', en: 'r' },
        state,
      })),
      services: [{ name: 'eClass' }],
    },
  ],
}

/** Not pages: parts of others, or tested with the headers. */
const parts = [
  'layout',
  'macros',
  'login/goodbye',
  'passwords/new-password',
  'passwords/strength',
  'saml/post',
]

for (const language of ['el', 'en']) {
  for (const [view, cases] of Object.entries(samples)) {
    for (const [index, data] of cases.entries()) {
      describe(`view ${view} ${index + 1} in ${language}`, () => {
        it('is sound HTML that holds the rules of our pages', async () => {
          const { app } = createWebApp({
            sessionId: () => (view.startsWith('home/home') ? 'a' : undefined),
          })
          app.get('/', (req, res) => renderPage(req, res, view, data))
          const { text, status } = await request(app).get('/').set('Accept-Language', language)
          assert.equal(status, 200)
          checkMarkup(text, language)
        })
      })
    }
  }
}

describe('views', () => {
  it('are all tested here, but for those of rooms that test their own', () => {
    const views = readdirSync(viewsDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.name.endsWith('.njk'))
      .map((entry) => relative(viewsDir, join(entry.parentPath, entry.name)).slice(0, -4))
      .filter((view) => !/^(account|activation|admin|consent|registration)\//.test(view))
    assert.deepEqual(views.sort(), [...Object.keys(samples), ...parts].sort())
  })
})

describe('the login form', () => {
  it('helps password managers and ties each error to its field', async () => {
    const { app } = createWebApp()
    app.get('/', (req, res) => renderPage(req, res, 'login/login', samples['login/login']![2]!))
    const { text } = await request(app).get('/').set('Accept-Language', 'en')
    assert.match(
      text,
      /id="username"[^>]*autocomplete="username"[^>]*autocapitalize="none"[^>]*spellcheck="false"/,
    )
    assert.match(text, /id="password"[^>]*autocomplete="current-password"/)
    assert.match(text, /<a href="#username">Enter your username\.<\/a>/)
    assert.match(text, /<a href="#password">Enter your password\.<\/a>/)
    assert.match(
      text,
      /id="password"[^>]*aria-describedby="password-error"[^>]*aria-invalid="true"/,
    )
    assert.match(text, /<title>Error: Sign in/)
  })

  it('marks both fields for a wrong password without saying which is wrong', async () => {
    const { app } = createWebApp()
    app.get('/', (req, res) => renderPage(req, res, 'login/login', samples['login/login']![1]!))
    const { text } = await request(app).get('/')
    assert.equal(text.match(/aria-describedby="username-error" aria-invalid="true"/g)?.length, 2)
  })

  it('keeps the flow in the address and in a field, and the show button for script', async () => {
    const { app } = createWebApp()
    app.get('/', (req, res) => renderPage(req, res, 'login/login', samples['login/login']![0]!))
    const { text } = await request(app).get('/')
    assert.match(text, /action="\/login\?flow=token"/)
    assert.match(text, /name="flow" value="token"/)
    assert.match(text, /<button type="button" class="show" hidden/)
  })
})

describe('pages of the web room', () => {
  it('answer where login and footer lead', async () => {
    const { app } = createWebApp()
    app.use(pagesRoutes())
    for (const path of ['/info/privacy', '/info/terms', '/info/accessibility']) {
      assert.equal((await request(app).get(path)).status, 200, path)
    }
  })

  it('leave the policies to an institution that has its own', async () => {
    const own = {
      el: 'https://www.uni.example.gr/privacy',
      en: 'https://www.uni.example.gr/en/privacy',
    }
    const { app } = createWebApp({ institution: { privacyStatementUrl: own } })
    app.use(pagesRoutes())
    assert.equal((await request(app).get('/info/privacy')).status, 404)
  })

  it("explain a service's error, its words shown as text only (REFEDS Error Handling 1.0)", async () => {
    const { app } = createWebApp()
    app.use(pagesRoutes())
    const { text } = await request(app)
      .get('/saml/error')
      .query({
        code: 'AUTHORIZATION_FAILURE',
        ts: '1700000000',
        rp: 'https://sp.example/<b>',
        tid: 'ERRORURL_TID',
        ctx: 'x'.repeat(500),
      })
      .set('Accept-Language', 'en')
    assert.match(text, /You have no access to this service/)
    assert.match(text, /2023-11-14T22:13:20/)
    assert.match(text, /https:\/\/sp\.example\/&lt;b&gt;/)
    assert.ok(!text.includes('href="https://sp.example'))
    assert.ok(!text.includes('>ERRORURL_TID'))
    assert.match(text, />x{200}</)
  })

  it('have a page of its own for each code, in both languages', async () => {
    const { app } = createWebApp()
    app.use(pagesRoutes())
    const headings = new Set<string>()
    const codes = 'IDENTIFICATION AUTHENTICATION AUTHORIZATION'
      .split(' ')
      .map((kind) => `${kind}_FAILURE`)
    for (const code of [...codes, 'OTHER_ERROR']) {
      for (const language of ['el', 'en']) {
        const { status, text } = await request(app)
          .get('/saml/error')
          .query({ code })
          .set('Accept-Language', language)
        assert.equal(status, 200)
        assert.match(text, new RegExp(`>${code}<`))
        headings.add(/<h1>([^<]+)</.exec(text)![1]!)
      }
    }
    assert.equal(headings.size, 8)
  })

  it("keep a service's words from turning the direction of the page's", async () => {
    const { app } = createWebApp()
    app.use(pagesRoutes())
    const { text } = await request(app)
      .get('/saml/error')
      .query({ code: 'OTHER_ERROR', rp: 'https://sp.example/\u202Egnp.exe', ctx: '\u200B\u2066' })
    assert.match(text, /<bdi>https:\/\/sp\.example\/gnp\.exe<\/bdi>/)
    assert.doesNotMatch(text, /[\u200B\u202E\u2066]/)
  })

  it('take an unknown or repeated error code for any other error', async () => {
    const { app } = createWebApp()
    app.use(pagesRoutes())
    for (const query of [
      '',
      '?code=NOPE',
      '?code=AUTHORIZATION_FAILURE&code=OTHER_ERROR',
      '?code=ERRORURL_CODE&ts=x',
    ]) {
      const { status, text } = await request(app).get(`/saml/error${query}`)
      assert.equal(status, 200)
      assert.match(text, /OTHER_ERROR/)
    }
  })
})
