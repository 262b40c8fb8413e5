import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { tickets } from '../../src/cas/ticket-model.ts'
import { recordVisit, type Validated } from '../../src/cas/validation.ts'
import { removeService, setServiceOverrides } from '../../src/federation/registration.ts'
import { accounts } from '../../src/people/people-store.ts'
import { endEverywhere } from '../../src/sso/end-everywhere.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  casService,
  elementsOf,
  failureOf,
  loginPath,
  serviceServer,
  signedIn,
  ticketOf,
  validatePath,
} from './cas-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

async function newTicket(
  options: {
    overrides?: Parameters<typeof casService>[0]
    metadata?: Record<string, unknown>
    change?: Parameters<typeof signedIn>[1]
  } = {},
) {
  const service = await casService(options.overrides, options.metadata)
  const browser = await signedIn(app, options.change)
  const ticket = ticketOf(await browser.client.get(loginPath(service.url)), service.url)
  return { ...browser, service, ticket, server: serviceServer(app) }
}

describe('CAS 1 and 2 validation (CAS Protocol 2.4, 2.5)', () => {
  it('answers /validate with yes and the user', async () => {
    const { service, ticket, server, account } = await newTicket()
    const answer = await server.get(validatePath('validate', service.url, ticket))
    assert.equal(answer.body, `yes\n${account.username}\n`)
    assert.match(String(answer.headers['content-type']), /^text\/plain/)
  })

  it('answers /validate with no for anything else', async () => {
    const { service, ticket, server } = await newTicket()
    for (const path of [
      '/cas/validate',
      validatePath('validate', service.url, 'ST-nothing'),
      validatePath('validate', `${service.url}&more=1`, ticket),
    ]) {
      assert.equal((await server.get(path)).body, 'no\n')
    }
  })

  it('names the user and no attribute at serviceValidate', async () => {
    const { service, ticket, server, account } = await newTicket()
    const answer = await server.get(validatePath('serviceValidate', service.url, ticket))
    assert.match(String(answer.headers['content-type']), /^application\/xml/)
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.equal(
      answer.body,
      `<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">\n  <cas:authenticationSuccess>\n    <cas:user>${account.username}</cas:user>\n  </cas:authenticationSuccess>\n</cas:serviceResponse>\n`,
    )
  })
})

describe('CAS 3 validation (CAS Protocol 2.6, appendix A)', () => {
  it('gives what the release rules give, each value an element, after the three of the schema', async () => {
    const { service, ticket, server, account } = await newTicket()
    const { body } = await server.get(validatePath('p3/serviceValidate', service.url, ticket))
    assert.deepEqual(elementsOf(body, 'mail'), [`${account.username}@uni.example.gr`])
    assert.deepEqual(elementsOf(body, 'eduPersonAffiliation').sort(), ['member', 'student'])
    assert.deepEqual(elementsOf(body, 'displayName'), [])
    assert.deepEqual(elementsOf(body, 'isFromNewLogin'), ['false'])
    assert.deepEqual(elementsOf(body, 'longTermAuthenticationRequestTokenUsed'), ['false'])
    assert.equal(elementsOf(body, 'authenticationDate').length, 1)
    assert.deepEqual(elementsOf(body, 'authnContextClass'), [])
    const names = [...body.matchAll(/<cas:(\w+)>/g)].map(([, name]) => name)
    assert.deepEqual(names.slice(0, 6), [
      'authenticationSuccess',
      'user',
      'attributes',
      'authenticationDate',
      'longTermAuthenticationRequestTokenUsed',
      'isFromNewLogin',
    ])
  })

  it('gives the same in JSON', async () => {
    const { service, ticket, server, account } = await newTicket()
    const path = validatePath('p3/serviceValidate', service.url, ticket, { format: 'JSON' })
    const answer = await server.get(path)
    assert.match(String(answer.headers['content-type']), /^application\/json/)
    const { user, attributes } = JSON.parse(answer.body).serviceResponse.authenticationSuccess
    assert.equal(user, account.username)
    assert.deepEqual(attributes.eduPersonAffiliation.toSorted(), ['member', 'student'])
    assert.equal(attributes.isFromNewLogin, false)
  })

  it('fails in JSON as well', async () => {
    const answer = await serviceServer(app).get('/cas/p3/serviceValidate?format=json')
    const { code } = JSON.parse(answer.body).serviceResponse.authenticationFailure
    assert.equal(code, 'INVALID_REQUEST')
  })

  it('escapes what could be markup', async () => {
    const { service, ticket, server } = await newTicket({
      metadata: { attributes: ['givenName'] },
      change: {
        person: { firstName: { el: 'Α<β>&"γ"', en: 'A' }, lastName: { el: 'Ω', en: 'O' } },
      },
    })
    const { body } = await server.get(validatePath('p3/serviceValidate', service.url, ticket))
    assert.ok(body.includes('<cas:givenName>Α&lt;β&gt;&amp;"γ"</cas:givenName>'), body)
  })

  it('gives what a preset gives to a service that has one', async () => {
    const { service, ticket, server, account } = await newTicket({
      overrides: { preset: 'eclass' },
    })
    const { body } = await server.get(validatePath('p3/serviceValidate', service.url, ticket))
    assert.deepEqual(elementsOf(body, 'uid'), [account.username])
    assert.deepEqual(elementsOf(body, 'givenName'), ['Δήμητρα'])
    assert.deepEqual(elementsOf(body, 'sn'), ['Παπαδοπούλου'])
    assert.deepEqual(elementsOf(body, 'eduPersonAffiliation'), [])
  })
})

