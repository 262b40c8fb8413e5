import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { registeredKeys } from '../../src/academicid/registered-key-model.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { accounts, findAccountByUsername, people } from '../../src/people/people-store.ts'
import { ActivationWalk, chosenPassword } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type DoomedServers, type Moment, openDoomedServers } from '../support/doomed-server.ts'
import { hiddenField } from '../support/http-client.ts'
import { importRows, studentRow } from '../support/registrant.ts'

const minute = 60_000

/**
 * A server of its own process whose store lies behind a proxy: it is killed at each write from the
 * one that activates the account until the AcademicID is settled, before and after it.
 */
describe('An AcademicID whose server is killed between activation and allocation', () => {
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

  /** @returns the write at which the server died, and the person's username */
  async function dieAt(index: number, moment: Moment) {
    await ThrottleModel.deleteMany({})
    const row = studentRow()
    const username = row.username as string
    await importRows(app, row)
    const server = await servers.start()
    const walk = new ActivationWalk({ baseUrl: server.baseUrl })
    await walk.toReview({ mobile: row.mobile ?? '' })
    await walk.agree()
    const _csrf = hiddenField((await walk.open('/register/password')).body, '_csrf')
    const typed = { password: chosenPassword, passwordRepeat: chosenPassword, terms: 'yes' }
    const fatal = await server.dieAt(index, moment, async () => {
      await walk.client.post('/register/password', { _csrf, ...typed })
      // The page does not wait for the id; this test does, until it is there or the server is gone.
      while ((await findAccountByUsername(username))?.academicIdAt === undefined) {
        await walk.client.get('/health/live')
      }
    })
    walk.client.close()
    return { username, fatal }
  }

  for (const moment of ['before', 'after'] as const) {
    it(`is there in the end and only once, killed ${moment} each write in turn`, async () => {
      const seen = new Set<string>()
      const wanted = ['findAndModify academicIds', 'update people', 'update accounts']
      const missing = () => wanted.filter((write) => !seen.has(write))
      let sweeps = 1
      for (let index = 1; ; index++) {
        assert.ok(index < 40, 'the AcademicID never came')
        const { username, fatal } = await dieAt(index, moment)
        const where = `${moment} write ${index} (${fatal?.name} ${fatal?.collection})`
        const account = await findAccountByUsername(username)
        assert.ok(account)
        if (account.state === 'pending') {
          assert.equal(account.academicIdDue, undefined, where)
        } else {
          seen.add(`${fatal?.name} ${fatal?.collection}`)
          // What the dead server held falls due again; this server takes it up.
          app.advance(2 * minute)
          app.context.academicIds.wake()
          await app.runtime.academicIds.settled()
          const settled = await accounts().findOne({ _id: account._id })
          assert.ok(settled?.academicIdAt, where)
          assert.equal(settled.academicIdDue, undefined, where)
          const person = await people().findOne({ _id: account._id })
          assert.match(person?.academicId ?? '', /^[0-9a-f]{32}$/, where)
          const keys = await registeredKeys()
            .find({ _id: { $in: [...(person?.academicIdKeys ?? [])] } })
            .toArray()
          assert.equal(keys.length, 1, where)
          assert.equal(keys[0]?.academicId, person?.academicId, where)
        }
        if (fatal) continue
        // Writes of other parts come in between, each time elsewhere: one may have been passed over.
        if (missing().length === 0 || sweeps++ === 4) break
        index = Math.max(0, index - 8)
      }
      // No id was made and then lost: every id of the registry is somebody's.
      const ids = await people().countDocuments({ academicId: { $exists: true } })
      assert.equal(await registeredKeys().countDocuments({}), ids)
      assert.deepEqual(missing(), [], `killed at ${[...seen].join()}`)
    })
  }
})
