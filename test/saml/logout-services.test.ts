import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { endAndTell } from '../../src/cli/end-and-tell.ts'
import { bindings, nameIdFormats, namespaces } from '../../src/saml/uris.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type Answer, HttpClient, hiddenField } from '../support/http-client.ts'
import {
  logoutResponse,
  type Manner,
  signedInAt,
  startToldServer,
  type Told,
  type ToldServer,
} from './logout-support.ts'
import {
  elements,
  makeKey,
  parse,
  redirectQuery,
  signMessage,
  xmlsecMissing,
  xmlsecVerify,
} from './saml-support.ts'
import {
  pathOf,
  postedForm,
  redirectOf,
  registerService,
  type ServiceOptions,
  signIn,
  statusOf,
} from './sso-support.ts'

const key = makeKey()
const strangersKey = makeKey()
/** Tells us of logouts by Redirect, and is answered so. */
const asker: ServiceOptions = {
  entityId: 'https://asker.example.gr',
  acsUrl: 'https://asker.example.gr/acs',
  logoutUrl: 'https://asker.example.gr/slo',
  key,
}
/** Can be told by the browser only. */
const front: ServiceOptions = {
  entityId: 'https://front.example.gr',
  acsUrl: 'https://front.example.gr/acs',
  logoutUrl: 'https://front.example.gr/slo',
  key,
}
const posting: ServiceOptions = {
  entityId: 'https://posting.example.gr',
  acsUrl: 'https://posting.example.gr/acs',
  logoutUrl: 'https://posting.example.gr/slo',
  logoutBinding: bindings.httpPost,
  nameIdFormats: [nameIdFormats.persistent],
  key,
}
const back = { entityId: 'https://back.example.gr', acsUrl: 'https://back.example.gr/acs', key }
let app: TestApp
let server: ToldServer
before(async () => {
  app = await startTestApp({ FETCH_LOOPBACK: 'true' })
  server = await startToldServer({ entityId: back.entityId, key, wrongKey: strangersKey })
  await registerService({ ...back, logoutEndpoints: [{ binding: bindings.soap, url: server.url }] })
  for (const service of [asker, front, posting]) await registerService(service)
})
after(async () => {
  await server.close()
  await app.close()
})

let messages = 0

function logoutRequest(
  service: ServiceOptions,
  { nameId, format, sessionIndexes }: { nameId: string; format: string; sessionIndexes: string[] },
  destination = `${app.baseUrl}/saml/slo`,
) {
  const indexes = sessionIndexes
    .map((index) => `<samlp:SessionIndex>${index}</samlp:SessionIndex>`)
    .join('')
  return `<samlp:LogoutRequest xmlns:samlp="${namespaces.samlp}" xmlns:saml="${namespaces.saml}" ID="_ask${++messages}" Version="2.0" IssueInstant="${app.context.now().toISOString()}" Destination="${destination}"><saml:Issuer>${service.entityId}</saml:Issuer><saml:NameID Format="${format}">${nameId}</saml:NameID>${indexes}</samlp:LogoutRequest>`
}

/** Signs out at our own page. @returns where that leads */
async function signOut(client: HttpClient): Promise<string> {
  const page = await client.get('/logout')
  return redirectOf(await client.post('/logout', { _csrf: hiddenField(page.body, '_csrf') }))
}

interface Outcomes {
  readonly isOver: boolean
  readonly services: readonly { state: string }[]
}

const outcomesAt = async (client: HttpClient, run: string): Promise<Outcomes> =>
  JSON.parse((await client.get(`${run}/outcomes`)).body)

