import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import request from 'supertest'
import { passwordPage, problemText, readNewPassword } from '../../src/passwords/new-password.ts'
import { passwordPagesRoutes } from '../../src/passwords/password-routes.ts'
import { defaultPasswordRules, type PasswordRule } from '../../src/passwords/password-rules.ts'
import { publicDir } from '../../src/web/render.ts'
import { webParts } from '../../src/web/web-parts.ts'
import { unescapeHtml } from '../support/html.ts'
import { createWebApp } from './web-app.ts'

const hostile = '"><img src=x onerror=alert(1)>'
const policy = {
  rules: defaultPasswordRules,
  owner: { username: hostile, names: [], numbers: [], phones: [], emails: [] },
}

/** The part inside a form, as a page of another room includes it. */
function appWithPart(body?: { password?: unknown; passwordRepeat?: unknown }) {
  const { app } = createWebApp()
  app.get('/', (req, res) => {
    const read = body ? readNewPassword(body, policy) : {}
    const { views, translations, files } = webParts(req)
    const t = translations[req.acceptsLanguages('el', 'en') === 'en' ? 'en' : 'el']
    const errors = 'errors' in read ? read.errors : {}
    res.send(
      views.render('passwords/new-password.njk', {
        ...{ t, errors, asset: files.url, passwordPage: passwordPage(policy) },
      }),
    )
  })
  app.use(passwordPagesRoutes())
  return app
}

async function part(language: string, body?: { password?: unknown; passwordRepeat?: unknown }) {
  const { text, status } = await request(appWithPart(body))
    .get('/')
    .set('Accept-Language', language)
  assert.equal(status, 200, text)
  return text
}

describe('The part of a page that asks for a new password', () => {
  it('states every rule with its number in both languages, and what is checked later', async () => {
    const greek = unescapeHtml(await part('el'))
    assert.match(greek, /Τουλάχιστον 8 χαρακτήρες\./)
    assert.match(greek, /Τουλάχιστον 2 μη αλφαβητικοί χαρακτήρες/)
    assert.match(greek, /Όχι περισσότεροι από 3 διαδοχικοί αριθμοί.*\(όπως 1234 ή 9876\)/)
    assert.match(greek, /Να μη μοιάζει πολύ με το όνομα χρήστη\./)
    assert.match(greek, /Τουλάχιστον 5 διαφορετικοί χαρακτήρες\./)
    assert.match(greek, /ΑΜΚΑ/)
    assert.match(greek, /Προτεινόμενοι κωδικοί/)
    const english = unescapeHtml(await part('en'))
    assert.match(english, /At least 8 characters\./)
    assert.match(english, /such as 1234 or 9876/)
  })

  it('has two fields for password managers, and five suggestions as plain text', async () => {
    const html = await part('el')
    for (const name of ['password', 'passwordRepeat']) {
      const input = new RegExp(`<input id="${name}" name="${name}" type="password"[^>]*>`).exec(
        html,
      )
      assert.ok(input, name)
      assert.match(input[0], /autocomplete="new-password"/)
      assert.match(input[0], /passwordrules="minlength: 20; [^"]*digit[^"]*"/)
      assert.doesNotMatch(input[0], /value=/)
      assert.match(html, new RegExp(`data-shows="${name}"`))
    }
    const suggested = [...html.matchAll(/data-suggestion>([^<]+)</g)].map(([, text]) => text)
    assert.equal(suggested.length, 5)
    assert.match(html, /href="\/info\/password"/)
  })

  it('tells every broken rule by its field, tied to it for screen readers', async () => {
    const html = await part('el', { password: 'maria', passwordRepeat: 'maria2' })
    assert.match(
      html,
      /id="password-error">Ο κωδικός πρέπει να έχει τουλάχιστον 8 χαρακτήρες\. .+ χρησιμοποιούν πολλοί/,
    )
    assert.match(html, /id="password"[^>]*aria-describedby="password-error" aria-invalid="true"/)
    assert.match(html, /id="passwordRepeat-error">Οι δύο κωδικοί δεν είναι ίδιοι/)
    // What was typed is not sent back.
    assert.doesNotMatch(html, /maria/)
  })

  it('has nothing for the policy to stop, whatever the username is', async () => {
    const html = await part('en')
    assert.doesNotMatch(html, /<img|onerror=alert\(1\)>|style=|<script(?![^>]*src=)/)
    const rules = /data-rules="([^"]*)"/.exec(html)
    assert.deepEqual(JSON.parse(unescapeHtml(rules?.[1] ?? '')), defaultPasswordRules)
  })

  it('has a sentence for every rule that can be broken, in both languages', () => {
    const { app } = createWebApp()
    const { translations } = webParts({ app } as never)
    const all: Record<PasswordRule, number | undefined> = {
      minLength: 8,
      minNonAlphabetic: 2,
      maxDigitRun: 3,
      minDifferent: 5,
      username: undefined,
      maxBytes: 1024,
      controlCharacter: undefined,
      common: undefined,
      ownData: undefined,
    }
    for (const t of Object.values(translations)) {
      for (const [rule, limit] of Object.entries(all)) {
        const { key, values } = problemText({ rule: rule as PasswordRule, limit })
        assert.ok(t(key, values).length > 20)
      }
    }
  })
})

describe('The check in the browser', () => {
  it('is the server’s own code: the module that the page names is the file that the server runs', async () => {
    const app = appWithPart()
    const { text } = await request(app).get('/')
    const address = /data-rules-module="([^"]+)"/.exec(text)?.[1] ?? ''
    const served = await request(app).get(address)
    assert.equal(served.status, 200)
    assert.match(served.headers['content-type'] ?? '', /text\/javascript/)
    assert.equal(served.text, readFileSync(join(publicDir, 'js/password-rules.js'), 'utf8'))
    // It runs as it is, from any address: nothing of Node, nothing imported.
    assert.doesNotMatch(served.text, /\bimport\b|\bprocess\b|\brequire\b|\bdocument\b/)
    const module = await import(`data:text/javascript,${encodeURIComponent(served.text)}`)
    assert.deepEqual(module.brokenSimpleRules('maria', defaultPasswordRules, ''), [
      ...['minLength', 'minNonAlphabetic', 'minDifferent'],
    ])
  })

  it('is started by a script of ours, as a module', async () => {
    const app = appWithPart()
    const { text } = await request(app).get('/')
    const address = /<script type="module" src="([^"]+)"><\/script>/.exec(text)?.[1] ?? ''
    assert.equal((await request(app).get(address)).status, 200)
  })
})

describe('The page about password safety', () => {
  for (const [language, title] of [
    ['el', 'Ασφάλεια κωδικού'],
    ['en', 'Password safety'],
  ] as const) {
    it(`tells the institution’s rules in ${language}`, async () => {
      const { app } = createWebApp({ institution: { passwordRules: { minLength: 11 } } })
      app.use(passwordPagesRoutes())
      const { text, status } = await request(app)
        .get('/info/password')
        .set('Accept-Language', language)
      assert.equal(status, 200)
      assert.ok(text.includes(`<h1>${title}</h1>`))
      assert.match(text, /(Τουλάχιστον|At least) 11 /)
    })
  }
})
