import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../../bin/node-flags.js'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { findAccountByUsername, findPerson } from '../../src/people/people-store.ts'
import { ActivationWalk, chosenPassword } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { freePortRange } from '../support/free-ports.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'
import { type StoreProxy, startStoreProxy, type WriteCommand } from '../support/store-proxy.ts'

const main = fileURLToPath(new URL('../../src/cli/cli.ts', import.meta.url))

/**
 * A server of its own process whose store lies behind a proxy: at each write of the last step in
 * turn the process is killed, once before the write reaches the store and once after it.
 */
describe('An activation whose server is killed while it finishes', () => {
  let app: TestApp
  let proxy: StoreProxy
  let folder: string
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
    proxy = await startStoreProxy(app.runtime.store.uri)
    folder = mkdtempSync(join(tmpdir(), 'propylaia-crash-'))
  })
  after(async () => {
    await proxy.close()
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function startServer() {
    const port = await freePortRange(1)
    const baseUrl = `http://127.0.0.1:${port}`
    const child = spawn(process.execPath, [...nodeFlags, main, 'serve'], {
      env: {
        PATH: process.env.PATH ?? '',
        HOST: '127.0.0.1',
        PORT: String(port),
        BASE_URL: baseUrl,
        DEMO: 'false',
        DEV_PAGES: 'true',
        LOG_LEVEL: 'fatal',
        MONGODB_URI: proxy.uri,
        CERTS_DIR: app.context.config.certsDir,
        METADATA_DIR: app.context.config.metadataDir,
        DATA_DIR: join(folder, 'data'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    let output = ''
    for await (const chunk of child.stdout) {
      output += chunk
      if (output.includes('Ready in')) break
    }
    return { child, exited, baseUrl }
  }

  /**
   * Lets a student come to the password page of a server that dies at the `index`-th write after
   * the password was sent.
   *
   * @returns that write, or undefined when the activation was through before
   */
  async function dieAt(index: number, moment: 'before' | 'after') {
    await ThrottleModel.deleteMany({})
    const row = studentRow({ amka: '' })
    const amka = syntheticAmka(row.birthDate as string)
    await importRows(app, row)
    const server = await startServer()
    const walk = new ActivationWalk({ ...app, baseUrl: server.baseUrl })
    await walk.toReview({ mobile: row.mobile ?? '' })
    await walk.submit('/register/number', { amka })
    await walk.agree({ consentMobile: 'yes', consentEmail: 'yes' })
    const _csrf = hiddenField((await walk.open('/register/password')).body, '_csrf')

    let seen = 0
    let fatal: WriteCommand | undefined
    const look = (command: WriteCommand): boolean => {
      if (fatal) return false
      seen += 1
      if (seen < index) return true
      fatal = command
      server.child.kill('SIGKILL')
      return false
    }
    if (moment === 'before') proxy.beforeWrite = look
    else proxy.afterWrite = look
    const answer = await walk.client
      .post('/register/password', {
        _csrf,
        password: chosenPassword,
        passwordRepeat: chosenPassword,
        terms: 'yes',
      })
      .catch(() => undefined)
    proxy.beforeWrite = () => true
    proxy.afterWrite = () => true
    walk.client.close()
    if (!fatal) {
      assert.equal(answer?.headers.location, '/register/done')
      server.child.kill('SIGKILL')
    }
    await server.exited
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