describe('The user that a CAS service is told', () => {
  const userOf = async (overrides: Parameters<typeof casService>[0]) => {
    const { service, ticket, server, account } = await newTicket({ overrides })
    const { body } = await server.get(validatePath('serviceValidate', service.url, ticket))
    return { user: elementsOf(body, 'user')[0], account, body }
  }

  it('is another attribute where an administrator says so', async () => {
    const { user, account } = await userOf({ userAttribute: 'eduPersonPrincipalName' })
    assert.equal(user, `${account.username}@uni.example.gr`)
  })

  it('is a pseudonym where an administrator says so, or blocks the username', async () => {
    for (const overrides of [{ userAttribute: 'pairwise' }, { block: ['uid'] }]) {
      const { user } = await userOf(overrides)
      assert.match(user ?? '', /^[a-z2-7]{32}$/)
    }
  })

  it('is a pseudonym where a preset leaves no room for the username', async () => {
    const { user } = await userOf({ preset: 'okeanos', disclosure: 'silent' })
    assert.match(user ?? '', /^[a-z2-7]{32}$/)
  })

  it('is never a guess: without a value the validation fails', async () => {
    const { body } = await userOf({ userAttribute: 'eduPersonOrcid' })
    assert.match(body, /INTERNAL_ERROR/)
  })
})

