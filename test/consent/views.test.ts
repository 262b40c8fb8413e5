import assert from 'node:assert/strict'
import request from 'supertest'
import { renderPage } from '../../src/web/render.ts'
import { testPages } from '../web/markup.ts'
import { createWebApp } from '../web/web-app.ts'

const hostile = '"><img src=x onerror=alert(1)>\'\u202e<script>alert(2)</script>'
const keeper = { name: hostile, email: hostile, phone: hostile, url: '/keeper' }
const full = {
  service: { name: hostile, description: hostile, host: hostile },
  privacyUrl: 'https://service.example/privacy?a=1&b=2',
  ground: hostile,
  rows: [
    { label: hostile, words: [hostile, hostile], why: [hostile], isNew: true },
    { label: hostile, words: ['x'], why: [], isNew: false },
  ],
  technical: [{ name: hostile, values: [hostile, hostile] }],
  asked: 'some',
  lacking: [hostile, hostile],
  keepers: [keeper, { name: hostile }],
  comesByItself: true,
  flow: hostile,
}
const bare = {
  service: { name: 'Υ' },
  rows: [],
  technical: [],
  lacking: [],
  keepers: [],
  flow: 'f',
}
const decision = { at: hostile, version: 2, attributes: [hostile] }
const kinds = ['agree', 'agreeOnce', 'disagree', 'inform', 'leave', 'withdraw']
const service = { protocol: 'saml', id: hostile, name: hostile, host: hostile }
const now = { at: hostile, version: 3, isRemembered: true, attributes: [hostile] }

/** Both pages with all they can show, said by a hostile service, and with the least. */
const samples: Record<string, object[]> = {
  'consent/consent': ['ask', 'inform'].flatMap((mode) => [
    { ...full, mode, isUndecided: false, isRemembered: true },
    { ...full, mode, isUndecided: true, isRemembered: false },
    { ...bare, mode, isUndecided: false, isRemembered: true },
  ]),
  'account/consents/consents': [
    { consents: [] },
    ...['withdrawn', 'gone'].map((done) => ({
      done,
      consents: [
        { ...service, now: { ...now, mode: 'ask' }, decisions: [{ ...decision, kind: 'agree' }] },
        {
          ...service,
          now: { ...now, mode: 'inform', isRemembered: false, attributes: [] },
          decisions: kinds.map((kind) => ({ ...decision, kind })),
        },
        { ...service, decisions: [{ ...decision, kind: 'withdraw', attributes: [] }] },
      ],
    })),
  ],
}

let shown: { view: string; data: object }
const { app } = createWebApp()
app.get('/', (req, res) =>
  renderPage(req, res, shown.view, { tab: 'services', errors: {}, values: {}, ...shown.data }),
)

testPages('pages about consent', samples, async (view, data, language) => {
  shown = { view, data }
  const { text, status } = await request(app).get('/').set('Accept-Language', language)
  assert.equal(status, 200)
  return text
})
