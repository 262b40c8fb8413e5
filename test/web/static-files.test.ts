import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import express from 'express'
import request from 'supertest'
import { publicDir, renderPage } from '../../src/web/render.ts'
import { loadStaticFiles } from '../../src/web/static-files.ts'
import { contrast, parse } from '../../src/web/theme.ts'
import { createWebApp } from './web-app.ts'

function staticApp(institution = {}) {
  const { app } = createWebApp({ institution })
  app.get('/page', (req, res) => renderPage(req, res, 'home/welcome'))
  return app
}

async function addresses(app: ReturnType<typeof staticApp>) {
  const { text } = await request(app).get('/page')
  return [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, url]) => url!)
}

describe('static files', () => {
  it('of a page all exist and are kept for a year under a hashed address', async () => {
    const app = staticApp()
    const urls = await addresses(app)
    assert.ok(urls.length >= 5)
    for (const url of urls) {
      const { status, headers } = await request(app).get(url)
      assert.equal(status, 200, url)
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
    }
  })

  it('named by the style sheet exist too, fonts for Greek and Latin among them', async () => {
    const app = staticApp()
    const sheet = (await addresses(app)).find((url) => url.includes('css/site'))!
    const { text } = await request(app).get(sheet)
    const urls = [...text.matchAll(/url\("([^"]+)"\)/g)].map(([, url]) => url!)
    assert.ok(urls.some((url) => url.includes('commissioner-greek')))
    assert.ok(urls.some((url) => url.includes('commissioner-latin')))
    for (const url of urls) assert.equal((await request(app).get(url)).status, 200, url)
  })

  it('are sent compressed to browsers that take it', async () => {
    const app = staticApp()
    const sheet = (await addresses(app)).find((url) => url.includes('css/site'))!
    const plain = await request(app).get(sheet).set('Accept-Encoding', 'identity')
    assert.equal(plain.headers['content-encoding'], undefined)
    const packed = await request(app).get(sheet).set('Accept-Encoding', 'br')
    assert.equal(packed.headers['content-encoding'], 'br')
    assert.equal(packed.headers.vary, 'Accept-Encoding')
    assert.equal(packed.text, plain.text)
  })

  it('are nothing else: no folder, no file outside, no old hash', async () => {
    const app = staticApp()
    for (const url of [
      '/assets/',
      '/assets/../package.json',
      '/assets/css/site.css',
      '/assets/%2e%2e/x',
    ]) {
      assert.equal((await request(app).get(url)).status, 404, url)
    }
  })

  it('of few pages are made when first asked for, by name or by an address that another worker gave', async () => {
    const made: string[] = []
    const files = () =>
      loadStaticFiles(
        publicDir,
        { 'css/theme.css': '' },
        {
          'js/late.js': () => {
            made.push('late')
            return 'export default 1\n'.repeat(100)
          },
        },
      )
    const [one, other] = [express(), express()]
    const filesOfOne = files()
    one.use(filesOfOne.serve)
    other.use(files().serve)
    assert.equal((await request(one).get('/assets/js/lat.js')).status, 404)
    assert.deepEqual(made, [])
    const url = filesOfOne.url('js/late.js')
    assert.match(url, /^\/assets\/js\/late\.[\w-]{12}\.js$/)
    assert.equal(filesOfOne.url('js/late.js'), url)
    for (const app of [one, other, one]) {
      const { status, headers, text } = await request(app).get(url).set('Accept-Encoding', 'br')
      assert.equal(status, 200)
      assert.equal(headers['content-encoding'], 'br')
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
      assert.equal(text.length, 1700)
    }
    assert.equal((await request(other).get('/assets/js/late.AAAAAAAAAAAA.js')).status, 404)
    assert.deepEqual(made, ['late', 'late'])
  })

  it('include a logo that other sites may show, and a word for crawlers', async () => {
    const logo = await request(staticApp()).get('/logo.svg')
    assert.equal(logo.headers['content-type'], 'image/svg+xml')
    assert.equal(logo.headers['cross-origin-resource-policy'], 'cross-origin')
    assert.match((await request(staticApp()).get('/robots.txt')).text, /Disallow: \//)
  })
})

describe("the institution's colours", () => {
  it('change nothing when there are none', async () => {
    assert.ok(!(await addresses(staticApp())).some((url) => url.includes('theme')))
  })

  it('replace ours, moved until text can be read (WCAG 1.4.3)', async () => {
    const app = staticApp({ colours: { action: '#ffcc00', header: '#ff9999' } })
    const sheet = (await addresses(app)).find((url) => url.includes('theme'))!
    const { text } = await request(app).get(sheet)
    const [light, dark] = text.split('@media') as [string, string]
    const colour = (css: string, name: string) =>
      parse(new RegExp(`--${name}:(#[0-9a-f]{6})`).exec(css)![1]!)
    assert.ok(contrast(colour(light, 'action'), [255, 255, 255]) >= 4.5)
    assert.ok(contrast(colour(light, 'bar'), [255, 255, 255]) >= 4.5)
    assert.ok(contrast(colour(light, 'link'), parse('#f6f4ef')) >= 4.5)
    assert.ok(contrast(colour(dark, 'link'), parse('#16222d')) >= 4.5)
  })
})
