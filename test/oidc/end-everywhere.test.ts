import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { setPassword } from '../../src/account/set-password.ts'
import { ArtifactModel } from '../../src/oidc/oidc-model.ts'
import type { Account } from '../../src/people/account.ts'
import { findAccount } from '../../src/people/people-store.ts'
import { endEverywhere } from '../../src/sso/end-everywhere.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { Browser } from './browser.ts'
import { addClient, defaultScope, TestService } from './relying-party-support.ts'

const chosen = 'Vaporia-Kyklaminon-47'
const offline = { scope: `${defaultScope} offline_access`, prompt: 'consent' }

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

/** A service that the account signed in to, on a browser of its own unless one is given. */
async function visit(account: Account, parameters = {}, browser = new Browser(app.baseUrl)) {
  const { clientId, clientSecret } = await addClient()
  const authentication = client.ClientSecretBasic(clientSecret)
  const service = await TestService.discover(app.baseUrl, clientId, authentication)
  const page = await browser.open(await service.authorizationUrl(parameters))
  const isAsked = page.location === undefined
  const answer = isAsked ? await browser.signIn(page, account.username, testPassword) : page
  const tokens = await service.redeem(answer)
  return { service, browser, tokens, clientId }
}

type Visit = Awaited<ReturnType<typeof visit>>

/** What a service can still do with what it got: userinfo, introspection, a refresh. */
async function alive({ service, tokens }: Visit) {
  const userInfo = await fetch(`${app.baseUrl}/oidc/userinfo`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  })
  const seen = await client.tokenIntrospection(service.configuration, tokens.refresh_token ?? '')
  const refreshed = await client
    .refreshTokenGrant(service.configuration, tokens.refresh_token ?? '')
    .then(
      () => true,
      (error) => {
        assert.equal(error.error, 'invalid_grant')
        return false
      },
    )
  return { userInfo: userInfo.status === 200, introspection: seen.active, refresh: refreshed }
}

const everything = { userInfo: true, introspection: true, refresh: true }
const nothing = { userInfo: false, introspection: false, refresh: false }

async function read(account: Account): Promise<Account> {
  const found = await findAccount(account._id)
  assert.ok(found)
  return found
}

/** A process that dies right after the password was written removes nothing. */
const dying = () => ({
  ...app.context,
  sessionStore: {
    destroy: (_id: string, done: (error: Error) => void) => done(new Error('process is gone')),
  } as never,
})

for (const [name, contextOf] of [
  ['', () => app.context],
  [', also when the process dies before it removed anything', dying],
] as const) {
  describe(`What services got before a new password${name}`, () => {
    it('is worth nothing after it: access tokens, refresh tokens, offline ones', async () => {
      const { account } = await addPerson()
      const visits = [await visit(account), await visit(account, offline)]
      const outcome = await setPassword(contextOf(), account, chosen, { way: 'recovery' })
      assert.equal(outcome, 'done')
      for (const one of visits) assert.deepEqual(await alive(one), nothing)
    })

    it('stays worth what it was in the browser that stays signed in', async () => {
      const { account } = await addPerson()
      const mine = await visit(account)
      const record = await SsoSessionModel.findOne({ personId: account._id }).lean()
      const kept = [mine, await visit(account, offline, mine.browser)]
      const others = [await visit(account), await visit(account, offline)]
      const options = { way: 'change', keepSessionId: record?._id } as const
      assert.equal(await setPassword(contextOf(), account, chosen, options), 'done')
      for (const one of kept) assert.deepEqual(await alive(one), everything)
      for (const one of others) assert.deepEqual(await alive(one), nothing)
      // New ones there count as well, and end with the next password.
      const next = await visit(account, offline, mine.browser)
      await setPassword(contextOf(), await read(account), 'Vaporia-48', { way: 'recovery' })
      assert.deepEqual(await alive(next), nothing)
    })

    it('includes a code that was not redeemed yet', async () => {
      const { account } = await addPerson()
      const { service, browser } = await visit(account)
      const page = await browser.open(await service.authorizationUrl())
      await setPassword(contextOf(), account, chosen, { way: 'recovery' })
      await assert.rejects(service.redeem(page), { error: 'invalid_grant' })
    })

    it('leaves the browser asked for the new password', async () => {
      const { account } = await addPerson()
      const { service, browser } = await visit(account)
      await setPassword(contextOf(), account, chosen, { way: 'recovery' })
      const silent = await browser.open(await service.authorizationUrl({ prompt: 'none' }))
      assert.match(silent.location ?? '', /error=login_required/)
      const page = await browser.open(await service.authorizationUrl())
      assert.equal(page.location, undefined)
      assert.match(page.body, /name="password"/)
      assert.ok(await service.redeem(await browser.signIn(page, account.username, chosen)))
    })
  })
}

describe('Ending a person’s sign-ins everywhere', () => {
  it('removes their codes, tokens and sessions, and nobody else’s', async () => {
    const [{ account }, other] = [await addPerson(), await addPerson()]
    await visit(account, offline)
    await visit(account)
    const neighbour = await visit(other.account, offline)
    const before = await ArtifactModel.countDocuments({ kind: 'RefreshToken' })
    const ended = await endEverywhere(app.context, account._id)
    assert.deepEqual(ended, { sessions: 2, grants: 2 })
    assert.equal(await ArtifactModel.countDocuments({ kind: 'RefreshToken' }), before - 2)
    assert.deepEqual(await alive(neighbour), everything)
    assert.deepEqual(await endEverywhere(app.context, account._id), { sessions: 0, grants: 0 })
  })

  it('and signing in again afterwards gives a service tokens that work', async () => {
    const { account } = await addPerson()
    const { browser } = await visit(account, offline)
    await endEverywhere(app.context, account._id)
    const again = await visit(account, offline, browser)
    assert.deepEqual(await alive(again), everything)
  })
})