/** Until nobody is being told any more; as the page's script does. */
async function outcomes(client: HttpClient, run: string): Promise<string[]> {
  for (;;) {
    const { isOver, services } = await outcomesAt(client, run)
    if (isOver) return services.map(({ state }) => state)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function isSignedIn(client: HttpClient): Promise<boolean> {
  return (await client.get('/account')).status === 200
}

function messageIn(location: string, parameter: string): string {
  const { searchParams } = new URL(location)
  return inflateRawSync(Buffer.from(searchParams.get(parameter)!, 'base64')).toString()
}

/** What a frame of the page sends the browser to, and the ID of the message. */
async function sent(client: HttpClient, src: string) {
  const answer = await client.get(src)
  const location = answer.headers.location!
  const xml = messageIn(location, 'SAMLRequest')
  const root = parse(xml).documentElement
  return { answer, location, xml, root, id: root.getAttribute('ID')! }
}

const framesOf = (page: Answer) =>
  [...page.body.matchAll(/<iframe src="([^"]+)"/g)].map(([, src]) => src!.replaceAll('&amp;', '&'))

function responseQuery(
  service: ServiceOptions,
  inResponseTo: string,
  options: { status?: string[]; relayState?: string; signer?: typeof key | undefined } = {},
): string {
  const xml = logoutResponse({
    entityId: service.entityId,
    inResponseTo,
    status: options.status ?? ['Success'],
    destination: `${app.baseUrl}/saml/slo`,
    now: app.context.now(),
  })
  const signer = 'signer' in options ? options.signer : key
  return redirectQuery(xml, {
    ...(signer && { key: signer.privateKey }),
    ...(options.relayState === undefined ? {} : { relayState: options.relayState }),
    parameter: 'SAMLResponse',
  })
}

/** The service is given a NameID of another format than before, in the same session. */
async function visitForPersistentId(
  client: HttpClient,
  { entityId }: Pick<ServiceOptions, 'entityId'>,
) {
  const policy = `<samlp:NameIDPolicy Format="${nameIdFormats.persistent}" AllowCreate="true"/>`
  const request = `<samlp:AuthnRequest xmlns:samlp="${namespaces.samlp}" ID="_visit${++messages}" Version="2.0" IssueInstant="${app.context.now().toISOString()}"><saml:Issuer xmlns:saml="${namespaces.saml}">${entityId}</saml:Issuer>${policy}</samlp:AuthnRequest>`
  const answer = postedForm(await client.get(`/saml/sso?${redirectQuery(request)}`))
  return elements(parse(answer.xml), 'NameID')[0]!.textContent!
}

describe('SAML logout: a service is told over SOAP (Profiles 4.4.3.3)', () => {
  it('gets its own NameID and SessionIndex, signed, after our session is over', {
    skip: xmlsecMissing,
  }, async () => {
    const { client, told } = await signedInAt(app, back)
    server.told.length = 0
    const run = await signOut(client)
    assert.deepEqual(await outcomes(client, run), ['done'])
    assert.equal(await isSignedIn(client), false)
    const [{ body }] = server.told as [(typeof server.told)[0]]
    const request = elements(parse(body), 'LogoutRequest')[0]!
    const nameId = elements(request, 'NameID')[0]!
    assert.equal(nameId.textContent, told[0]!.nameId)
    assert.equal(nameId.getAttribute('Format'), told[0]!.format)
    assert.equal(nameId.getAttribute('SPNameQualifier'), back.entityId)
    assert.equal(nameId.getAttribute('NameQualifier'), `${app.baseUrl}/saml/metadata`)
    assert.equal(elements(request, 'SessionIndex')[0]!.textContent, told[0]!.sessionIndex)
    assert.equal(request.getAttribute('Destination'), server.url)
    const lifeMs = Date.parse(request.getAttribute('NotOnOrAfter')!) - app.context.now().getTime()
    assert.ok(lifeMs > 0 && lifeMs <= 300_000)
    const { certificate } = app.context.keys.active('saml')
    xmlsecVerify(body, certificate!, 'LogoutRequest', request.getAttribute('ID')!)
    const page = await client.get(run)
    assert.match(page.body, /Έχετε αποσυνδεθεί/)
    assert.match(page.body, /Αποσυνδέθηκε/)
  })

  it('hears it for each NameID that it was given; people see the service once before', async () => {
    const { client, told } = await signedInAt(app, back)
    const later = await visitForPersistentId(client, back)
    const question = (await client.get('/logout')).body
    assert.equal(question.match(/<li><bdi>/g)?.length, 1)
    server.told.length = 0
    assert.deepEqual(await outcomes(client, await signOut(client)), ['done', 'done'])
    const names = server.told.map(({ body }) => elements(parse(body), 'NameID')[0]!.textContent)
    assert.deepEqual(names.sort(), [told[0]!.nameId, later].sort())
  })

  it('hears whether the person or the institution ended it (Core 3.7.3)', async () => {
    const reasonTold = async (
      end: (browser: Awaited<ReturnType<typeof signedInAt>>) => unknown,
    ) => {
      const browser = await signedInAt(app, back)
      server.told.length = 0
      await end(browser)
      const [{ body }] = server.told as [(typeof server.told)[0]]
      return elements(parse(body), 'LogoutRequest')[0]!.getAttribute('Reason')
    }
    const prefix = 'urn:oasis:names:tc:SAML:2.0:logout:'
    const byPerson = async ({ client }: { client: HttpClient }) =>
      outcomes(client, await signOut(client))
    assert.equal(await reasonTold(byPerson), `${prefix}user`)
    const byCommand = ({ account }: { account: { _id: string } }) =>
      endAndTell(app.context, account._id)
    assert.equal(await reasonTold(byCommand), `${prefix}admin`)
  })

  it('counts as told only when it says so itself, in answer to this very request', async () => {
    const expected: [Manner, string][] = [
      ['right', 'done'],
      ['unknown-principal', 'done'],
      ['denies', 'failed'],
      ['garbage', 'failed'],
      ['fault', 'failed'],
      ['redirects', 'failed'],
      ['answers-another', 'failed'],
      ['signs-wrongly', 'failed'],
    ]
    try {
      for (const [manner, outcome] of expected) {
        server.manner = manner
        const { client } = await signedInAt(app, back)
        const run = await signOut(client)
        assert.deepEqual(await outcomes(client, run), [outcome], manner)
      }
    } finally {
      server.manner = 'right'
    }
  })

  it('delays nobody over five seconds, silent or without end, and the page says so', async () => {
    const dead = { entityId: 'https://dead.example.gr', acsUrl: 'https://dead.example.gr/acs', key }
    const url = 'http://127.0.0.1:9/soap'
    await registerService({ ...dead, logoutEndpoints: [{ binding: bindings.soap, url }] })
    try {
      await Promise.all(
        (['silent'] as const).map(async (manner) => {
          server.manner = manner
          const { client } = await signedInAt(app, back, dead)
          const began = performance.now()
          const run = await signOut(client)
          assert.ok(performance.now() - began < 1500, 'the page comes at once')
          const early = await client.get(run)
          assert.match(early.body, /<noscript><meta http-equiv="refresh" content="1">/)
          assert.deepEqual(await outcomes(client, run), ['no-answer', 'no-answer'])
          assert.ok(performance.now() - began < 6500)
          const page = await client.get(run)
          assert.match(page.body, /Δεν απάντησε/)
          assert.match(page.body, /Κάποιες υπηρεσίες μπορεί να είναι ακόμη ανοιχτές/)
        }),
      )
    } finally {
      server.manner = 'right'
    }
  })

  it('counts as not told when the answer never ends', async () => {
    server.manner = 'endless'
    try {
      const { client } = await signedInAt(app, back)
      const began = performance.now()
      const run = await signOut(client)
      const [outcome] = await outcomes(client, run)
      assert.ok(outcome === 'failed' || outcome === 'no-answer')
      assert.ok(performance.now() - began < 6500)
    } finally {
      server.manner = 'right'
    }
  })

  it('lets the service that asked have its answer at once, when the others are told', async () => {
    const { client, told } = await signedInAt(app, asker, back)
    const [{ nameId, format, sessionIndex }] = told as [Told]
    const request = logoutRequest(asker, { nameId, format, sessionIndexes: [sessionIndex] })
    const answer = await client.get(`/saml/slo?${redirectQuery(request, { key: key.privateKey })}`)
    assert.equal(statusOf(messageIn(answer.headers.location!, 'SAMLResponse')), 'Success')
  })

  it('gives it PartialLogout after five seconds when one is dead; the page leads on by itself', async () => {
    server.manner = 'silent'
    try {
      const { client, told } = await signedInAt(app, asker, back)
      const [{ nameId, format, sessionIndex }] = told as [Told]
      const request = logoutRequest(asker, { nameId, format, sessionIndexes: [sessionIndex] })
      const query = redirectQuery(request, { key: key.privateKey, relayState: 'r' })
      const run = redirectOf(await client.get(`/saml/slo?${query}`))
      assert.equal(await isSignedIn(client), false)
      await outcomes(client, run)
      const last = await client.get(redirectOf(await client.get(run)))
      const xml = messageIn(last.headers.location!, 'SAMLResponse')
      assert.equal(statusOf(xml), 'Success/PartialLogout')
      assert.equal(new URL(last.headers.location!).searchParams.get('RelayState'), 'r')
    } finally {
      server.manner = 'right'
    }
  })
})

describe('SAML logout: a service is told by the browser', () => {
  it('in a frame of its own that may show it and nobody else, and its signed answer counts', async () => {
    const { client, told } = await signedInAt(app, front, posting)
    const run = await signOut(client)
    const page = await client.get(run)
    const policy = String(page.headers['content-security-policy'])
    assert.match(
      policy,
      /frame-src 'self' https:\/\/front\.example\.gr https:\/\/posting\.example\.gr(;|$)/,
    )
    assert.doesNotMatch(
      page.body,
      /<iframe(?![^>]*sandbox="allow-scripts allow-forms allow-same-origin")/,
    )
    const [first, second] = framesOf(page) as [string, string]
    const { answer, location, root, id } = await sent(client, first)
    assert.ok(location.startsWith('https://front.example.gr/slo?SAMLRequest='))
    assert.match(String(answer.headers['content-security-policy']), /frame-ancestors 'self'/)
    assert.equal(answer.headers['x-frame-options'], 'SAMEORIGIN')
    assert.equal(elements(root, 'NameID')[0]!.textContent, told[0]!.nameId)
    const framed = postedOf(await client.get(second))
    assert.equal(framed.action, 'https://posting.example.gr/slo')
    const posted = parse(framed.xml).documentElement
    assert.equal(elements(posted, 'NameID')[0]!.getAttribute('Format'), nameIdFormats.persistent)
    // Browsers hold our cookie back in a frame: the answers come without it.
    const frame = new HttpClient(app.baseUrl)
    const done = await frame.get(`/saml/slo?${responseQuery(front, id, { relayState: 'frame' })}`)
    assert.equal(done.status, 200)
    assert.equal(done.headers['x-frame-options'], 'SAMEORIGIN')
    const xml = signMessage(
      logoutResponse({
        entityId: posting.entityId,
        inResponseTo: posted.getAttribute('ID')!,
        status: ['Success'],
        destination: `${app.baseUrl}/saml/slo`,
      }),
      key,
    )
    const fields = { SAMLResponse: Buffer.from(xml).toString('base64'), RelayState: 'frame' }
    assert.equal((await frame.post('/saml/slo', fields)).status, 200)
    assert.deepEqual(await outcomes(client, run), ['done', 'done'])
    assert.match((await client.get(run)).body, /Όλες οι υπηρεσίες επιβεβαίωσαν/)
  })

  it('is shown as silent after five seconds, and can be signed out of by hand', async () => {
    const { client } = await signedInAt(app, front)
    const run = await signOut(client)
    const page = await client.get(run)
    assert.equal(framesOf(page).length, 1)
    assert.equal((await outcomesAt(client, run)).services[0]!.state, 'telling')
    app.advance(6_100)
    const late = await client.get(run)
    assert.match(late.body, /Δεν απάντησε/)
    assert.deepEqual(framesOf(late), [], 'nobody is told twice by itself')
    const link = /href="(\/logout\/[^"]+\/services\/0)"/.exec(late.body)![1]!
    const { id, location } = await sent(client, link)
    assert.equal(new URL(location).searchParams.get('RelayState'), 'page')
    const back = await client.get(`/saml/slo?${responseQuery(front, id, { relayState: 'page' })}`)
    assert.equal(redirectOf(back), run)
    assert.deepEqual(await outcomes(client, run), ['done'])
  })

  it('does not count as told by an answer that is unsigned, forged, of another service or to another request', async () => {
    const { client } = await signedInAt(app, front, asker)
    const run = await signOut(client)
    const [src] = framesOf(await client.get(run)) as [string]
    const { id } = await sent(client, src)
    for (const query of [
      responseQuery(front, id, { signer: undefined }),
      responseQuery(front, id, { signer: strangersKey }),
      responseQuery(asker, id),
      responseQuery(front, '_not-ours'),
    ]) {
      assert.ok((await client.get(`/saml/slo?${query}`)).status >= 400)
    }
    const { services } = await outcomesAt(client, run)
    assert.equal(services[0]!.state, 'telling')
    const denied = responseQuery(front, id, { status: ['Responder', 'RequestDenied'] })
    await client.get(`/saml/slo?${denied}`)
    assert.equal((await outcomesAt(client, run)).services[0]!.state, 'failed')
    // In a frame "I know nobody of that name" may mean that its cookie was held back.
    const unknown = responseQuery(front, id, {
      status: ['Requester', 'UnknownPrincipal'],
      relayState: 'frame',
    })
    await client.get(`/saml/slo?${unknown}`)
    assert.equal((await outcomesAt(client, run)).services[0]!.state, 'failed')
  })

  it('keeps the page to the browser that signed out', async () => {
    const { client } = await signedInAt(app, front)
    const run = await signOut(client)
    const other = new HttpClient(app.baseUrl)
    assert.equal(redirectOf(await other.get(run)), '/logout')
    assert.equal((await other.get(`${run}/services/0`)).status, 404)
    assert.deepEqual(JSON.parse((await other.get(`${run}/outcomes`)).body).services, [])
    const theirs = (await signedInAt(app, front)).client
    await signOut(theirs)
    assert.equal(redirectOf(await theirs.get(run)), '/logout')
  })
})

