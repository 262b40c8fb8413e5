import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { renderPostForm } from '../../src/web/post-form.ts'
import { renderPage } from '../../src/web/render.ts'
import { cspFormAction } from '../../src/web/security-headers.ts'
import { unescapeHtml } from '../support/html.ts'
import { createWebApp } from './web-app.ts'

function policyOf(headers: Record<string, string>): Record<string, string[]> {
  const directives = headers['content-security-policy']!.split(';').map((part) => part.split(' '))
  return Object.fromEntries(directives.map(([name, ...sources]) => [name, sources]))
}

function headersApp(environment?: NodeJS.ProcessEnv, institution = {}) {
  const { app } = createWebApp({ environment, institution })
  app.get('/page', (req, res) => renderPage(req, res, 'home/welcome'))
  app.get('/login', (req, res) =>
    renderPage(req, res, 'login/login', {
      flow: '',
      errors: {},
      username: '',
      service: { name: 'eClass', logoUrl: 'https://logo.example:8443/a.png' },
    }),
  )
  app.get('/redirect', (_req, res) => res.redirect(303, 'https://sp.example/'))
  app.get('/allow', (req, res) => {
    for (const url of [req.query.url].flat()) cspFormAction(res, String(url))
    res.end()
  })
  app.get('/post', (req, res) =>
    renderPostForm(req, res, {
      action: 'https://sp.example/acs?a=1&b=;script-src%20*',
      fields: {
        SAMLResponse: 'PHg+',
        RelayState: '"><script>alert(1)</script>',
        Nothing: undefined,
      },
    }),
  )
  return app
}

describe('security headers', () => {
  it('forbid everything but our own files, with no inline script or style', async () => {
    const { headers } = await request(headersApp()).get('/page')
    assert.deepEqual(policyOf(headers), {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'font-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'base-uri': ["'none'"],
      'frame-ancestors': ["'none'"],
      'form-action': ["'self'"],
    })
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(headers['permissions-policy']!, /camera=\(\)/)
    assert.equal(headers['x-powered-by'], undefined)
  })

  it('tell services our origin in the Referer, never a path or a query', async () => {
    const { headers } = await request(headersApp()).get('/page')
    assert.equal(headers['referrer-policy'], 'strict-origin-when-cross-origin')
  })

  it('ask for https only when it is served over https', async () => {
    const http = await request(headersApp()).get('/page')
    assert.equal(http.headers['strict-transport-security'], undefined)
    const https = await request(headersApp({ BASE_URL: 'https://sso.uni.example.gr' })).get('/page')
    assert.equal(https.headers['strict-transport-security'], 'max-age=31536000')
  })

  it('leave a pop-up window its service on the way of a sign-in, redirects included', async () => {
    const app = headersApp()
    const opener = async (path: string) =>
      (await request(app).get(path)).headers['cross-origin-opener-policy']
    assert.equal(await opener('/page'), 'same-origin')
    for (const path of ['/login', '/redirect', '/post']) assert.equal(await opener(path), undefined)
  })

  it("allow the institution's logo and no host that a service names", async () => {
    const login = await request(headersApp()).get('/login')
    assert.deepEqual(policyOf(login.headers)['img-src'], ["'self'", 'data:'])
    const logo = { url: 'https://www.uni.example.gr/logo.png', width: 40, height: 40 }
    const page = await request(headersApp({}, { logo })).get('/page')
    assert.deepEqual(policyOf(page.headers)['img-src'], [
      "'self'",
      'data:',
      'https://www.uni.example.gr',
    ])
    assert.match(page.text, /src="https:\/\/www\.uni\.example\.gr\/logo\.png"/)
  })
})

describe('form targets of a response', () => {
  async function targets(query: string) {
    const { headers } = await request(headersApp()).get(`/allow?${query}`)
    const policy = policyOf(headers)
    assert.deepEqual(Object.keys(policy).length, 8)
    return policy['form-action']
  }

  it('grow by a web origin, and by https for where a service sends the browser on', async () => {
    assert.deepEqual(await targets('url=https://a.example/cb?x=1'), [
      "'self'",
      'https://a.example',
      'https:',
    ])
    assert.deepEqual(await targets('url=http://localhost:4001/cb'), [
      "'self'",
      'http://localhost:4001',
    ])
  })

  it('grow by the scheme of a native app', async () => {
    assert.deepEqual(await targets('url=org.example.app:/cb'), ["'self'", 'org.example.app:'])
  })

  it('do not grow by what is no address, nor by one that runs here', async () => {
    for (const url of ['', 'x', "'unsafe-inline'", 'javascript:alert(1)', 'data:text/html,x']) {
      assert.deepEqual(await targets(`url=${encodeURIComponent(url)}`), ["'self'"], url)
    }
  })

  it('cannot smuggle a directive in', async () => {
    const url = encodeURIComponent('https://a.example/;script-src *')
    assert.deepEqual(await targets(`url=${url}`), ["'self'", 'https://a.example', 'https:'])
  })

  it('cannot smuggle a directive or a wildcard in by a strange host', async () => {
    for (const host of ['a.example;sandbox', 'a.example,b.example', '*', '*.example']) {
      const found = await targets(`url=${encodeURIComponent(`https://${host}/x`)}`)
      assert.deepEqual(found, ["'self'", 'https:'], host)
    }
    assert.deepEqual(await targets('url=http://[::1]:4001/cb'), ["'self'", 'http://[::1]:4001'])
  })

  it('are listed once', async () => {
    const url = 'url=https://a.example/1&url=https://a.example/2'
    assert.deepEqual(await targets(url), ["'self'", 'https://a.example', 'https:'])
  })
})

describe('the page that posts to a service (SAML Bindings 3.5.4)', () => {
  it('posts the fields to the one address, escaped, and lets the form go there', async () => {
    const { text, headers, status } = await request(headersApp()).get('/post')
    assert.equal(status, 200)
    const [, action = ''] = /<form method="post" action="([^"]*)">/.exec(text) ?? []
    assert.equal(unescapeHtml(action), 'https://sp.example/acs?a=1&b=;script-src%20*')
    assert.match(text, /name="SAMLResponse" value="PHg\+"/)
    const [, relayState = ''] = /name="RelayState" value="([^"]*)"/.exec(text) ?? []
    assert.match(unescapeHtml(relayState), /^"><script>alert\(1\)/)
    assert.doesNotMatch(text, /<script>alert/)
    assert.ok(!text.includes('Nothing'))
    assert.deepEqual(policyOf(headers)['form-action'], ["'self'", 'https://sp.example', 'https:'])
    assert.equal(headers['cache-control'], 'no-store')
  })

  it('has a button for browsers without script, in both languages', async () => {
    const { text } = await request(headersApp()).get('/post')
    assert.match(text, /<noscript>.*<button/s)
    assert.match(unescapeHtml(text), /Συνεχίζουμε στην υπηρεσία/)
    assert.match(text, /Continuing to the service/)
  })
})
