import assert from 'node:assert/strict'
import request from 'supertest'
import { renderPage } from '../../src/web/render.ts'
import { testPages } from '../web/markup.ts'
import { createWebApp } from '../web/web-app.ts'

const hostile = '"><img src=x onerror=alert(1)>\'\u202e<script>alert(2)</script>'
const address = 'https://sp.example/?a=1&b=2'

const findings = (['stop', 'mend', 'note'] as const).map((severity) => ({
  code: hostile,
  severity,
  line: 3,
  subject: hostile,
  message: hostile,
  what: hostile,
  mend: hostile,
}))
const requested = ['mail', 'displayName'].map((name) => ({
  name,
  label: hostile,
  needsReason: true,
}))
const checked = {
  protocol: 'saml',
  id: hostile,
  name: hostile,
  contact: hostile,
  isUpdate: false,
  findings,
  requested,
  text: `</textarea>${hostile}`,
  reasons: { mail: `</textarea>${hostile}` },
  missing: [],
}
const facts = {
  token: hostile,
  reference: 'K7F-2QX',
  kind: 'new',
  state: 'waiting',
  protocol: 'saml',
  id: hostile,
  name: hostile,
  host: hostile,
  createdAt: hostile,
  differences: [],
  reasons: [{ label: hostile, text: hostile }],
  mayGetCredentials: false,
}
const differences = ['endpoints', 'keys', 'attributes', 'contacts', 'texts', 'options'].map(
  (part) => ({ part, added: [hostile, hostile], removed: [hostile] }),
)
const release = {
  preset: { name: hostile, about: hostile },
  going: [{ label: hostile, words: [hostile, hostile], why: [hostile] }],
  missing: [hostile, hostile],
  refused: [{ label: hostile, reason: hostile }],
  technical: [{ name: hostile, values: [hostile, hostile] }],
}
const nothing = { going: [], missing: [], refused: [], technical: [] }
const trial = {
  isOpen: true,
  openUntil: hostile,
  issuer: address,
  clientId: hostile,
  clientSecret: hostile,
  redirectUris: [hostile, hostile],
  scope: hostile,
  events: [
    { at: hostile, isWrong: true, what: hostile, mend: hostile, detail: hostile },
    { at: hostile, isWrong: false, what: hostile, detail: hostile },
    { at: hostile, isWrong: false, what: hostile },
  ],
}
const casTrial = {
  isOpen: true,
  openUntil: hostile,
  casServer: address,
  pattern: hostile,
  events: trial.events,
}
const received = [{ name: 'scope', value: hostile }]
const authorization = { name: hostile, host: hostile, received, released: [], hasPkce: true }
const problem = { what: hostile, mend: hostile, detail: hostile }
const closed = { confirmedAt: hostile, decidedAt: hostile }

/** Each page with all it can show, said by a hostile service, and with the least. */
const samples: Record<string, object[]> = {
  'registration/start': [
    { values: {} },
    { values: { url: hostile }, problem: 'FETCH_NOT_PUBLIC' },
    { values: { url: hostile, metadata: hostile }, problem: 'NOTHING_GIVEN' },
  ],
  'registration/check': [
    { ...checked, isGood: true },
    { ...checked, isGood: true, isUpdate: true, missing: ['mail', 'displayName'] },
    { ...checked, isGood: false },
    { ...checked, isGood: true, protocol: 'cas' },
    { ...checked, isGood: true, protocol: 'oidc', id: undefined, findings: [], requested: [] },
    {
      isGood: false,
      isUpdate: false,
      findings,
      requested: [],
      text: 'x',
      reasons: {},
      missing: [],
    },
  ],
  'registration/cas': [{ offered: [] }, { offered: requested }],
  'registration/sent': [{}, { reference: 'K7F-2QX' }],
  'registration/confirm': [
    facts,
    { ...facts, protocol: 'cas' },
    { ...facts, kind: 'update', differences },
  ],
  'registration/request': [
    { ...facts, confirmedAt: hostile, release },
    { ...facts, kind: 'update', differences, release: nothing, reasons: [] },
    { ...facts, ...closed, state: 'approved', protocol: 'oidc', mayGetCredentials: true, release },
    { ...facts, ...closed, state: 'rejected', decisionReason: hostile, release: nothing },
    { ...facts, ...closed, state: 'withdrawn', release: nothing },
    { ...facts, protocol: 'oidc', release: nothing, trial },
    { ...facts, protocol: 'oidc', release: nothing, trial: { ...trial, events: [] } },
    { ...facts, protocol: 'oidc', release: nothing, trial: { ...trial, isOpen: false } },
    { ...facts, protocol: 'oidc', release: nothing, trial: { isOpen: false, events: [] } },
    { ...facts, protocol: 'cas', release: nothing, trial: casTrial },
    { ...facts, protocol: 'cas', release: nothing, trial: { ...casTrial, isOpen: false } },
  ],
  'registration/sandbox-login': [
    {
      ...authorization,
      released: [hostile],
      hasPkce: false,
      leave: { kind: 'redirect', location: address },
    },
    {
      ...authorization,
      problem,
      leave: { kind: 'post', action: address, fields: { [hostile]: hostile } },
    },
    { ...authorization, problem, received: [], leave: undefined },
    {
      ...authorization,
      isCas: true,
      casUser: hostile,
      released: [hostile],
      leave: { kind: 'redirect', location: address },
    },
    { ...authorization, isCas: true, casUser: hostile },
    { ...authorization, isCas: true, problem, received: [] },
    { ...authorization, isCas: true, isLogout: true },
  ],
  'registration/credentials': [
    {
      token: hostile,
      credentials: {
        clientId: hostile,
        clientSecret: hostile,
        registrationAccessToken: hostile,
        registrationClientUri: address,
      },
    },
    {
      token: 'x',
      credentials: {
        clientId: 'x',
        registrationAccessToken: 'x',
        registrationClientUri: address,
      },
    },
  ],
}

let shown: { view: string; data: object }
const { app } = createWebApp()
app.get('/', (req, res) => renderPage(req, res, shown.view, shown.data))

testPages('pages for services that register themselves', samples, async (view, data, language) => {
  shown = { view, data }
  const { text, status } = await request(app).get('/').set('Accept-Language', language)
  assert.equal(status, 200)
  return text
})