describe('SAML logout: a service asks over SOAP', () => {
  const soapUrl = () => `${app.baseUrl}/saml/slo/soap`
  const envelope = (xml: string) =>
    `<S:Envelope xmlns:S="${namespaces.soap}"><S:Header/><S:Body>${xml}</S:Body></S:Envelope>`
  const ask = (body: string) =>
    new HttpClient(app.baseUrl).send('POST', '/saml/slo/soap', body, {
      'content-type': 'text/xml',
      soapaction: '"http://www.oasis-open.org/committees/security"',
    })

  it('ends the session of that SessionIndex without its browser, and tells the others', {
    skip: xmlsecMissing,
  }, async () => {
    const { client, told } = await signedInAt(app, asker, back)
    const other = await signedInAt(app, asker)
    server.told.length = 0
    const [{ nameId, format, sessionIndex }] = told as [Told]
    const names = { nameId, format, sessionIndexes: [sessionIndex] }
    const answer = await ask(envelope(signMessage(logoutRequest(asker, names, soapUrl()), key)))
    assert.equal(answer.status, 200)
    assert.equal(statusOf(answer.body), 'Success')
    const { certificate } = app.context.keys.active('saml')
    const response = elements(parse(answer.body), 'LogoutResponse')[0]!
    xmlsecVerify(answer.body, certificate!, 'LogoutResponse', response.getAttribute('ID')!)
    assert.equal(await isSignedIn(client), false)
    assert.equal(await isSignedIn(other.client), true)
    assert.equal(server.told.length, 1)
    await app.context.audit.close()
    const record = await AuditModel.findOne({ event: 'logout.service', service: back.entityId })
      .sort({ at: -1 })
      .lean()
    assert.equal(record?.result, 'success')
  })

  it('ends all sessions of a NameID at the service when it names no SessionIndex', async () => {
    const { client, account } = await signedInAt(app, posting)
    const second = new HttpClient(app.baseUrl)
    const path = `/saml/unsolicited?providerId=${encodeURIComponent(posting.entityId)}`
    const done = await signIn(second, await second.get(path), account.username)
    const nameId = elements(parse(postedForm(done).xml), 'NameID')[0]!
    const names = {
      nameId: nameId.textContent!,
      format: nameId.getAttribute('Format')!,
      sessionIndexes: [],
    }
    const answer = await ask(envelope(signMessage(logoutRequest(posting, names, soapUrl()), key)))
    assert.equal(statusOf(answer.body), 'Success')
    assert.deepEqual([await isSignedIn(client), await isSignedIn(second)], [false, false])
  })

  it('finds them by a NameID of before, after the service was given one of another format', async () => {
    const { client, told } = await signedInAt(app, asker)
    await visitForPersistentId(client, asker)
    const names = { ...told[0]!, sessionIndexes: [] }
    const answer = await ask(envelope(signMessage(logoutRequest(asker, names, soapUrl()), key)))
    assert.equal(statusOf(answer.body), 'Success')
    assert.equal(await isSignedIn(client), false)
  })

  it('says PartialLogout when another service can be told by the browser only', async () => {
    const { told } = await signedInAt(app, asker, front)
    const [{ nameId, format, sessionIndex }] = told as [Told]
    const names = { nameId, format, sessionIndexes: [sessionIndex, '_of-another'] }
    const answer = await ask(envelope(signMessage(logoutRequest(asker, names, soapUrl()), key)))
    assert.equal(statusOf(answer.body), 'Success/PartialLogout')
  })

  it('ends nothing for a NameID of another service or person, a replay, or an old request', async () => {
    const { client, told } = await signedInAt(app, asker, front)
    const [mine, theirs] = told as [Told, Told]
    const status = async (xml: string) =>
      statusOf((await ask(envelope(signMessage(xml, key)))).body)
    const sessionIndexes = [mine.sessionIndex]
    const wrong = logoutRequest(asker, { ...theirs, sessionIndexes }, soapUrl())
    assert.equal(await status(wrong), 'Requester/UnknownPrincipal')
    assert.equal(await status(wrong), 'Requester/RequestDenied')
    const foreign = { ...mine, sessionIndexes: [theirs.sessionIndex] }
    assert.equal(
      await status(logoutRequest(asker, foreign, soapUrl())),
      'Requester/UnknownPrincipal',
    )
    const old = logoutRequest(asker, { ...mine, sessionIndexes }, soapUrl()).replace(
      ' Destination',
      ' NotOnOrAfter="2020-01-01T00:00:00Z" Destination',
    )
    assert.equal(await status(old), 'Requester/RequestDenied')
    assert.equal(await isSignedIn(client), true)
  })

  it('answers what is no signed request of a known service with a SOAP fault', async () => {
    const { client, told } = await signedInAt(app, asker)
    const [{ nameId, format, sessionIndex }] = told as [Told]
    const request = () =>
      logoutRequest(asker, { nameId, format, sessionIndexes: [sessionIndex] }, soapUrl())
    const wrapped = signMessage(request(), key)
    for (const [body, code] of [
      [envelope(request()), 'SAML_SIGNATURE_REQUIRED'],
      [envelope(signMessage(request(), strangersKey)), 'SAML_SIGNATURE_INVALID'],
      [wrapped, 'SAML_MESSAGE_INVALID'],
      [envelope(wrapped + wrapped), 'SAML_MESSAGE_INVALID'],
      ['<!DOCTYPE x><x/>', 'SAML_MESSAGE_INVALID'],
      ['', 'SAML_MESSAGE_INVALID'],
      [
        envelope(request().replace(asker.entityId, 'https://nobody.example.gr')),
        'SAML_SERVICE_UNKNOWN',
      ],
      [envelope(`<!--${'x'.repeat(70_000)}-->`), 'the request is not readable'],
    ] as const) {
      const answer = await ask(body)
      assert.equal(answer.status, 500)
      assert.match(
        answer.body,
        new RegExp(`<faultcode>soap:Client</faultcode><faultstring>${code}`),
      )
      assert.match(String(answer.headers['content-type']), /^text\/xml/)
    }
    assert.equal(await isSignedIn(client), true)
  })
})

