import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { accounts } from '../../src/people/people-store.ts'
import { endEverywhere } from '../../src/sso/end-everywhere.ts'
import { sealFlow } from '../../src/sso/login-flow.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

/** The Greek text of a key in the sign-in pages' locale. */
function greek(key: string): string {
  const file = new URL('../../views/login/locales/el.json', import.meta.url)
  const texts: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return key
    .split('.')
    .reduce((node, part) => (node as Record<string, unknown>)[part], texts) as string
}

describe('Signing in', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ LOGIN_TRIES_PER_ACCOUNT: '5', LOGIN_TRIES_PER_ADDRESS: '60' })
  })
  after(() => app.close())

  async function submit(
    client: HttpClient,
    username: string,
    password: string,
    extra: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) {
    const page = await client.get('/login')
    const _csrf = hiddenField(page.body, '_csrf')
    return client.post('/login', { _csrf, username, password, ...extra }, headers)
  }

  async function signOut(client: HttpClient) {
    const page = await client.get('/logout')
    return client.post('/logout', { _csrf: hiddenField(page.body, '_csrf') })
  }

  it('leads home, which says who you are and what you are here', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    const answer = await submit(client, account.username, testPassword)
    assert.equal(answer.status, 303)
    assert.equal(answer.headers.location, '/')
    const home = await client.get('/')
    assert.match(home.body, /Δήμητρα Παπαδοπούλου/)
    assert.match(home.body, new RegExp(account.username))
    assert.match(home.body, /Τμήμα Πληροφορικής/)
  })

  it('takes the username in capitals, with spaces around, or as the mail address it belongs to', async () => {
    const { account } = await addPerson()
    for (const typed of [
      account.username.toUpperCase(),
      `  ${account.username} `,
      `${account.username}@uni.example.gr`,
    ]) {
      assert.equal(
        (await submit(new HttpClient(app.baseUrl), typed, testPassword)).status,
        303,
        typed,
      )
    }
    const other = await submit(
      new HttpClient(app.baseUrl),
      `${account.username}@elsewhere.example`,
      testPassword,
    )
    assert.equal(other.status, 401)
  })

  it('gives a new session id, so that one planted beforehand is worth nothing', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    await submit(client, account.username, testPassword)
    const planted = client.cookie('sso')
    await signOut(client)
    assert.ok(planted)
    const victim = new HttpClient(app.baseUrl)
    victim.setCookie('sso', planted)
    await submit(victim, account.username, testPassword)
    assert.notEqual(victim.cookie('sso'), planted)
    const thief = new HttpClient(app.baseUrl)
    thief.setCookie('sso', planted)
    assert.doesNotMatch((await thief.get('/')).body, new RegExp(account.username))
  })

  it('answers an unknown username and a wrong password alike', async () => {
    const { account } = await addPerson()
    const wrong = await submit(new HttpClient(app.baseUrl), account.username, 'wrong')
    const unknown = await submit(new HttpClient(app.baseUrl), 'nobody.at.all', 'wrong')
    assert.equal(wrong.status, 401)
    assert.equal(unknown.status, 401)
    const normalise = (html: string, username: string) =>
      html.replaceAll(username, 'USERNAME').replace(/name="_csrf" value="[^"]*"/g, '')
    assert.equal(normalise(wrong.body, account.username), normalise(unknown.body, 'nobody.at.all'))
  })

  it('keeps the username and never the password on the page after a mistake', async () => {
    const answer = await submit(new HttpClient(app.baseUrl), 'maria"<b>', 'Μυστικό-99')
    assert.match(answer.body, /value="maria&quot;&lt;b&gt;"/)
    assert.doesNotMatch(answer.body, /Μυστικό-99/)
  })

  it('asks for what is missing by the field, and does not count it as a try', async () => {
    const { account } = await addPerson()
    for (let round = 0; round < 8; round += 1) {
      assert.equal((await submit(new HttpClient(app.baseUrl), account.username, '')).status, 422)
    }
    assert.equal(
      (await submit(new HttpClient(app.baseUrl), account.username, testPassword)).status,
      303,
    )
  })

  const standings = [
    ['pending', { state: 'pending' }],
    ['locked', { state: 'locked' }],
    ['disabled', { state: 'disabled' }],
    ['expired', { expiresAt: new Date('2020-01-01') }],
  ] as const
  for (const [standing, change] of standings) {
    it(`tells a ${standing} account so only after the right password, and opens no session`, async () => {
      const { account } = await addPerson({ account: change })
      const refused = await submit(new HttpClient(app.baseUrl), account.username, 'wrong')
      assert.equal(refused.status, 401)
      const client = new HttpClient(app.baseUrl)
      const told = await submit(client, account.username, testPassword)
      assert.equal(told.status, 403)
      assert.ok(told.body.includes(greek(`standing.${standing}.title`)), told.body)
      assert.equal(client.cookie('sso'), undefined)
      assert.doesNotMatch((await client.get('/')).body, new RegExp(account.username))
    })
  }

  it('has different pages for the four standings', async () => {
    const pages = new Set<string>()
    for (const [, change] of standings) {
      const { account } = await addPerson({ account: change })
      const { body } = await submit(new HttpClient(app.baseUrl), account.username, testPassword)
      pages.add(/<h1[^>]*>([^<]+)</.exec(body)?.[1] ?? '')
    }
    assert.equal(pages.size, 4)
  })

  it('lets one person with the right password in twenty times in a row from one address', async () => {
    const { account } = await addPerson()
    for (let round = 0; round < 20; round += 1) {
      assert.equal(
        (await submit(new HttpClient(app.baseUrl), account.username, testPassword)).status,
        303,
      )
    }
  })

  it('makes guesses at one account wait, whether it exists or not', async () => {
    const { account } = await addPerson()
    for (const username of [account.username, 'nobody.guessed']) {
      for (let round = 0; round < 5; round += 1) {
        assert.equal(
          (await submit(new HttpClient(app.baseUrl), username, `guess ${round}`)).status,
          401,
        )
      }
      const waiting = await submit(new HttpClient(app.baseUrl), username, testPassword)
      assert.equal(waiting.status, 429)
      assert.ok(Number(waiting.headers['retry-after']) > 0)
    }
  })

  it('lets parallel guesses have no more tries than guesses in a row', async () => {
    const { account } = await addPerson()
    const clients = await Promise.all(
      Array.from({ length: 25 }, async () => {
        const client = new HttpClient(app.baseUrl)
        return { client, _csrf: hiddenField((await client.get('/login')).body, '_csrf') }
      }),
    )
    await Promise.all(
      clients.map(({ client, _csrf }) =>
        client.post('/login', { _csrf, username: account.username, password: 'guess' }),
      ),
    )
    assert.equal(
      (await submit(new HttpClient(app.baseUrl), account.username, testPassword)).status,
      429,
    )
  })

  it('does not tell the right one of many guesses sent at once by another answer', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    const _csrf = hiddenField((await client.get('/login')).body, '_csrf')
    const guess = (password: string) =>
      client.post('/login', { _csrf, username: account.username, password })
    // The right one is sent last: the limit is reached while it waits for its turn to be hashed.
    const passwords = [...Array.from({ length: 25 }, (_, round) => `guess ${round}`), testPassword]
    const statuses = (await Promise.all(passwords.map(guess))).map(({ status }) => status)
    assert.equal(statuses.at(-1), 429)
    const wrongOnes = statuses.slice(0, -1)
    assert.ok(wrongOnes.filter((status) => status === 429).length > 5, wrongOnes.join(' '))
    assert.ok(wrongOnes.every((status) => status === 401 || status === 429))
  })

  it("does not lock the owner out by a stranger's guesses, on a browser that signed in before", async () => {
    const { account } = await addPerson()
    const own = new HttpClient(app.baseUrl)
    assert.equal((await submit(own, account.username, testPassword)).status, 303)
    await signOut(own)
    for (let round = 0; round < 6; round += 1)
      await submit(new HttpClient(app.baseUrl), account.username, 'guess')
    assert.equal(
      (await submit(new HttpClient(app.baseUrl), account.username, testPassword)).status,
      429,
    )
    assert.equal((await submit(own, account.username, testPassword)).status, 303)
  })

  it('keeps no counter under a name that would pass for a known device', async () => {
    const { account } = await addPerson()
    const typed = `known-device|planted|${account.username}`
    await submit(new HttpClient(app.baseUrl), typed, 'guess')
    for (let round = 0; round < 5; round += 1)
      await submit(new HttpClient(app.baseUrl), account.username, 'guess')
    for (const { _id } of await ThrottleModel.find().lean()) {
      const client = new HttpClient(app.baseUrl)
      client.setCookie('known-device', `planted.${_id.split(':')[1]}`)
      assert.equal((await submit(client, account.username, testPassword)).status, 429)
    }
  })

  it('counts wrong passwords from one address too', async () => {
    const from = { 'x-forwarded-for': '203.0.113.77' }
    let last = 0
    for (let round = 0; round < 61; round += 1) {
      last = (await submit(new HttpClient(app.baseUrl), `someone${round}`, 'guess', {}, from))
        .status
    }
    assert.equal(last, 429)
    const { account } = await addPerson()
    const elsewhere = { 'x-forwarded-for': '203.0.113.78' }
    assert.equal(
      (await submit(new HttpClient(app.baseUrl), account.username, testPassword, {}, elsewhere))
        .status,
      303,
    )
  })

  it('goes on where the person was heading, and only to a place this server chose', async () => {
    const { account } = await addPerson()
    const flow = sealFlow(app.context, { resume: '/somewhere' })
    const answer = await submit(new HttpClient(app.baseUrl), account.username, testPassword, {
      flow,
    })
    assert.equal(answer.headers.location, `/somewhere?flow=${flow}`)
    const forged = await submit(new HttpClient(app.baseUrl), account.username, testPassword, {
      flow: 'https://evil.example/',
    })
    assert.equal(forged.status, 400)
    assert.match(forged.body, /LOGIN_FLOW_INVALID/)
  })

  it('refuses a form that another site made', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    await client.get('/login')
    const answer = await client.post('/login', {
      username: account.username,
      password: testPassword,
    })
    assert.equal(answer.status, 403)
    assert.match(answer.body, /CSRF_INVALID/)
  })

  it('ends after the idle lifetime, and a visit in time extends it', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    await submit(client, account.username, testPassword)
    for (let round = 0; round < 3; round += 1) {
      app.advance(1700_000)
      assert.match((await client.get('/')).body, new RegExp(account.username))
    }
    app.advance(1801_000)
    assert.doesNotMatch((await client.get('/')).body, new RegExp(account.username))
  })

  it('ends after the absolute lifetime whatever the person does', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    await submit(client, account.username, testPassword)
    for (let elapsed = 0; elapsed < 36_000; elapsed += 1500) {
      assert.match((await client.get('/')).body, new RegExp(account.username))
      app.advance(1500_000)
    }
    assert.doesNotMatch((await client.get('/')).body, new RegExp(account.username))
  })

  it('ends at once when the account is disabled', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    await submit(client, account.username, testPassword)
    await accounts().updateOne({ _id: account._id }, { $set: { state: 'disabled' } })
    const home = await client.get('/')
    assert.equal(home.status, 303)
    assert.equal(home.headers.location, '/login')
  })

  it('can be ended everywhere at once', async () => {
    const { account } = await addPerson()
    const browsers = [new HttpClient(app.baseUrl), new HttpClient(app.baseUrl)]
    for (const client of browsers) await submit(client, account.username, testPassword)
    assert.equal((await endEverywhere(app.context, account._id)).sessions, 2)
    for (const client of browsers) {
      assert.doesNotMatch((await client.get('/')).body, new RegExp(account.username))
    }
  })

  it('signs out by a form, not by a link that somebody else plants', async () => {
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    await submit(client, account.username, testPassword)
    await client.get('/logout')
    assert.match((await client.get('/')).body, new RegExp(account.username))
    assert.equal((await signOut(client)).status, 303)
    assert.doesNotMatch((await client.get('/')).body, new RegExp(account.username))
  })

  it('writes who signed in to the audit log, and never what was typed for a password or an unknown name', async () => {
    const { account } = await addPerson()
    await submit(new HttpClient(app.baseUrl), account.username, testPassword)
    await submit(new HttpClient(app.baseUrl), account.username, 'WrongSecret1')
    await submit(new HttpClient(app.baseUrl), 'TypedMyPasswordHere1', 'x')
    await app.context.audit.close()
    const mine = await AuditModel.find({ username: account.username }).sort({ at: 1 }).lean()
    assert.deepEqual(
      mine.map(({ event, result, reason }) => [event, result, reason ?? null]),
      [
        ['login', 'success', null],
        ['login', 'failure', 'wrong-password'],
      ],
    )
    assert.equal(mine[0]?.address, '127.0.0.1')
    const everything = JSON.stringify(await AuditModel.find().lean()).toLowerCase()
    for (const secret of ['wrongsecret1', 'typedmypasswordhere1', testPassword.toLowerCase()]) {
      assert.ok(!everything.includes(secret), `${secret} is in the audit log`)
    }
  })
})
