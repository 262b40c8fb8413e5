import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Request } from 'express'
import { type PasswordWay, setPassword } from '../../src/account/set-password.ts'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { passwordMethod } from '../../src/login/login-routes.ts'
import { verifyPassword } from '../../src/login/password.ts'
import type { Account } from '../../src/people/account.ts'
import { accounts, findAccount } from '../../src/people/people-store.ts'
import { issueRecoveryCode } from '../../src/people/recovery-code.ts'
import { endEverywhere } from '../../src/sso/end-everywhere.ts'
import { startSession } from '../../src/sso/sessions.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { loadSubject } from '../../src/sso/subject.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

const ways: readonly PasswordWay[] = ['change', 'recovery', 'passphrase']
const chosen = 'Vaporia-Kyklaminon-47'
const minuteMs = 60_000

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

async function signIn(username: string, password: string): Promise<HttpClient | undefined> {
  const client = new HttpClient(app.baseUrl)
  const page = await client.get('/login')
  const _csrf = hiddenField(page.body, '_csrf')
  const answer = await client.post('/login', { _csrf, username, password })
  if (answer.status === 303) return client
  assert.ok([401, 403].includes(answer.status), answer.body)
  return undefined
}

async function isSignedIn(client: HttpClient | undefined, username: string): Promise<boolean> {
  return (await client?.get('/'))?.body.includes(username) === true
}

async function read(account: Account): Promise<Account> {
  const found = await findAccount(account._id)
  assert.ok(found)
  return found
}

async function sessionIdOf(client: HttpClient, account: Account): Promise<string> {
  const key = decodeURIComponent(client.cookie('sso') ?? '')
    .slice(2)
    .split('.')[0]
  const record = await SsoSessionModel.findOne({ expressSessionId: key }).lean()
  assert.equal(record?.personId, account._id)
  return record._id
}

describe('A new password', () => {
  it('is the one that signs in from then on; the old one is refused', async () => {
    for (const way of ways) {
      const { account } = await addPerson()
      assert.equal(await setPassword(app.context, account, chosen, { way }), 'done', way)
      assert.equal(await signIn(account.username, testPassword), undefined, way)
      assert.ok(await signIn(account.username, chosen), way)
    }
  })

  it('signs every browser out, but for the one that is to stay', async () => {
    for (const way of ways) {
      const { account } = await addPerson()
      const { username } = account
      const [mine, other] = [
        await signIn(username, testPassword),
        await signIn(username, testPassword),
      ]
      assert.ok(mine && other)
      const keepSessionId = way === 'change' ? await sessionIdOf(mine, account) : undefined
      await setPassword(app.context, account, chosen, { way, keepSessionId })
      assert.equal(await isSignedIn(mine, username), way === 'change', way)
      assert.equal(await isSignedIn(other, username), false, way)
      const left = await SsoSessionModel.countDocuments({ personId: account._id })
      assert.equal(left, way === 'change' ? 1 : 0, way)
    }
  })

  it('keeps the browser that stays through the next change too, until that one ends it', async () => {
    const { account } = await addPerson()
    const mine = await signIn(account.username, testPassword)
    assert.ok(mine)
    const keepSessionId = await sessionIdOf(mine, account)
    for (const password of ['Vaporia-Kyklaminon-48', 'Vaporia-Kyklaminon-49']) {
      const options = { way: 'change', keepSessionId } as const
      assert.equal(await setPassword(app.context, await read(account), password, options), 'done')
      assert.equal(await isSignedIn(mine, account.username), true)
    }
    await setPassword(app.context, await read(account), chosen, { way: 'recovery' })
    assert.equal(await isSignedIn(mine, account.username), false)
  })

  it('signs nobody out when the person said so', async () => {
    const { account } = await addPerson()
    const browsers = [
      await signIn(account.username, testPassword),
      await signIn(account.username, testPassword),
    ]
    const options = { way: 'change', keepAllSessions: true } as const
    assert.equal(await setPassword(app.context, account, chosen, options), 'done')
    for (const client of browsers) assert.equal(await isSignedIn(client, account.username), true)
  })

  it('leaves no old session usable when nothing could be removed after it', async () => {
    const { account } = await addPerson()
    const old = await signIn(account.username, testPassword)
    const broken = { destroy: (_id: string, done: (error: Error) => void) => done(new Error('no')) }
    const context = { ...app.context, sessionStore: broken as never }
    assert.equal(await setPassword(context, account, chosen, { way: 'recovery' }), 'done')
    assert.equal(await SsoSessionModel.countDocuments({ personId: account._id }), 1)
    assert.equal(await isSignedIn(old, account.username), false)
  })

  it('ends a sign-in that was checked against the old password and finishes after it', async () => {
    const { account } = await addPerson()
    // What the check read before the change is what the session is begun with.
    await setPassword(app.context, account, chosen, { way: 'recovery' })
    const request = { session: {}, sessionID: 'late', get: () => undefined } as never as Request
    Object.assign(request.session, { regenerate: (done: () => void) => done() })
    const session = await startSession(app.context, request, account, passwordMethod)
    assert.equal(await loadSubject(app.context, request, session), undefined)
    const now = await read(account)
    const good = await startSession(app.context, request, now, passwordMethod)
    assert.notEqual(good.id, session.id)
    assert.ok(await loadSubject(app.context, request, good))
  })

  it('forgets the browsers where the account signed in before', async () => {
    const { account } = await addPerson()
    const known = await signIn(account.username, testPassword)
    const cookie = known?.cookie('known-device')
    assert.ok(cookie)
    const isKnown = async () => {
      const device = new HttpClient(app.baseUrl)
      device.setCookie('known-device', cookie)
      const page = await device.get('/login')
      const _csrf = hiddenField(page.body, '_csrf')
      const wrong = { _csrf, username: account.username, password: 'wrong' }
      const before = await ThrottleModel.countDocuments({ _id: /^device:/ })
      await device.post('/login', wrong)
      return (await ThrottleModel.countDocuments({ _id: /^device:/ })) > before
    }
    assert.equal(await isKnown(), true)
    await setPassword(app.context, account, chosen, { way: 'recovery' })
    await ThrottleModel.deleteMany({})
    assert.equal(await isKnown(), false)
    await ThrottleModel.deleteMany({})
    const renewed = await signIn(account.username, chosen)
    assert.notEqual(renewed?.cookie('known-device'), cookie)
  })

  it('uses up the passphrase of the helpdesk', async () => {
    const { account } = await addPerson()
    await issueRecoveryCode(app.context, account._id, { days: 1 })
    await setPassword(app.context, account, chosen, { way: 'change' })
    assert.equal((await read(account)).recoveryCode, undefined)
  })

  it('is written down with its way and reference, without the password', async () => {
    const { account } = await addPerson()
    const origin = { address: '192.0.2.7', userAgent: 'Synthetic/1' }
    const options = { way: 'recovery', reference: 'K7F-2QX', origin } as const
    const events: AuditEvent[] = []
    const audit = { record: (event: AuditEvent) => events.push(event), close: async () => {} }
    await setPassword({ ...app.context, audit }, account, chosen, options)
    const { _id: personId, username } = account
    assert.deepEqual(events, [
      {
        event: 'password.set',
        result: 'success',
        personId,
        username,
        ...origin,
        details: { way: 'recovery', reference: 'K7F-2QX', sessions: 0, grants: 0 },
      },
    ])
  })
})

