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
import { findAccount, people } from '../../src/people/people-store.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { freePortRange } from '../support/free-ports.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { type StoreProxy, startStoreProxy, type WriteCommand } from '../support/store-proxy.ts'

const main = fileURLToPath(new URL('../../src/cli/cli.ts', import.meta.url))
const chosen = 'Vaporia-Kyklaminon-47'

/**
 * A server of its own process whose store lies behind a proxy: at each write that a change of the
 * password makes in turn the process is killed, once before the write reaches the store and once
 * after it. Another server on the same store then says what counts.
 */
describe('A change of the password whose server is killed', () => {
  let app: TestApp
  let proxy: StoreProxy
  let folder: string
  before(async () => {
    app = await startTestApp()
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

  async function signIn(baseUrl: string, username: string, password: string) {
    await ThrottleModel.deleteMany({})
    const client = new HttpClient(baseUrl)
    const _csrf = hiddenField((await client.get('/login')).body, '_csrf')
    const answer = await client.post('/login', { _csrf, username, password })
    return { client, isIn: answer.status === 303 }
  }

  /** @returns the write at which the server died, or undefined when the change was through before */
  async function dieAt(index: number, moment: 'before' | 'after') {
    const { account } = await addPerson()
    // The helper's synthetic number is not sealed with a key of this installation.
    await people().updateOne({ _id: account._id }, { $unset: { nationalNumbers: '' } } as never)
    const other = await signIn(app.baseUrl, account.username, testPassword)
    const server = await startServer()
    const { client } = await signIn(server.baseUrl, account.username, testPassword)
    const _csrf = hiddenField((await client.get('/account/password')).body, '_csrf')

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
    const fields = { currentPassword: testPassword, password: chosen, passwordRepeat: chosen }
    const answer = await client.post('/account/password', { _csrf, ...fields }).catch(() => null)
    proxy.beforeWrite = () => true
    proxy.afterWrite = () => true
    client.close()
    if (!fatal) {
      assert.equal(answer?.status, 303, answer?.body)
      server.child.kill('SIGKILL')
    }
    await server.exited
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
