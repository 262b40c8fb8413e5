import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { findAccount, people } from '../../src/people/people-store.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type DoomedServers, type Moment, openDoomedServers } from '../support/doomed-server.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'

const chosen = 'Vaporia-Kyklaminon-47'

/**
 * A server of its own process whose store lies behind a proxy: at each write that a change of the
 * password makes in turn the process is killed, once before the write reaches the store and once
 * after it. Another server on the same store then says what counts.
 */
describe('A change of the password whose server is killed', () => {
  let app: TestApp
  let servers: DoomedServers
  before(async () => {
    app = await startTestApp()
    servers = await openDoomedServers(app)
  })
  after(async () => {
    await servers.close()
    await app.close()
  })

  async function signIn(baseUrl: string, username: string, password: string) {
    await ThrottleModel.deleteMany({})
    const client = new HttpClient(baseUrl)
    const _csrf = hiddenField((await client.get('/login')).body, '_csrf')
    const answer = await client.post('/login', { _csrf, username, password })
    return { client, isIn: answer.status === 303 }
  }

  /** @returns the write at which the server died, or undefined when the change was through before */
  async function dieAt(index: number, moment: Moment) {
    const { account } = await addPerson()
    // The helper's synthetic number is not sealed with a key of this installation.
    await people().updateOne({ _id: account._id }, { $unset: { nationalNumbers: '' } } as never)
    const other = await signIn(app.baseUrl, account.username, testPassword)
    const server = await servers.start()
    const { client } = await signIn(server.baseUrl, account.username, testPassword)
    const _csrf = hiddenField((await client.get('/account/password')).body, '_csrf')
    const fields = { currentPassword: testPassword, password: chosen, passwordRepeat: chosen }
    const fatal = await server.dieAt(index, moment, async () => {
      const answer = await client.post('/account/password', { _csrf, ...fields })
      assert.equal(answer.status, 303, answer.body)
    })
    client.close()
    return { account, other: other.client, fatal }
  }

  for (const moment of ['before', 'after'] as const) {
    it(`leaves one password that works and no sign-in of before it, killed ${moment} each write`, async () => {
      const changed: boolean[] = []
      for (let index = 1; ; index++) {
        assert.ok(index < 20, 'the change never came to its end')
        const { account, other, fatal } = await dieAt(index, moment)
        const where = `${moment} write ${index} (${fatal?.name} ${fatal?.collection})`
        const isChanged = (await findAccount(account._id))?.passwordHash !== account.passwordHash
        changed.push(isChanged)
        const oldWorks = (await signIn(app.baseUrl, account.username, testPassword)).isIn
        const newWorks = (await signIn(app.baseUrl, account.username, chosen)).isIn
        assert.deepEqual([oldWorks, newWorks], [!isChanged, isChanged], where)
        const isOtherIn = (await other.get('/')).body.includes(account.username)
        assert.equal(isOtherIn, !isChanged, where)
        if (!fatal) break
      }
      // Once through, never back: and both sides of the one write that counts were tried.
      assert.equal(changed.at(-1), true)
      assert.equal(changed[0], false)
      assert.ok(changed.lastIndexOf(false) < changed.indexOf(true), changed.join())
    })
  }
})