describe('Passwords of before', () => {
  it('do not come back while they are among the last five; the sixth does', async () => {
    const { account } = await addPerson()
    const used = [testPassword]
    for (let round = 1; round <= 5; round++) {
      await ThrottleModel.deleteMany({})
      for (const old of used) {
        const outcome = await setPassword(app.context, await read(account), old, { way: 'change' })
        assert.equal(outcome, 'used-before', `${old} in round ${round}`)
      }
      const next = `Vaporia-Kyklaminon-${round}`
      const outcome = await setPassword(app.context, await read(account), next, { way: 'recovery' })
      assert.equal(outcome, 'done')
      used.push(next)
    }
    assert.equal((await read(account)).previousPasswords?.length, 4)
    // Five came after the first: it is the sixth now.
    const again = await setPassword(app.context, await read(account), testPassword, {
      way: 'change',
    })
    assert.equal(again, 'done')
    assert.ok(await signIn(account.username, testPassword))
  })

  it('are known again however the keyboard composed them', async () => {
    const { account } = await addPerson()
    const decomposed = testPassword.normalize('NFD')
    assert.notEqual(decomposed, testPassword)
    const outcome = await setPassword(app.context, account, decomposed, { way: 'change' })
    assert.equal(outcome, 'used-before')
  })

  it('refused, change nothing', async () => {
    const { account } = await addPerson()
    const client = await signIn(account.username, testPassword)
    const before = await read(account)
    await setPassword(app.context, account, testPassword, { way: 'recovery' })
    assert.deepEqual(await read(account), before)
    assert.equal(await isSignedIn(client, account.username), true)
  })
})