describe('A CAS ticket (CAS Protocol 3.1.1)', () => {
  const p3 = 'p3/serviceValidate'

  it('is good for one attempt, of many at once too', async () => {
    const { service, ticket, server } = await newTicket()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => server.get(validatePath(p3, service.url, ticket))),
    )
    const failures = answers.map(failureOf)
    assert.equal(failures.filter((code) => code === undefined).length, 1)
    assert.equal(failures.filter((code) => code === 'INVALID_TICKET').length, 7)
  })

  it('is used up by an attempt for another service', async () => {
    const { service, ticket, server } = await newTicket()
    const other = await casService()
    const answer = await server.get(validatePath(p3, other.url, ticket))
    assert.equal(failureOf(answer), 'INVALID_SERVICE')
    assert.equal(
      failureOf(await server.get(validatePath(p3, service.url, ticket))),
      'INVALID_TICKET',
    )
  })

  it('is refused when the sign-in ends while its use is written down', async () => {
    const record = { kind: 'ST', serviceId: 's', service: 'https://s.example.gr/', session: {} }
    const session = { id: 'ended', personId: 'p', endsAt: Date.now() + 60_000 }
    const validated = { record: { ...record, session } } as unknown as Validated
    await assert.rejects(recordVisit(app.context, 'ST-ended', validated), {
      code: 'INVALID_TICKET',
    })
  })

  it('is used up by an attempt that names no service', async () => {
    const { service, ticket, server } = await newTicket()
    const answer = await server.get(`/cas/${p3}?ticket=${ticket}`)
    assert.equal(failureOf(answer), 'INVALID_REQUEST')
    assert.equal(
      failureOf(await server.get(validatePath(p3, service.url, ticket))),
      'INVALID_TICKET',
    )
  })

  it('is for the very address, in whatever form and with whatever Java session it comes', async () => {
    const { service, client, server } = await newTicket()
    const plain = `${service.id}/page?a=1`
    for (const [asked, validated, expected] of [
      [plain, plain.replace('https', 'HTTPS'), undefined],
      [plain, plain.replace('.gr/', '.gr:443/'), undefined],
      [plain, plain.replace('.gr/', '.gr:8443/'), 'INVALID_SERVICE'],
      [`${service.id}/page;jsessionid=A1B2?a=1`, plain, undefined],
      [plain, `${service.id}/page?a=2`, 'INVALID_SERVICE'],
      [plain, `${service.id}/page`, 'INVALID_SERVICE'],
    ] as const) {
      const ticket = ticketOf(await client.get(loginPath(asked)), asked)
      const answer = await server.get(validatePath(p3, validated, ticket))
      assert.equal(failureOf(answer), expected, `${asked} ${validated}`)
    }
  })

  it('is for the one service whose address it has, also where two share a host', async () => {
    const { service, client, server } = await newTicket()
    const { origin } = new URL(service.id)
    await casService({}, { cas_service: `${origin}/` })
    // To the closest pattern belongs what its server answers, however the path is written.
    const java = `${service.id};jsessionid=A1B2?a=1`
    const ticket = ticketOf(await client.get(loginPath(java)), java)
    const { body } = await server.get(validatePath(p3, `${service.id}?a=1`, ticket))
    assert.equal(/code="(\w+)"/.exec(body)?.[1], undefined)
    // What one server reads as one service's and another as the other's gets nothing.
    for (const path of ['//app', '/%61pp', '/;x/app', '/app%2Fx', '/app;x', '/%2561pp/']) {
      const answer = await client.get(loginPath(`${origin}${path}`))
      assert.equal(answer.status, 403, path)
      assert.equal(answer.headers.location, undefined)
    }
    const other = `${origin}/other//page;v=1?x=%2F`
    ticketOf(await client.get(loginPath(other)), other)
  })

  it('ends after ten seconds', async () => {
    const { service, ticket, server } = await newTicket()
    app.advance(10_000)
    assert.equal(
      failureOf(await server.get(validatePath(p3, service.url, ticket))),
      'INVALID_TICKET',
    )
  })

  it('ends with the sign-in, with the account, and with the registration', async () => {
    for (const [end, code] of [
      [(id: string) => endEverywhere(app.context, id), 'INVALID_TICKET'],
      [
        (id: string) => accounts().updateOne({ _id: id }, { $set: { state: 'locked' } }),
        'INVALID_TICKET',
      ],
      [(_: string, service: string) => removeService(service, 'cas'), 'INVALID_SERVICE'],
    ] as const) {
      const { service, ticket, server, account } = await newTicket()
      await end(account._id, service.id)
      assert.equal(failureOf(await server.get(validatePath(p3, service.url, ticket))), code)
    }
  })

  it('tells only what still goes', async () => {
    const { service, ticket, server } = await newTicket()
    await setServiceOverrides(service.id, { block: ['mail'] }, 'cas')
    const { body } = await server.get(validatePath(p3, service.url, ticket))
    assert.deepEqual(elementsOf(body, 'mail'), [])
    assert.ok(elementsOf(body, 'eduPersonAffiliation').length > 0)
  })

  it('is in the store as a hash only', async () => {
    const { ticket } = await newTicket()
    const all = JSON.stringify(await tickets().find({}).toArray())
    assert.ok(all.length > 2)
    assert.ok(!all.includes(ticket))
  })

  it('must be there, and look like one', async () => {
    const { service, server } = await newTicket()
    assert.equal(failureOf(await server.get(`/cas/${p3}`)), 'INVALID_REQUEST')
    const twice = `/cas/${p3}?service=${encodeURIComponent(service.url)}&ticket=ST-a&ticket=ST-b`
    assert.ok(failureOf(await server.get(twice)))
    for (const ticket of ['ST-', 'PGT-x', 'x', 'ST-<a>', `ST-${'a'.repeat(5000)}`]) {
      assert.equal(
        failureOf(await server.get(validatePath(p3, service.url, ticket))),
        'INVALID_TICKET',
      )
    }
  })
})
