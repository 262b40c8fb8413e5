import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { findAccountByUsername, findPerson } from '../../src/people/people-store.ts'
import { ActivationWalk, chosenPassword } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type DoomedServers, type Moment, openDoomedServers } from '../support/doomed-server.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'

/**
 * A server of its own process whose store lies behind a proxy: at each write of the last step in
 * turn the process is killed, once before the write reaches the store and once after it.
 */
describe('An activation whose server is killed while it finishes', () => {
  let app: TestApp
  let servers: DoomedServers
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
    servers = await openDoomedServers(app)
  })
  after(async () => {
    await servers.close()
    await app.close()
  })

  /**
   * Lets a student come to the password page of a server that dies at the `index`-th write after
   * the password was sent.
   *
   * @returns that write, or undefined when the activation was through before
   */
  async function dieAt(index: number, moment: Moment) {
    await ThrottleModel.deleteMany({})
    const row = studentRow({ amka: '' })
    const amka = syntheticAmka(row.birthDate as string)
    await importRows(app, row)
    const server = await servers.start()
    const walk = new ActivationWalk({ ...app, baseUrl: server.baseUrl })
    await walk.toReview({ mobile: row.mobile ?? '' })
    await walk.submit('/register/number', { amka })
    await walk.agree({ consentMobile: 'yes', consentEmail: 'yes' })
    const _csrf = hiddenField((await walk.open('/register/password')).body, '_csrf')
    const typed = { password: chosenPassword, passwordRepeat: chosenPassword, terms: 'yes' }
    const fatal = await server.dieAt(index, moment, async () => {
      const answer = await walk.client.post('/register/password', { _csrf, ...typed })
      assert.equal(answer.headers.location, '/register/done')
    })
    walk.client.close()
    return { row, amka, fatal }
  }

  async function signsIn(username: string): Promise<boolean> {
    const client = new HttpClient(app.baseUrl)
    const page = await client.get('/login')
    const _csrf = hiddenField(page.body, '_csrf')
    const answer = await client.post('/login', { _csrf, username, password: chosenPassword })
    client.close()
    return answer.status === 303
  }

  for (const moment of ['before', 'after'] as const) {
    it(`leaves the account pending or complete, killed ${moment} each write in turn`, async () => {
      const states: string[] = []
      for (let index = 1; ; index++) {
        assert.ok(index < 30, 'the activation never came to its end')
        const { row, amka, fatal } = await dieAt(index, moment)
        const username = row.username as string
        const where = `${moment} write ${index} (${fatal?.name} ${fatal?.collection})`
        const account = await findAccountByUsername(username)
        assert.ok(account)
        states.push(account.state)
        if (account.state === 'pending') {
          assert.equal(account.passwordHash, undefined, where)
          assert.equal(account.activatedAt, undefined, where)
          assert.equal(account.mobile, undefined, where)
          assert.equal(await signsIn(username), false, where)
          const walk = new ActivationWalk(app)
          await ThrottleModel.deleteMany({})
          const next = await walk.toReview({ mobile: row.mobile ?? '' })
          if (/name="amka"/.test(next.body)) await walk.submit('/register/number', { amka })
          await walk.agree()
          assert.match((await walk.password()).body, /Καλωσήλθατε/, where)
        } else {
          assert.equal(account.state, 'active', where)
          assert.ok(account.activatedAt && account.acceptedTerms && account.activation, where)
          assert.deepEqual(account.activatedRoles, ['student'], where)
          assert.deepEqual([account.mobile, account.email], [row.mobile, row.email], where)
          assert.equal((await findPerson(account._id))?.nationalNumbers.length, 1, where)
        }
        assert.equal(await signsIn(username), true, where)
        if (!fatal) break
      }
      // Once through, never back: and both sides of the one write that counts were tried.
      assert.equal(states.at(-1), 'active')
      assert.ok(states.includes('pending'))
      assert.equal(states.lastIndexOf('pending') < states.indexOf('active'), true, states.join())
    })
  }
})
