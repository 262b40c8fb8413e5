import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  registerCasService,
  registerServiceProvider,
  setServiceOverrides,
} from '../../src/federation/registration.ts'
import { selfOrigin } from '../../src/federation/service.ts'
import {
  clearServiceCache,
  findCasServiceFor,
  serviceRecords,
} from '../../src/federation/service-store.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { approveRequest } from '../../src/registration/request-decision.ts'
import { RegistrationRequestModel } from '../../src/registration/request-model.ts'
import { findRequest } from '../../src/registration/request-store.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { goodMetadata, RegistrationWalk, registerPath } from './registration-walk.ts'

const formPath = `${registerPath}/cas`
const origin = { origin: 'cli', approve: true }

function goodCas(host: string, change: object = {}) {
  return {
    cas_service: `https://${host}/app`,
    'client_name#el': 'Υπηρεσία CAS',
    'client_name#en': 'CAS service',
    policy_uri: `https://${host}/privacy`,
    contacts: [`admin@${host}`],
    attributes: ['mail'],
    ...change,
  }
}

describe('A CAS service that registers by itself', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())
  beforeEach(async () => {
    await ThrottleModel.deleteMany({})
    await serviceRecords().deleteMany({})
    await RegistrationRequestModel.deleteMany({})
    clearServiceCache()
  })
  const walk = () => new RegistrationWalk(app.baseUrl)
  const stops = (json: { findings: { code: string; severity: string }[] }) =>
    json.findings.filter(({ severity }) => severity === 'stop').map(({ code }) => code)

  /** Hands it in, confirms it by mail, and has it approved. */
  async function register(metadata: object) {
    const visitor = walk()
    const link = await visitor.askAndGetLink(JSON.stringify(metadata), {
      'reason-mail': 'Ειδοποιήσεις',
    })
    const page = await visitor.confirm(link)
    const reference = /[A-Z2-9]{3}-[A-Z2-9]{3}/.exec(page.body)?.[0] ?? ''
    return { page, request: await findRequest(reference) }
  }

  it('fills in a form, sees what was wrong, and sends it with a reason', async () => {
    const visitor = walk()
    assert.match(
      (await visitor.client.get(registerPath)).body,
      /href="\/federation\/register\/cas"/,
    )
    const typed = {
      service: 'https://form.example.gr/app',
      nameEl: 'Υπηρεσία <b>CAS</b>',
      contact: 'admin@form.example.gr',
      privacy: 'https://form.example.gr/privacy',
      'attribute-mail': 'yes',
    }
    const answer = await visitor.submit(typed, { path: formPath, page: formPath })
    assert.equal(answer.status, 200, answer.body)
    assert.match(answer.body, /https:\/\/form\.example\.gr\/app/)
    assert.doesNotMatch(answer.body, /<b>CAS<\/b>/)
    assert.match(answer.body, /name="reason-mail"/)
    const bad = await visitor.submit(
      { ...typed, service: 'form.example.gr', contact: '' },
      {
        path: formPath,
        page: formPath,
      },
    )
    assert.equal(bad.status, 422)
    assert.match(bad.body, /https:\/\/eclass\.uni\.example\.gr/)
  })

  it('works once the contact confirmed and an administrator approved, not before', async () => {
    const { page, request } = await register(goodCas('new.example.gr'))
    assert.match(page.body, /https:\/\/new\.example\.gr\/app/)
    assert.equal(request.protocol, 'cas')
    assert.equal(await findCasServiceFor('https://new.example.gr/app/x'), undefined)
    await approveRequest(app.context, request)
    const service = await findCasServiceFor('https://new.example.gr/app/x')
    assert.equal(service?.pattern.text, 'https://new.example.gr/app')
    assert.deepEqual(
      service?.requestedAttributes.map(({ name }) => name),
      ['mail'],
    )
    assert.equal(service?.overrides.allowProxy, undefined)
  })

  it('changes by the contact of what runs, and keeps what an administrator decided', async () => {
    const { request } = await register(goodCas('change.example.gr'))
    await approveRequest(app.context, request)
    await setServiceOverrides('https://change.example.gr/app', { block: ['mail'] }, 'cas')
    const changed = goodCas('change.example.gr', {
      contacts: ['thief@evil.example'],
      attributes: ['mail', 'displayName'],
    })
    const checked = await walk().json({ metadata: changed })
    assert.ok(checked.json.isUpdate)
    assert.doesNotMatch(checked.json.contact, /evil/)
    const visitor = walk()
    const link = await visitor.askAndGetLink(JSON.stringify(changed), {
      'reason-mail': 'α',
      'reason-displayName': 'β',
    })
    assert.equal((await visitor.findMailTo('thief@evil.example'))?.to, undefined)
    const page = await visitor.confirm(link)
    assert.match(page.body, /displayName/)
    assert.match(page.body, /thief@evil\.example/)
    const reference = /[A-Z2-9]{3}-[A-Z2-9]{3}/.exec(page.body)?.[0] ?? ''
    await approveRequest(app.context, await findRequest(reference))
    const service = await findCasServiceFor('https://change.example.gr/app')
    assert.deepEqual(service?.overrides, { block: ['mail'] })
    assert.equal(service?.requestedAttributes.length, 2)
  })

  it('takes no address that is too wide, not encrypted, or nobody’s', async () => {
    for (const [pattern, code] of [
      ['https://*.example.gr/', 'CAS_PATTERN_WIDE'],
      ['https://*.gr/', 'CAS_FIELD_INVALID'],
      ['*', 'CAS_FIELD_INVALID'],
      ['http://plain.example.gr/', 'CAS_FIELD_INVALID'],
      [42, 'CAS_FIELD_INVALID'],
    ] as const) {
      const { status, json } = await walk().json({
        metadata: goodCas('x.example.gr', { cas_service: pattern }),
      })
      assert.equal(status, 422)
      assert.ok(stops(json).includes(code), `${pattern}: ${stops(json)}`)
    }
  })

  it('needs a name and a contact', async () => {
    const { json } = await walk().json({ cas_service: 'https://x.example.gr/' })
    assert.deepEqual(stops(json).sort(), ['CONTACT_MISSING', 'DISPLAY_NAME_MISSING'])
  })

  it('takes no address at, above or below somebody else’s service', async () => {
    await registerCasService(goodCas('taken.example.gr'), origin)
    await registerCasService(goodCas('self.example.gr'), { origin: selfOrigin, approve: true })
    await registerServiceProvider(goodMetadata('saml.example.gr'), origin)
    for (const [pattern, code] of [
      ['https://taken.example.gr/app', 'CAS_PATTERN_TAKEN'],
      ['https://taken.example.gr/app/below', 'CAS_PATTERN_TAKEN'],
      ['https://taken.example.gr/', 'CAS_PATTERN_TAKEN'],
      ['https://self.example.gr/app/below', 'CAS_PATTERN_TAKEN'],
      ['https://saml.example.gr/cas', 'CAS_HOST_TAKEN'],
    ] as const) {
      const metadata = goodCas('stranger.example', { cas_service: pattern })
      const { json } = await walk().json({ metadata })
      assert.deepEqual(stops(json), [code], pattern)
    }
    const besides = goodCas('stranger.example', { cas_service: 'https://taken.example.gr/apple' })
    assert.deepEqual(stops((await walk().json({ metadata: besides })).json), [])
    const ownSaml = goodCas('saml.example.gr')
    assert.deepEqual(stops((await walk().json({ metadata: ownSaml })).json), [])
  })

  it('is not approved over a service that somebody registered meanwhile', async () => {
    const { request } = await register(goodCas('late.example.gr'))
    await registerCasService(
      goodCas('other.example', { cas_service: 'https://late.example.gr/' }),
      origin,
    )
    await assert.rejects(approveRequest(app.context, request), {
      code: 'REGISTRATION_CHANGED_MEANWHILE',
    })
    assert.equal((await findRequest(request._id)).state, 'waiting')
  })

  it('needs the form’s token', async () => {
    const page = await walk().client.get(formPath)
    assert.ok(hiddenField(page.body, '_csrf'))
    const answer = await walk().submit(
      { service: 'https://x.example.gr' },
      {
        path: formPath,
        page: formPath,
        csrf: 'forged',
      },
    )
    assert.equal(answer.status, 403)
  })
})
