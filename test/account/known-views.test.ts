import assert from 'node:assert/strict'
import request from 'supertest'
import { renderPage } from '../../src/web/render.ts'
import { testPages } from '../web/markup.ts'
import { createWebApp } from '../web/web-app.ts'

const hostile = '"><img src=x onerror=alert(1)>\'\u202e<script>alert(2)</script>'
const minimal = { errors: {}, values: {} }
const keeper = { name: hostile, email: 'keeper@uni.example.gr', phone: '210 1', url: '/k' }
const number = (country: string) => ({ country, countryName: hostile, masked: '••12' })
const fullPerson = {
  fullName: hostile,
  fullNameElsewhere: `${hostile} 2`,
  fatherName: hostile,
  birthDate: hostile,
  gender: 9,
  citizenships: [hostile, hostile],
  numbers: [number('GR'), number('EU')],
  taxNumber: number('CY'),
  orcid: hostile,
}
const barePerson = { fullName: 'Ν', fullNameElsewhere: 'Ν', citizenships: [], numbers: [] }
const record = (state: string) => ({
  kind: 'student',
  degreeLevel: 'master',
  departmentName: hostile,
  registrationNumber: hostile,
  state,
  validFrom: hostile,
  validTo: hostile,
  inscriptionYear: hostile,
  enrollmentTerm: hostile,
  mobile: hostile,
  email: hostile,
  differences: [
    { name: 'fullName', value: hostile },
    { name: 'fatherName', value: hostile },
    { name: 'birthDate', value: hostile },
    { name: 'gender', value: '1' },
  ],
  recordKeeper: keeper,
})
const account = (way: string, proven: string[]) => ({
  username: hostile,
  mailAddress: hostile,
  activatedAt: hostile,
  way,
  proven,
  reference: hostile,
  passwordChangedAt: hostile,
  passwordAgeDays: 1,
  acceptedTerms: { terms: hostile, privacy: 'unversioned', at: hostile },
  expiresAt: hostile,
})
const session = { browser: {}, startedAt: hostile, lastSeenAt: hostile, services: [hostile] }
const signIn = { at: hostile, browser: { browser: hostile, system: hostile }, address: hostile }

/** Every page with all it can show, said by a hostile person, and with the least. */
const samples: Record<string, object[]> = {
  'information/information': [
    {
      tab: 'information',
      person: barePerson,
      account: { username: 'u', mailAddress: 'u@uni.example.gr', proven: [] },
      recovery: [],
      records: [],
    },
    ...(
      [
        ['pin', ['sms']],
        ['pin', ['email']],
        ['pin', ['sms', 'email']],
        ['passphrase', []],
        ['administrator', []],
      ] as [string, string[]][]
    ).map(([way, proven]) => ({
      tab: 'information',
      person: fullPerson,
      account: account(way, proven),
      recovery: ['sms', 'email'].map((channel) => ({
        channel,
        masked: hostile,
        consentAt: hostile,
      })),
      records: ['current', 'inactive', 'future', 'suspended', 'ended'].map(record),
    })),
  ],
  'sign-ins/sign-ins': [
    { tab: 'signIns', sessions: [{ ...session, handle: 'h', isCurrent: true }], signIns: [] },
    ...['one', 'others', 'gone'].map((ended) => ({
      tab: 'signIns',
      ended,
      sessions: [true, false].map((isCurrent) => ({
        ...session,
        handle: hostile,
        isCurrent,
        browser: { browser: hostile, system: hostile },
        address: hostile,
      })),
      signIns: [
        ...['password', 'pin', 'passphrase', 'recovery'].map((way) => ({
          ...signIn,
          isSuccess: true,
          way,
          service: hostile,
        })),
        ...['wrong-password', 'throttled', 'standing'].map((failure) => ({
          ...signIn,
          isSuccess: false,
          failure,
          way: 'password',
        })),
      ],
      older: 1,
    })),
    { tab: 'signIns', signIns: [], older: 1 },
  ],
  'sign-ins/services': [
    { tab: 'signIns', receivers: [], isOlder: false },
    {
      tab: 'signIns',
      receivers: [
        { name: hostile, host: hostile, times: 1, lastAt: hostile, attributes: [hostile] },
        { name: hostile, host: 'h', times: 12, lastAt: hostile, attributes: [] },
      ],
      isOlder: true,
      older: 1,
    },
  ],
  'services/services': [
    { tab: 'services', search: '', count: 0, services: [] },
    { tab: 'services', search: hostile, count: 0, services: [] },
    {
      tab: 'services',
      search: '',
      count: 900,
      services: [
        { name: 'eClass', releaseUrl: '/account/services/release?id=a&protocol=saml' },
        {
          name: hostile,
          description: hostile,
          host: hostile,
          presetName: hostile,
          logoUrl: 'https://sp.example/logo.png',
          releaseUrl: '/account/services/release?id=b',
        },
      ],
    },
  ],
  'services/release': [
    ...['ask', 'inform', 'silent'].map((disclosure) => ({
      tab: 'services',
      service: { name: hostile, description: hostile, host: hostile },
      startUrl: 'https://sp.example/',
      privacyUrl: 'https://sp.example/privacy',
      preset: { name: hostile, about: hostile },
      ground: hostile,
      disclosure,
      going: [{ label: hostile, words: [hostile, 'b'], why: [hostile] }],
      asked: 'some',
      missing: [hostile, 'b'],
      keepers: [keeper, { name: hostile }],
      comesByItself: true,
      refused: [{ label: hostile, reason: hostile }],
      technical: [{ name: hostile, values: [hostile, 'b'] }],
      isMost: true,
    })),
    {
      tab: 'services',
      service: { name: 'eClass' },
      disclosure: 'silent',
      going: [],
      missing: [],
      keepers: [],
      comesByItself: false,
      refused: [],
      technical: [],
      isMost: false,
    },
  ],
  'my-data/my-data': [
    { tab: 'data', isRecent: false, closed: [] },
    {
      tab: 'data',
      isRecent: true,
      open: { reference: hostile, createdAt: hostile },
      closed: ['withdrawn', 'done'].map((state) => ({
        reference: hostile,
        state,
        createdAt: hostile,
        closedAt: hostile,
      })),
    },
  ],
  'my-data/deletion': [{ tab: 'data' }],
}

let shown: { view: string; data: object }
const { app } = createWebApp()
app.get('/', (req, res) =>
  renderPage(req, res, `account/${shown.view}`, { ...minimal, ...shown.data }),
)

testPages('pages about what is known about me', samples, async (view, data, language) => {
  shown = { view, data }
  const { text, status } = await request(app).get('/').set('Accept-Language', language)
  assert.equal(status, 200)
  return text
})
