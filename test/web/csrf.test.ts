import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { csrfToken, requireCsrf, requireLoginCsrf } from '../../src/web/csrf.ts'
import { pageErrorHandler } from '../../src/web/errors.ts'
import { createWebApp } from './web-app.ts'

function csrfApp(environment?: NodeJS.ProcessEnv) {
  let sessionId: string | undefined
  const { app, context, logged } = createWebApp({ environment, sessionId: () => sessionId })
  const done: string[] = []
  app.get('/form', (req, res) => {
    res.json({ token: csrfToken(req, res), again: csrfToken(req, res) })
  })
  app.post('/form', requireCsrf, (req, res) => {
    done.push(req.body.name)
    res.end('done')
  })
  app.post('/login', requireLoginCsrf, (_req, res) => {
    done.push('login')
    res.end('done')
  })
  app.use(pageErrorHandler(context))
  return { app, done, logged, signIn: (id: string) => (sessionId = id) }
}

async function openForm(app: ReturnType<typeof csrfApp>['app']) {
  const { body, headers } = await request(app).get('/form')
  return { token: body.token as string, cookie: headers['set-cookie']![0]!.split(';')[0]! }
}

function post(
  app: ReturnType<typeof csrfApp>['app'],
  path: string,
  fields: object,
  cookie?: string,
) {
  const call = request(app).post(path).type('form').send(fields)
  return cookie ? call.set('Cookie', cookie) : call
}

describe('CSRF: a form of ours', () => {
  it('passes with its cookie and token, as often as the person likes', async () => {
    const { app, done } = csrfApp()
    const { token, cookie } = await openForm(app)
    for (const name of ['one', 'two']) {
      const { status } = await post(app, '/form', { _csrf: token, name }, cookie)
      assert.equal(status, 200)
    }
    assert.deepEqual(done, ['one', 'two'])
  })

  it('sets one cookie however many forms a page has, and none when the browser has one', async () => {
    const { app } = csrfApp()
    const first = await request(app).get('/form')
    assert.equal(first.headers['set-cookie']!.length, 1)
    assert.equal(first.body.token, first.body.again)
    const cookie = first.headers['set-cookie']![0]!.split(';')[0]!
    const second = await request(app).get('/form').set('Cookie', cookie)
    assert.equal(second.headers['set-cookie'], undefined)
    assert.equal(second.body.token, first.body.token)
  })

  it('lives as long as the browser is open: the cookie has no date', async () => {
    const { headers } = await request(csrfApp().app).get('/form')
    assert.match(headers['set-cookie']![0]!, /^csrf=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  it('has a __Host- cookie over https', async () => {
    const { app } = csrfApp({ BASE_URL: 'https://sso.uni.example.gr' })
    const { headers } = await request(app).get('/form')
    assert.match(
      headers['set-cookie']![0]!,
      /^__Host-csrf=[\w-]{22}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
  })
})

describe('CSRF: a form that is not ours', () => {
  it('is refused with a page that says to go back, and changes nothing', async () => {
    const { app, done, logged } = csrfApp()
    const { token, cookie } = await openForm(app)
    const other = await openForm(app)
    const cases: [string, object, string | undefined][] = [
      ['no field', { name: 'x' }, cookie],
      ['no cookie', { _csrf: token }, undefined],
      ['a field of another browser', { _csrf: other.token }, cookie],
      ['an empty field', { _csrf: '' }, cookie],
      ['a list', { '_csrf[]': token }, cookie],
      ['two fields', { _csrf: [token, token] }, cookie],
      ['a shortened field', { _csrf: token.slice(0, -2) }, cookie],
    ]
    for (const [name, fields, cookies] of cases) {
      const { status, text } = await post(app, '/form', fields, cookies).set('Accept', 'text/html')
      assert.equal(status, 403, name)
      assert.match(text, /CSRF_INVALID/, name)
      assert.match(text, /Δοκιμάστε ξανά/, name)
    }
    assert.deepEqual(done, [])
    assert.ok(logged.every(({ facts }) => facts.code === 'CSRF_INVALID'))
    assert.ok(!JSON.stringify(logged).includes(token))
  })

  it('is refused by what the browser says of its origin, even with the right token', async () => {
    const { app, done } = csrfApp()
    const { token, cookie } = await openForm(app)
    for (const [header, value] of [
      ['Sec-Fetch-Site', 'cross-site'],
      ['Sec-Fetch-Site', 'same-site'],
      ['Origin', 'https://evil.example'],
      ['Origin', 'null'],
    ] as const) {
      const { status } = await post(app, '/form', { _csrf: token }, cookie).set(header, value)
      assert.equal(status, 403, `${header}: ${value}`)
    }
    assert.deepEqual(done, [])
  })

  it('is told from ours by Sec-Fetch-Site first, by Origin in browsers without it', async () => {
    const { app, done } = csrfApp({ BASE_URL: 'https://sso.uni.example.gr' })
    const { token, cookie } = await openForm(app)
    for (const [header, value] of [
      ['Sec-Fetch-Site', 'same-origin'],
      ['Sec-Fetch-Site', 'none'],
      ['Origin', 'https://sso.uni.example.gr'],
    ] as const) {
      const { status } = await post(app, '/form', { _csrf: token, name: value }, cookie).set(
        header,
        value,
      )
      assert.equal(status, 200, `${header}: ${value}`)
    }
    assert.equal(done.length, 3)
  })

  it('is a form that was open before somebody signed in, except the sign-in itself', async () => {
    const { app, done, signIn } = csrfApp()
    const { token, cookie } = await openForm(app)
    signIn('a'.repeat(32))
    assert.equal((await post(app, '/form', { _csrf: token }, cookie)).status, 403)
    assert.equal((await post(app, '/login', { _csrf: token }, cookie)).status, 200)
    const fresh = (await request(app).get('/form').set('Cookie', cookie)).body.token
    signIn('b'.repeat(32))
    assert.equal((await post(app, '/form', { _csrf: fresh }, cookie)).status, 403)
    assert.equal((await post(app, '/login', { _csrf: fresh }, cookie)).status, 403)
    assert.deepEqual(done, ['login'])
  })
})

describe('a form body', () => {
  it('that is too large or has too many fields is refused as such', async () => {
    const { app, done } = csrfApp()
    const { cookie } = await openForm(app)
    const large = await post(app, '/form', { x: 'y'.repeat(70_000) }, cookie)
    assert.equal(large.status, 413)
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, '1']))
    assert.equal((await post(app, '/form', many, cookie)).status, 413)
    assert.deepEqual(done, [])
  })
})
