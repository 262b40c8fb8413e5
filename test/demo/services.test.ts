import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { type DemoServices, registerDemoServices, startDemoServices } from '../../demo/services.ts'
import { findRelyingParty, findServiceProvider } from '../../src/federation/service-store.ts'
import { logoutsSettled } from '../../src/sso/tell-services.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

let app: TestApp
let demo: DemoServices
before(async () => {
  app = await startTestApp({ FETCH_LOOPBACK: 'true' })
  await registerDemoServices(app.context)
  const { baseUrl, port, dataDir } = app.context.config
  demo = await startDemoServices({
    baseUrl,
    samlPort: port + 1,
    oidcPort: port + 2,
    casPort: port + 3,
    dataDir,
  })
})
after(async () => {
  await demo?.close()
  await app.close()
})

/** One browser without script, on all servers. */
class Visitor {
  readonly #jars = new Map<string, HttpClient>()

  async get(url: string) {
    return this.follow(await this.#send(url), url)
  }

  async post(url: string, fields: Record<string, string>) {
    return this.follow(await this.#send(url, fields), url)
  }

  async follow(
    answer: Awaited<ReturnType<HttpClient['get']>>,
    url: string,
  ): Promise<{ url: string; body: string; status: number }> {
    const { location } = answer.headers
    if (!location) return { url, body: answer.body, status: answer.status }
    return this.get(new URL(location, url).href)
  }

  #send(url: string, fields?: Record<string, string>) {
    const { origin, pathname, search } = new URL(url)
    let client = this.#jars.get(origin)
    if (!client) {
      client = new HttpClient(origin)
      this.#jars.set(origin, client)
    }
    return fields ? client.post(pathname + search, fields) : client.get(pathname + search)
  }

  close() {
    for (const client of this.#jars.values()) client.close()
  }
}

async function signIn(visitor: Visitor, serviceUrl: string, username: string) {
  const page = await visitor.get(`${serviceUrl}/login`)
  return visitor.post(new URL('/login', page.url).href, {
    _csrf: hiddenField(page.body, '_csrf'),
    flow: hiddenField(page.body, 'flow'),
    username,
    password: testPassword,
  })
}

/** Reads what the service will get, and agrees to it or goes on, or does not. */
function agree(
  visitor: Visitor,
  page: { url: string; body: string },
  what: RegExp,
  decision = 'agree',
) {
  assert.match(page.url, /\/consent\?flow=/)
  assert.match(page.body, what)
  return visitor.post(page.url, {
    _csrf: hiddenField(page.body, '_csrf'),
    flow: hiddenField(page.body, 'flow'),
    decision,
    remember: 'yes',
  })
}

/** Presses the button of the page that carries a SAML response, as a browser without script does. */
function pressContinue(visitor: Visitor, page: { url: string; body: string }) {
  const action = /<form[^>]*action="([^"]+)"/.exec(page.body)?.[1] ?? ''
  const fields: Record<string, string> = {
    SAMLResponse: hiddenField(page.body, 'SAMLResponse'),
  }
  return visitor.post(action, fields)
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

describe('The demo services', () => {
  it('are both reached with one sign-in, and show what they received', async () => {
    const { account } = await addPerson()
    const visitor = new Visitor()
    const question = await signIn(visitor, demo.oidcUrl, account.username)
    const library = await agree(visitor, question, /Να δοθούν αυτά τα στοιχεία σας/)
    assert.equal(library.url, `${demo.oidcUrl}/`)
    assert.match(library.body, /Δήμητρα Παπαδοπούλου/)
    assert.match(library.body, new RegExp(`${account.username}@uni\\.example\\.gr`))
    assert.match(library.body, /student@uni\.example\.gr/)

    const notice = await visitor.get(`${demo.samlUrl}/login`)
    const passing = await agree(visitor, notice, /θα λάβει αυτά τα στοιχεία σας/)
    const secretariat = await pressContinue(visitor, passing)
    assert.equal(secretariat.url, `${demo.samlUrl}/`)
    assert.match(secretariat.body, /Δήμητρα Παπαδοπούλου/)
    assert.match(secretariat.body, /urn:oid:1\.3\.6\.1\.4\.1\.5923\.1\.1\.1\.6/)
    assert.match(secretariat.body, /PasswordProtectedTransport/)
    visitor.close()
  })

  it('the library refreshes its tokens and signs out of everything', async () => {
    const { account } = await addPerson()
    const visitor = new Visitor()
    const consent = await signIn(visitor, demo.oidcUrl, account.username)
    await agree(visitor, consent, /Να δοθούν αυτά τα στοιχεία σας/)
    const refreshed = await visitor.post(`${demo.oidcUrl}/refresh`, {})
    assert.equal(refreshed.url, `${demo.oidcUrl}/`)
    assert.match(refreshed.body, /<dd><div>1<\/div><\/dd>/)
    const answer = await visitor.post(`${demo.oidcUrl}/logout`, {})
    // Whether the person is asked is the provider's business (test/oidc).
    const isQuestion = answer.body.includes('name="xsrf"')
    const gone = isQuestion
      ? await visitor.post(new URL('/oidc/end_session/confirm', answer.url).href, {
          xsrf: hiddenField(answer.body, 'xsrf'),
          logout: 'yes',
        })
      : answer
    assert.equal(gone.url, `${demo.oidcUrl}/signed-out`)
    const again = await visitor.get(`${demo.samlUrl}/login`)
    assert.match(again.body, /name="password"/)
    visitor.close()
  })

  it('the library hears when the person signs out elsewhere, and believes nobody else', async () => {
    const { account } = await addPerson()
    const visitor = new Visitor()
    const consent = await signIn(visitor, demo.oidcUrl, account.username)
    await agree(visitor, consent, /Να δοθούν αυτά τα στοιχεία σας/)
    const forged = ['', 'a.b', ['{"alg":"none"}', '{}', 'x'].map(base64url).join('.')]
    for (const logout_token of forged) {
      const refused = await visitor.post(`${demo.oidcUrl}/signed-out-elsewhere`, { logout_token })
      assert.equal(refused.status, 400)
    }
    assert.match((await visitor.get(demo.oidcUrl)).body, /Δήμητρα Παπαδοπούλου/)

    const page = await visitor.get(`${app.baseUrl}/logout`)
    await visitor.post(`${app.baseUrl}/logout`, { _csrf: hiddenField(page.body, '_csrf') })
    await logoutsSettled()
    assert.match((await visitor.get(demo.oidcUrl)).body, /href="\/login"/)
    visitor.close()
  })

  it('the secretariat signs out of everything over SAML, and comes back', async () => {
    const { account } = await addPerson()
    const visitor = new Visitor()
    const notice = await signIn(visitor, demo.samlUrl, account.username)
    await pressContinue(visitor, await agree(visitor, notice, /θα λάβει αυτά τα στοιχεία σας/))
    const gone = await visitor.post(`${demo.samlUrl}/logout`, {})
    assert.equal(gone.url, `${demo.samlUrl}/signed-out`)
    assert.match((await visitor.get(`${demo.samlUrl}/login`)).url, /\/login\?flow=/)
    visitor.close()
  })

  it('the secretariat believes no logout message without a signature', async () => {
    const visitor = new Visitor()
    const request = deflateRawSync('<LogoutRequest/>').toString('base64')
    for (const name of ['SAMLRequest', 'SAMLResponse']) {
      const query = new URLSearchParams({ [name]: request })
      const page = await visitor.get(`${demo.samlUrl}/slo?${query}`)
      assert.equal(page.status, 502)
      assert.match(page.body, /is not signed/)
    }
    visitor.close()
  })

  it('receive nothing from who refuses, and say so kindly', async () => {
    const { account } = await addPerson()
    const visitor = new Visitor()
    const question = await signIn(visitor, demo.oidcUrl, account.username)
    const refused = await agree(visitor, question, /Δεν συμφωνώ/, 'disagree')
    assert.equal(refused.status, 403)
    assert.match(refused.body, /Δεν έλαβε κανένα/)
    const notice = await visitor.get(`${demo.samlUrl}/login`)
    const passing = await agree(visitor, notice, /Θέλω να φύγω/, 'disagree')
    const left = await pressContinue(visitor, passing)
    assert.equal(left.status, 403)
    assert.match(left.body, /Δεν έλαβε κανένα/)
    visitor.close()
  })

  it('speak the visitor’s language, and the other at a click', async () => {
    const visitor = new Visitor()
    const english = await visitor.get(`${demo.oidcUrl}/?lang=en`)
    assert.match(english.body, /<html lang="en"[\s\S]*Library \(demo\)/)
    const greek = await visitor.get(`${demo.samlUrl}/?lang=el`)
    assert.match(greek.body, /<html lang="el"[\s\S]*Ηλεκτρονική Γραμματεία/)
    visitor.close()
  })

  it('is signed in to over CAS, and hears when the person signs out elsewhere', async () => {
    const { account } = await addPerson()
    const visitor = new Visitor()
    const courses = await signIn(visitor, demo.casUrl, account.username)
    assert.equal(courses.url, `${demo.casUrl}/`)
    assert.match(courses.body, /Δήμητρα Παπαδοπούλου/)
    assert.match(courses.body, new RegExp(`${account.username}@uni\\.example\\.gr`))

    const page = await visitor.get(`${app.baseUrl}/logout`)
    await visitor.post(`${app.baseUrl}/logout`, { _csrf: hiddenField(page.body, '_csrf') })
    await logoutsSettled()
    assert.match((await visitor.get(demo.casUrl)).body, /href="\/login"/)
    visitor.close()
  })

  it('signs out of everything over CAS, and comes back', async () => {
    const { account } = await addPerson()
    const visitor = new Visitor()
    await signIn(visitor, demo.casUrl, account.username)
    const gone = await visitor.post(`${demo.casUrl}/logout`, {})
    assert.equal(gone.url, `${demo.casUrl}/signed-out`)
    assert.match((await visitor.get(`${demo.casUrl}/login`)).url, /\/login\?flow=/)
    visitor.close()
  })

  it('register again without a change, secrets included', async () => {
    const { oidcUrl, samlUrl } = demo
    const before = await findRelyingParty('library-demo')
    await registerDemoServices(app.context)
    const after = await findRelyingParty('library-demo')
    assert.deepEqual(after, before)
    assert.equal(after?.state, 'approved')
    assert.equal(after?.startUrl, oidcUrl)
    assert.equal((await findServiceProvider(`${samlUrl}/metadata`))?.state, 'approved')
  })

  it('take the place of those that an earlier start on another port registered', async () => {
    const { config } = app.context
    await registerDemoServices({ config: { ...config, port: config.port + 100 } })
    const elsewhere = `${new URL(demo.samlUrl).protocol}//${new URL(demo.samlUrl).hostname}:${config.port + 101}/metadata`
    assert.ok(await findServiceProvider(elsewhere))
    await registerDemoServices(app.context)
    assert.equal(await findServiceProvider(elsewhere), undefined)
    assert.equal((await findServiceProvider(`${demo.samlUrl}/metadata`))?.state, 'approved')
  })

  it('say which port is taken, and what to do', async () => {
    const { baseUrl, port, dataDir } = app.context.config
    const starting = startDemoServices({
      baseUrl,
      samlPort: port + 2,
      oidcPort: port + 3,
      casPort: port + 4,
      dataDir,
    })
    await assert.rejects(starting, { name: 'ConfigError', message: /PORT: .* taken.*DEMO=false/ })
  })

  it('refuse a SAML response that nobody asked for', async () => {
    const visitor = new Visitor()
    const page = await visitor.post(`${demo.samlUrl}/acs`, {
      SAMLResponse: Buffer.from('<Response/>').toString('base64'),
    })
    assert.equal(page.status, 502)
    visitor.close()
  })
})
