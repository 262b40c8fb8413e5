import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import { renderPage } from '../../src/web/render.ts'
import { createWebApp } from './web-app.ts'

function languageApp(environment?: NodeJS.ProcessEnv) {
  const { app } = createWebApp({ environment })
  app.get('/*path', (req, res) => renderPage(req, res, 'home/welcome'))
  app.post('/form', (req, res) => renderPage(req, res, 'home/welcome'))
  return app
}

/** Where the link for a language leads. */
function link(html: string, language: 'el' | 'en') {
  const found = new RegExp(`href="([^"]*)" lang="${language}"`).exec(html)
  assert.ok(found, `no link to ${language}`)
  return found[1]!.replaceAll('&amp;', '&')
}

describe('the language of a page', () => {
  it('is Greek when the browser asks for nothing we have', async () => {
    for (const header of [undefined, 'fr', '*;q=0.1', 'el;q=0.9, en;q=0.2']) {
      const call = request(languageApp()).get('/page')
      const { text, headers } = await (header ? call.set('Accept-Language', header) : call)
      assert.match(text, /<html lang="el">/)
      assert.equal(headers['content-language'], 'el')
    }
  })

  it('follows Accept-Language at first', async () => {
    const { text } = await request(languageApp()).get('/page').set('Accept-Language', 'en-GB,en')
    assert.match(text, /<html lang="en">/)
  })

  it('is switched by ?lang= at once and remembered for a year', async () => {
    const app = languageApp()
    const first = await request(app).get('/page?lang=en').set('Accept-Language', 'el')
    assert.match(first.text, /<html lang="en">/)
    const [cookie] = first.get('Set-Cookie')!
    assert.match(cookie!, /^lang=en; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/)
    const second = await request(app)
      .get('/page')
      .set('Accept-Language', 'el')
      .set('Cookie', 'lang=en')
    assert.match(second.text, /<html lang="en">/)
    assert.equal(second.get('Set-Cookie'), undefined)
  })

  it('ignores a language we do not have, in the address and in the cookie', async () => {
    const { text, headers } = await request(languageApp())
      .get('/page?lang=xx&lang=en')
      .set('Cookie', 'lang=../en')
    assert.match(text, /<html lang="el">/)
    assert.equal(headers['set-cookie'], undefined)
  })

  it('says what a cached copy would depend on, and is not cached', async () => {
    const { headers } = await request(languageApp()).get('/page')
    assert.equal(headers.vary, 'Cookie, Accept-Language')
    assert.equal(headers['cache-control'], 'no-store')
  })

  it('marks the language cookie Secure over https', async () => {
    const app = languageApp({ BASE_URL: 'https://sso.uni.example.gr' })
    const { headers } = await request(app).get('/page?lang=en')
    assert.match(headers['set-cookie']![0]!, /; Secure; SameSite=Lax$/)
  })
})

describe('the EN | GR links', () => {
  it('keep the rest of the address, byte for byte', async () => {
    const query = 'SAMLRequest=fZ%2Bx%2F%3d&RelayState=a+b%20c&Signature=%2f'
    const { text } = await request(languageApp()).get(`/saml/sso?lang=el&${query}`)
    assert.equal(link(text, 'en'), `/saml/sso?${query}&lang=en`)
    assert.equal(link(text, 'el'), `/saml/sso?${query}&lang=el`)
  })

  it('never lead to another site', async () => {
    for (const path of [
      '//evil.example/x',
      '/\\evil.example/x',
      '/..//evil.example',
      '///evil.example',
    ]) {
      const { text } = await request(languageApp()).get(path)
      assert.match(link(text, 'en'), /^\/[^/\\]/, path)
    }
  })

  it('print a hostile query escaped', async () => {
    const { text } = await request(languageApp()).get('/page?x="><script>alert(1)</script>')
    assert.ok(!text.includes('<script>alert'))
  })

  it('lead from the answer to a form back to the form', async () => {
    const call = request(languageApp()).post('/form').set('Host', 'sso.example')
    const { text } = await call.set('Referer', 'http://sso.example/login?flow=abc')
    assert.equal(link(text, 'en'), '/login?flow=abc&lang=en')
  })

  it('lead home when a form came from elsewhere', async () => {
    const { text } = await request(languageApp())
      .post('/form')
      .set('Referer', 'https://evil.example/login')
    assert.equal(link(text, 'en'), '/?lang=en')
  })
})