describe('The logout page', () => {
  it('asks before anything ends, and ends nothing without its token', async () => {
    const { client } = await signedInAt(app, front)
    assert.match((await client.get('/logout')).body, /Θέλετε να αποσυνδεθείτε/)
    assert.equal((await client.post('/logout', {})).status, 403)
    assert.equal(await isSignedIn(client), true)
  })

  it('comes when nobody is signed in any more: a process that dies while it tells leaves nothing', async () => {
    server.manner = 'silent'
    try {
      const { client, account } = await signedInAt(app, back)
      const run = await signOut(client)
      const standing = { personId: account._id, endingAt: { $exists: false } }
      assert.equal(await SsoSessionModel.countDocuments(standing), 0)
      assert.equal(await isSignedIn(client), false)
      assert.equal((await outcomesAt(client, run)).isOver, false)
      // What that process would have written does not come: its time is over all the same.
      app.advance(6_100)
      const { isOver, services } = await outcomesAt(client, run)
      assert.deepEqual([isOver, services[0]!.state], [true, 'no-answer'])
    } finally {
      server.manner = 'right'
    }
  })

  it('is gone a quarter of an hour later', async () => {
    const { client } = await signedInAt(app, front)
    const run = await signOut(client)
    app.advance(15 * 60_000)
    assert.equal(redirectOf(await client.get(run)), '/logout')
  })
})

function postedOf(answer: Answer): { action: string; xml: string } {
  const action = /<form method="post" action="([^"]*)"/.exec(answer.body)![1]!
  const xml = Buffer.from(hiddenField(answer.body, 'SAMLRequest'), 'base64').toString()
  assert.equal(pathOf(action), '/slo')
  return { action, xml }
}
