import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { findRelyingParty, serviceRecords } from '../../src/federation/service-store.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { approveRequest } from '../../src/registration/request-decision.ts'
import { ClientTokenModel } from '../../src/registration/request-model.ts'
import { findRequest, registrationRequests } from '../../src/registration/request-store.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { forgetRegistrations, goodClient, RegistrationWalk } from './registration-walk.ts'

describe('An OpenID Connect client that registers itself (RFC 7591, RFC 7592)', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())
  beforeEach(async () => {
    await forgetRegistrations()
    await ClientTokenModel.deleteMany({})
  })

  const approve = async (reference: string) =>
    approveRequest(app.context, await findRequest(reference))

  /** A client that is in use, and the page of its request. */
  async function running(change: object = {}) {
    const service = new RegistrationWalk(app.baseUrl)
    const sent = await service.json(
      {
        metadata: goodClient('app.example.org', change),
        reasons: { mail: 'x', emailVerified: 'x' },
      },
      '/federation/register/request',
    )
    assert.equal(sent.status, 202, sent.body)
    const mail = await service.mailTo('admin@app.example.org')
    const { token } = await service.confirm(RegistrationWalk.linkIn(mail.text))
    const { serviceId } = await approve(sent.json.reference)
    return { service, clientId: serviceId, page: `/federation/request?token=${token}` }
  }

  const fieldOf = (body: string, name: string) =>
    new RegExp(`<dt>${name}</dt><dd class="code">([^<]+)<`).exec(body)?.[1] ?? ''

  async function issue({ service, page }: { service: RegistrationWalk; page: string }) {
    const { status, body } = await service.press('/federation/request/credentials', page)
    assert.equal(status, 200)
    return {
      clientId: fieldOf(body, 'client_id'),
      secret: fieldOf(body, 'client_secret'),
      token: fieldOf(body, 'registration_access_token'),
      uri: new URL(fieldOf(body, 'registration_client_uri')).pathname,
    }
  }

  const manage = (
    service: RegistrationWalk,
    method: string,
    uri: string,
    token: string,
    body?: unknown,
  ) => service.json(body ?? '', uri, { authorization: `Bearer ${token}`, accept: '*/*' }, method)

  it('is given its name here, and its credentials once it is approved, each time new ones', async () => {
    const client = await running()
    assert.match(client.clientId, /^client-[0-9a-f]{24}$/)
    const first = await issue(client)
    assert.equal(first.clientId, client.clientId)
    const registered = await findRelyingParty(client.clientId)
    assert.equal(registered?.metadata.client_secret, first.secret)
    assert.equal(registered?.state, 'approved')
    const second = await issue(client)
    assert.notEqual(second.secret, first.secret)
    assert.equal((await findRelyingParty(client.clientId))?.metadata.client_secret, second.secret)
    assert.equal((await manage(client.service, 'GET', first.uri, first.token)).status, 401)
    assert.equal((await manage(client.service, 'GET', first.uri, second.token)).status, 200)
    const stored = JSON.stringify([
      await ClientTokenModel.find().lean(),
      await registrationRequests().find().toArray(),
      await serviceRecords().find().toArray(),
    ])
    for (const secret of [second.secret, second.token]) assert.ok(!stored.includes(secret))
  })

  it('gets no credentials before it is approved', async () => {
    const service = new RegistrationWalk(app.baseUrl)
    await service.json(
      { metadata: goodClient('app.example.org'), reasons: { mail: 'x', emailVerified: 'x' } },
      '/federation/register/request',
    )
    const mail = await service.mailTo('admin@app.example.org')
    const { token } = await service.confirm(RegistrationWalk.linkIn(mail.text))
    const page = `/federation/request?token=${token}`
    assert.equal((await service.press('/federation/request/credentials', page)).status, 409)
    assert.equal(await ClientTokenModel.countDocuments(), 0)
  })

  it('gets no secret by its token: the page of such a change shows none', async () => {
    const client = await running()
    const { token, uri, secret } = await issue(client)
    const { json: before } = await manage(client.service, 'GET', uri, token)
    const wanted = { ...before, redirect_uris: ['https://app.example.org/new'] }
    const { json } = await manage(client.service, 'PUT', uri, token, wanted)
    const page = json.registration_request.url
    const press = () => client.service.press('/federation/request/credentials', page)
    assert.equal((await press()).status, 409)
    await approve(json.registration_request.reference)
    assert.equal((await press()).status, 409)
    assert.equal((await findRelyingParty(client.clientId))?.metadata.client_secret, secret)
  })

  it('gives credentials to the contact of what runs, and no more to the one before', async () => {
    const client = await running()
    const { secret } = await issue(client)
    const change = (fields: object) => ({
      metadata: goodClient('app.example.org', {
        client_id: client.clientId,
        contacts: ['new@app.example.org'],
        ...fields,
      }),
      reasons: { mail: 'x', emailVerified: 'x' },
    })
    const ask = async (fields: object, contact: string) => {
      const { json } = await client.service.json(change(fields), '/federation/register/request')
      const { text } = await client.service.mailTo(contact)
      const { token } = await client.service.confirm(RegistrationWalk.linkIn(text))
      await approve(json.reference)
      return `/federation/request?token=${token}`
    }
    const press = (page: string) => client.service.press('/federation/request/credentials', page)
    const handover = await ask({}, 'admin@app.example.org')
    for (const page of [client.page, handover]) assert.equal((await press(page)).status, 409)
    const { body } = await client.service.client.get(client.page)
    assert.doesNotMatch(body, /action="\/federation\/request\/credentials"/)
    assert.equal((await findRelyingParty(client.clientId))?.metadata.client_secret, secret)
    const theirs = await ask({ client_name: 'Other name' }, 'new@app.example.org')
    const shown = await client.service.client.get(theirs)
    assert.match(shown.body, /action="\/federation\/request\/credentials"/)
    assert.equal((await press(theirs)).status, 200)
  })

  it('has no secret when it is a public client', async () => {
    const client = await running({ token_endpoint_auth_method: 'none' })
    const { secret, token } = await issue(client)
    assert.equal(secret, '')
    assert.match(token, /^[\w-]{22}$/)
  })

  it('reads its registration, without the secret', async () => {
    const client = await running()
    const { token, uri, secret } = await issue(client)
    const { status, json, headers, body } = await manage(client.service, 'GET', uri, token)
    assert.equal(status, 200)
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(json.client_id, client.clientId)
    assert.deepEqual(json.redirect_uris, ['https://app.example.org/callback'])
    assert.ok(!body.includes(secret))
  })

  it('changes it, which waits for an administrator and keeps the secret', async () => {
    const client = await running()
    const { token, uri, secret } = await issue(client)
    const { json: before } = await manage(client.service, 'GET', uri, token)
    const wanted = { ...before, redirect_uris: ['https://app.example.org/new'] }
    const answer = await manage(client.service, 'PUT', uri, token, wanted)
    assert.equal(answer.status, 202, answer.body)
    const uris = async () => (await findRelyingParty(client.clientId))?.metadata.redirect_uris
    assert.deepEqual(await uris(), ['https://app.example.org/callback'])
    const page = await client.service.client.get(answer.json.registration_request.url)
    assert.match(page.body, /class="added">.*redirect_uris https:\/\/app\.example\.org\/new/)
    await approve(answer.json.registration_request.reference)
    assert.deepEqual(await uris(), ['https://app.example.org/new'])
    assert.equal((await findRelyingParty(client.clientId))?.metadata.client_secret, secret)
    assert.equal((await manage(client.service, 'GET', uri, token)).status, 200)
  })

  it('asks for five changes a day: each writes to two mailboxes', async () => {
    const client = await running()
    const { token, uri } = await issue(client)
    const { json: before } = await manage(client.service, 'GET', uri, token)
    await ThrottleModel.deleteMany({})
    const statuses: number[] = []
    for (let count = 1; count <= 6; count++) {
      const wanted = { ...before, redirect_uris: [`https://app.example.org/${count}`] }
      statuses.push((await manage(client.service, 'PUT', uri, token, wanted)).status)
    }
    assert.deepEqual(statuses, [202, 202, 202, 202, 202, 429])
    assert.equal((await manage(client.service, 'GET', uri, token)).status, 200)
  })

  it('is told what is wrong with a change', async () => {
    const client = await running()
    const { token, uri } = await issue(client)
    const { json: before } = await manage(client.service, 'GET', uri, token)
    const wrong = { ...before, redirect_uris: ['http://app.example.org/'] }
    const answer = await manage(client.service, 'PUT', uri, token, wrong)
    assert.equal(answer.status, 400)
    assert.equal(answer.json.error, 'invalid_redirect_uri')
    assert.match(answer.json.error_description, /redirect_uris\[0\]/)
    for (const [change, said] of [
      [{ client_id: 'another' }, /client_id must be client-/],
      [{ client_secret: 'of-their-own-choice-0123' }, /client_secret is not the one in use/],
      [{ grant_types: ['implicit'] }, /grant_types/],
      [{ contacts: [] }, /technical contact/],
      ['{"client_id": ', /one JSON object/],
      ['[]', /one JSON object/],
    ] as const) {
      const body = typeof change === 'string' ? change : { ...before, ...change }
      const { status, json } = await manage(client.service, 'PUT', uri, token, body)
      assert.equal(status, 400, JSON.stringify(change))
      assert.equal(json.error, 'invalid_client_metadata')
      assert.match(json.error_description, said)
      assert.match(json.error_description, /^[\x20-\x7e]+$/)
    }
    assert.equal(await registrationRequests().countDocuments(), 1)
  })

  it('may send its own secret along with a change (RFC 7592 2.2)', async () => {
    const client = await running()
    const { token, uri, secret } = await issue(client)
    const { json: before } = await manage(client.service, 'GET', uri, token)
    const wanted = { ...before, client_secret: secret, client_name: 'Other name' }
    assert.equal((await manage(client.service, 'PUT', uri, token, wanted)).status, 202)
    assert.ok(!JSON.stringify(await registrationRequests().find().toArray()).includes(secret))
  })

  it('is refused in the form of RFC 7591, whichever way its metadata come', async () => {
    const service = new RegistrationWalk(app.baseUrl)
    const { redirect_uris: _, ...without } = goodClient('app.example.org')
    for (const [client, error] of [
      [
        goodClient('app.example.org', { redirect_uris: ['javascript:alert(1)'] }),
        'invalid_redirect_uri',
      ],
      [
        goodClient('app.example.org', { redirect_uris: ['https://app.example.org/#x'] }),
        'invalid_redirect_uri',
      ],
      [without, 'invalid_redirect_uri'],
      [goodClient('app.example.org', { client_secret: 'x'.repeat(32) }), 'invalid_client_metadata'],
      [goodClient('app.example.org', { response_types: ['token'] }), 'invalid_client_metadata'],
      [goodClient('app.example.org'), undefined],
    ] as const) {
      for (const body of [client, { metadata: client }, { metadata: JSON.stringify(client) }]) {
        const { status, json } = await service.json(body)
        assert.equal(status, error ? 400 : 200, JSON.stringify(body))
        assert.equal(json.error, error)
      }
    }
    const asked = await service.json(goodClient('app.example.org'), '/federation/register/request')
    assert.equal(asked.status, 400)
    assert.equal(asked.json.error, 'invalid_client_metadata')
    assert.match(asked.json.error_description, /without a reason/)
  })

  it('removes it, and the token with it', async () => {
    const client = await running()
    const { token, uri } = await issue(client)
    assert.equal((await manage(client.service, 'DELETE', uri, token)).status, 204)
    assert.equal(await findRelyingParty(client.clientId), undefined)
    assert.equal((await manage(client.service, 'GET', uri, token)).status, 401)
  })

  it('opens to no other token, and tells nothing of others', async () => {
    const client = await running()
    const { token, uri } = await issue(client)
    for (const wrong of ['', 'A'.repeat(22), token.slice(1), `${token}x`]) {
      const answer = await manage(client.service, 'GET', uri, wrong)
      assert.equal(answer.status, 401)
      assert.equal(answer.json.error, 'invalid_token')
      assert.equal(answer.headers['www-authenticate'], 'Bearer error="invalid_token"')
    }
    const silent = await client.service.json('', uri, { accept: '*/*' }, 'GET')
    assert.equal(silent.status, 401)
    assert.equal(silent.headers['www-authenticate'], 'Bearer')
    assert.equal(silent.body, '')
    const unknown = await manage(client.service, 'GET', '/federation/clients/library', token)
    assert.equal(unknown.status, 401)
  })
})
