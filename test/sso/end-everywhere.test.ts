import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setPassword } from '../../src/account/set-password.ts'
import { accountCommand } from '../../src/cli/account.ts'
import { accounts, findAccount } from '../../src/people/people-store.ts'
import { endEverywhere } from '../../src/sso/end-everywhere.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { redirectQuery } from '../saml/saml-support.ts'
import { newPerson, postedForm, registerService, signIn } from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { testPassword } from '../support/people.ts'

const service = { entityId: 'https://service.example.gr', acsUrl: 'https://service.example.gr/acs' }
const chosen = 'Vaporia-Kyklaminon-47'

let app: TestApp
before(async () => {
  app = await startTestApp()
  await registerService(service)
})
after(() => app.close())

let requests = 0
function ssoPath(): string {
  const xml = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r${++requests}" Version="2.0" IssueInstant="${app.context.now().toISOString()}" Destination="${app.baseUrl}/saml/sso"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${service.entityId}</saml:Issuer></samlp:AuthnRequest>`
  return `/saml/sso?${redirectQuery(xml)}`
}

/** Two browsers of one person, both signed in to a SAML service, and the session ids. */
async function twoBrowsers() {
  const { client: mine, account } = await newPerson(app)
  const other = new HttpClient(app.baseUrl)
  const ids: string[] = []
  for (const client of [mine, other]) {
    postedForm(await signIn(client, await client.get(ssoPath()), account.username))
    const found = await SsoSessionModel.find({ personId: account._id, _id: { $nin: ids } }).lean()
    ids.push(found[0]?._id as string)
  }
  return { account, mine, other, mineId: ids[0] as string, otherId: ids[1] as string }
}

/** Whether the service gets an assertion without the person being asked. */
async function isSignedIn(client: HttpClient): Promise<boolean> {
  const answer = await client.get(ssoPath())
  if (answer.status === 200) return postedForm(answer).SAMLResponse !== ''
  assert.match(String(answer.headers.location), /\/login\?flow=/)
  return false
}

/** A process that dies before it removes anything. */
function dying() {
  const destroy = (_id: string, done: (error: Error) => void) => done(new Error('process is gone'))
  return { ...app.context, sessionStore: { destroy } as never }
}

describe('SAML services after a sign-in was ended', () => {
  it('get nothing for it when the password was set anew, even if the process died at once', async () => {
    for (const context of [app.context, dying()]) {
      const { account, mine, other, mineId } = await twoBrowsers()
      const options = { way: 'change', keepSessionId: mineId } as const
      assert.equal(await setPassword(context, account, chosen, options), 'done')
      assert.deepEqual([await isSignedIn(mine), await isSignedIn(other)], [true, false])
      const changed = await findAccount(account._id)
      assert.ok(changed)
      await setPassword(context, changed, 'Vaporia-48', { way: 'recovery' })
      assert.equal(await isSignedIn(mine), false)
    }
  })

  it('get nothing for it when everything was ended but one browser, even if the process died', async () => {
    const { account, mine, other, mineId } = await twoBrowsers()
    const options = { exceptSessionId: mineId }
    await assert.rejects(endEverywhere(dying(), account._id, options), /process is gone/)
    assert.deepEqual([await isSignedIn(mine), await isSignedIn(other)], [true, false])
    // The other too: its services were not told yet.
    assert.deepEqual(await endEverywhere(app.context, account._id), { sessions: 2, grants: 0 })
    assert.equal(await isSignedIn(mine), false)
  })

  it('get nothing for it after a lock that was taken back', async () => {
    for (const [stop, release] of [
      ['disable', 'enable'],
      ['lock', 'unlock'],
    ] as const) {
      const { account, mine } = await twoBrowsers()
      assert.equal(await propylaia(dying(), stop, account.username).catch(() => 1), 1)
      assert.equal(await propylaia(app.context, release, account.username), 0)
      assert.equal((await findAccount(account._id))?.state, 'active')
      assert.equal(await isSignedIn(mine), false)
    }
  })

  it('get one for the next sign-in on the same browser, in a session with another id', async () => {
    const { account, other, mineId, otherId } = await twoBrowsers()
    await assert.rejects(endEverywhere(dying(), account._id, { exceptSessionId: mineId }))
    const page = await other.get('/login')
    const _csrf = hiddenField(page.body, '_csrf')
    await other.post('/login', { _csrf, username: account.username, password: testPassword })
    assert.equal(await isSignedIn(other), true)
    const now = await SsoSessionModel.find({ personId: account._id, generation: 1 }).lean()
    assert.equal(now.length, 1)
    assert.notEqual(now[0]?._id, otherId)
  })
})

describe('Two browsers that end each other', () => {
  it('at the same time: exactly one stays', async () => {
    for (let round = 0; round < 3; round++) {
      const { account, mine, other, mineId, otherId } = await twoBrowsers()
      await Promise.all(
        [mineId, otherId].map((exceptSessionId) =>
          endEverywhere(app.context, account._id, { exceptSessionId }),
        ),
      )
      const left = [await isSignedIn(mine), await isSignedIn(other)]
      assert.equal(left.filter(Boolean).length, 1, left.join())
    }
  })

  it('do not bring back one that a new password has ended', async () => {
    const { account, mine, other, mineId, otherId } = await twoBrowsers()
    // What a stranger's request was about to do when the owner changed the password.
    await setPassword(dying(), account, chosen, { way: 'change', keepSessionId: mineId })
    const ended = await endEverywhere(app.context, account._id, { exceptSessionId: otherId })
    assert.deepEqual(ended, { sessions: 0, grants: 0 })
    assert.deepEqual([await isSignedIn(mine), await isSignedIn(other)], [true, false])
  })
})

describe('A sign-in from before sign-ins were counted', () => {
  it('still counts, until they are ended', async () => {
    const { account, mine } = await twoBrowsers()
    assert.equal((await findAccount(account._id))?.sessionGeneration, undefined)
    await accounts().updateOne({ _id: account._id }, { $set: { sessionGeneration: 0 } })
    assert.equal(await isSignedIn(mine), true)
    await endEverywhere(app.context, account._id)
    assert.equal(await isSignedIn(mine), false)
  })
})

/** `account COMMAND USERNAME`, silently. */
async function propylaia(context: TestApp['context'], command: string, username: string) {
  const { write } = process.stdout
  process.stdout.write = (() => true) as typeof write
  try {
    return await accountCommand(context, [command, username])
  } finally {
    process.stdout.write = write
  }
}
