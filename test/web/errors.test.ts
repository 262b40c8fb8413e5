import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import request from 'supertest'
import { type ErrorCode, IdpError } from '../../src/errors.ts'
import { pageErrorHandler } from '../../src/web/errors.ts'
import { createReference } from '../../src/web/reference.ts'
import { viewsDir } from '../../src/web/render.ts'
import { loadTranslations } from '../../src/web/translate.ts'
import { createWebApp } from './web-app.ts'

function failingApp(error: unknown) {
  const { app, context, logged } = createWebApp()
  app.get('/fail/:id', () => {
    throw error
  })
  app.use((req) => {
    throw new IdpError('NOT_FOUND', `no page at ${req.path}`, { status: 404 })
  })
  app.use(pageErrorHandler(context))
  return { app, logged }
}

const anyReference = /[A-Z2-9]{3}-[A-Z2-9]{3}/

describe('the error page', () => {
  it('shows title, text, code, reference, time and helpdesk; the log has the same reference', async () => {
    const { app, logged } = failingApp(new IdpError('SAML_SERVICE_UNKNOWN', 'no entity "x"'))
    const { status, text, headers } = await request(app)
      .get('/fail/1?SAMLRequest=secret')
      .set('Accept', 'text/html')
      .set('Accept-Language', 'en')
    assert.equal(status, 400)
    assert.equal(headers['cache-control'], 'no-store')
    assert.match(text, /The service is not registered/)
    assert.match(text, /SAML_SERVICE_UNKNOWN/)
    assert.match(text, /mailto:help@uni\.example\.gr/)
    assert.match(text, /21 November 2026 at 21:30:00/)
    assert.equal(logged.length, 1)
    const { level, facts } = logged[0]!
    assert.equal(level, 'warn')
    assert.equal(facts.reason, 'no entity "x"')
    assert.equal(facts.path, '/fail/1')
    assert.ok(text.includes(facts.reference as string))
    assert.ok(!text.includes('no entity'))
    assert.ok(!JSON.stringify(logged).includes('secret'))
  })

  it('tells nothing of an unexpected error', async () => {
    const { app, logged } = failingApp(new TypeError('password of db is hunter2'))
    const { status, text } = await request(app).get('/fail/1').set('Accept', 'text/html')
    assert.equal(status, 500)
    assert.match(text, /INTERNAL_ERROR/)
    assert.ok(!/hunter2|TypeError|at .*\.ts/.test(text))
    assert.equal(logged[0]!.level, 'error')
    assert.ok(logged[0]!.facts.err instanceof TypeError)
  })

  it('never takes a bug of ours for a bad request', async () => {
    const bug = Object.assign(new TypeError('x'), { status: 400 })
    const { status } = await request(failingApp(bug).app).get('/fail/1')
    assert.equal(status, 500)
  })

  it('answers JSON to software that asks for it', async () => {
    const { app, logged } = failingApp(new IdpError('METADATA_INVALID', 'line 3'))
    const { status, body } = await request(app).get('/fail/1').set('Accept', 'application/json')
    assert.equal(status, 400)
    assert.equal(body.error, 'METADATA_INVALID')
    assert.equal(body.reference, logged[0]!.facts.reference)
    assert.match(body.reference, anyReference)
  })

  it('says that the store is away with 503 and when to try again', async () => {
    const away = Object.assign(new Error('connect ECONNREFUSED'), {
      name: 'MongoServerSelectionError',
    })
    const { status, text, headers } = await request(failingApp(away).app)
      .get('/fail/1')
      .set('Accept', 'text/html')
    assert.equal(status, 503)
    assert.equal(headers['retry-after'], '30')
    assert.match(text, /SERVICE_UNAVAILABLE/)
  })

  it('answers a broken percent-encoding with 400 and an unknown address with 404', async () => {
    const { app } = failingApp(new Error('not reached'))
    assert.equal((await request(app).get('/fail/%ff')).status, 400)
    const { status, text } = await request(app).get('/<script>').set('Accept', 'text/html')
    assert.equal(status, 404)
    assert.ok(!text.includes('<script>/'))
  })
})

describe('references', () => {
  it('are easy to read aloud: no letter or digit that looks like another', () => {
    for (let i = 0; i < 500; i++)
      assert.match(createReference(), /^[A-HJ-NP-RT-Z2346789]{3}-[A-HJ-NP-RT-Z2346789]{3}$/)
  })
})

describe('every error code', () => {
  it('has title and text in both languages', () => {
    const source = readFileSync(join(import.meta.dirname, '../../src/errors.ts'), 'utf8')
    const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code as ErrorCode)
    assert.ok(codes.length > 20)
    const { el, en } = loadTranslations(viewsDir, { strict: true })
    for (const code of codes) {
      for (const part of ['title', 'text']) {
        assert.ok(el.has(`errors.${code}.${part}`), `el: errors.${code}.${part}`)
        assert.ok(en.has(`errors.${code}.${part}`), `en: errors.${code}.${part}`)
      }
    }
  })
})