describe('New passwords at the same time', () => {
  it('are won by one, whatever the ways; the account has exactly its password', async (t) => {
    const seed = randomInt(1_000_000)
    t.diagnostic(`seed ${seed}`)
    for (let round = 0; round < 4; round++) {
      const { account } = await addPerson()
      const passwords = ways.map((way, index) => `Vaporia-${seed + round}-${way}-${index}`)
      const order = ways.map((_, index) => (index + seed + round) % ways.length)
      const outcomes = await Promise.all(
        order.map((index) =>
          setPassword(app.context, account, passwords[index] as string, {
            way: ways[index] as PasswordWay,
          }),
        ),
      )
      assert.equal(outcomes.filter((outcome) => outcome === 'done').length, 1, outcomes.join())
      assert.equal(outcomes.filter((outcome) => outcome === 'changed-meanwhile').length, 2)
      const winner = passwords[order[outcomes.indexOf('done')] as number] as string
      const stored = await read(account)
      assert.equal((await verifyPassword(winner, stored.passwordHash)).ok, true)
      assert.equal(stored.previousPasswords?.length, 1)
      assert.equal(stored.sessionGeneration, 1)
    }
  })

  it('do not bring back a sign-in that was ended after its request came', async () => {
    for (const keepAllSessions of [false, true]) {
      const { account } = await addPerson()
      const thief = await signIn(account.username, testPassword)
      assert.ok(thief)
      const keepSessionId = await sessionIdOf(thief, account)
      const seen = await read(account)
      await endEverywhere(app.context, account._id)
      const options = { way: 'change', keepSessionId, keepAllSessions } as const
      assert.equal(await setPassword(app.context, seen, chosen, options), 'not-allowed')
      assert.equal(await isSignedIn(thief, account.username), false)
      assert.ok(await signIn(account.username, testPassword))
    }
  })

  it('need the contact that proved the person: one that was taken back meanwhile is worth nothing', async () => {
    const contact = { mobile: '+306900000001', mobileConsentAt: new Date() }
    const { account } = await addPerson({ account: contact })
    const set = () =>
      setPassword(app.context, account, chosen, {
        way: 'recovery',
        contact: { kind: 'mobile', value: contact.mobile },
      })
    await accounts().updateOne({ _id: account._id }, { $set: { mobile: '+306900000002' } })
    assert.equal(await set(), 'not-allowed')
    await accounts().updateOne(
      { _id: account._id },
      { $set: { mobile: contact.mobile }, $unset: { mobileConsentAt: '' } },
    )
    assert.equal(await set(), 'not-allowed')
    await accounts().updateOne({ _id: account._id }, { $set: contact })
    assert.equal(await set(), 'done')
  })

  it('are not tried without end: each is held against the last five', async () => {
    const { account } = await addPerson()
    const again = () => setPassword(app.context, account, testPassword, { way: 'change' })
    for (let tries = 0; tries < 20; tries++) assert.equal(await again(), 'used-before')
    await assert.rejects(again, { code: 'ACCOUNT_THROTTLED', status: 429 })
    app.advance(60 * minuteMs)
    assert.equal(await again(), 'used-before')
  })

  it('of somebody who looked before another change are refused', async () => {
    const { account } = await addPerson()
    await setPassword(app.context, account, chosen, { way: 'change' })
    const late = await setPassword(app.context, account, 'Vaporia-48', { way: 'recovery' })
    assert.equal(late, 'changed-meanwhile')
    assert.ok(await signIn(account.username, chosen))
  })

  it('need the very passphrase that proved the person, still good', async () => {
    const { account } = await addPerson()
    await issueRecoveryCode(app.context, account._id, { days: 1 })
    const first = (await read(account)).recoveryCode?.hmac
    await issueRecoveryCode(app.context, account._id, { days: 1 })
    const seen = await read(account)
    const second = seen.recoveryCode?.hmac
    const set = (recoveryCodeHmac: string | undefined) =>
      setPassword(app.context, seen, chosen, { way: 'passphrase', recoveryCodeHmac })
    assert.equal(await set(first), 'changed-meanwhile')
    assert.equal(await set(second), 'done')
    assert.equal(await set(second), 'changed-meanwhile')
  })
})

describe('An account that is stopped', () => {
  it('is released from its lock by a recovery or a passphrase, not by a change', async () => {
    for (const way of ways) {
      const { account } = await addPerson({ account: { state: 'locked', stateReason: 'stolen' } })
      const outcome = await setPassword(app.context, account, chosen, { way })
      assert.equal(outcome, way === 'change' ? 'not-allowed' : 'done', way)
      const { state, stateReason } = await read(account)
      const expected = way === 'change' ? ['locked', 'stolen'] : ['active', undefined]
      assert.deepEqual([state, stateReason], expected, way)
      const works = (await signIn(account.username, chosen)) !== undefined
      assert.equal(works, way !== 'change', way)
    }
  })

  it('gets no password when it is disabled, expired or not active yet', async () => {
    const past = new Date(app.context.now().getTime() - minuteMs)
    const stopped: Partial<Account>[] = [
      { state: 'disabled' },
      { expiresAt: past },
      { state: 'locked', expiresAt: past },
      { state: 'pending', passwordHash: undefined },
    ]
    for (const change of stopped) {
      const { account } = await addPerson({ account: change })
      for (const way of ways) {
        const outcome = await setPassword(app.context, await read(account), chosen, { way })
        assert.equal(outcome, 'not-allowed', `${way} ${JSON.stringify(change)}`)
      }
      assert.equal((await read(account)).sessionGeneration, undefined)
    }
  })

  it('gets none either when it was stopped after the person was let in', async () => {
    const { account } = await addPerson()
    await accounts().updateOne({ _id: account._id }, { $set: { state: 'disabled' } })
    const outcome = await setPassword(app.context, account, chosen, { way: 'recovery' })
    assert.equal(outcome, 'not-allowed')
    const locked = await addPerson()
    await accounts().updateOne({ _id: locked.account._id }, { $set: { state: 'locked' } })
    const change = await setPassword(app.context, locked.account, chosen, { way: 'change' })
    assert.equal(change, 'not-allowed')
  })
})
