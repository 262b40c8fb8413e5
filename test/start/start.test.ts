import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { freePortRange } from '../support/free-ports.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { type StartedProcess, startPropylaia, waitForOutput } from '../support/server-process.ts'

describe('Starting and stopping', () => {
  let folder: string
  let port: number
  let environment: Record<string, string>
  const running: StartedProcess[] = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'propylaia-start-'))
    port = await freePortRange(4)
    environment = {
      PORT: String(port),
      DATA_DIR: join(folder, 'data'),
      CERTS_DIR: join(folder, 'certs'),
      METADATA_DIR: join(folder, 'metadata'),
      SAML_KEY_TYPE: 'rsa-2048',
    }
  })
  afterEach(async () => {
    for (const { child, exited } of running.splice(0)) {
      child.kill('SIGTERM')
      await exited
    }
    rmSync(folder, { recursive: true, force: true })
  })

  async function serve(extra: Record<string, string> = {}): Promise<StartedProcess> {
    const started = startPropylaia(['serve'], { ...environment, ...extra })
    running.push(started)
    await waitForOutput(started, 'Ready in')
    return started
  }

  async function stop(
    started: StartedProcess,
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<number> {
    started.child.kill(signal)
    return started.exited
  }

  async function signIn(client: HttpClient, username: string, password: string) {
    const page = await client.get('/login')
    return client.post('/login', { _csrf: hiddenField(page.body, '_csrf'), username, password })
  }

  /** Username and password of the first demo account that the start printed. */
  function printedAccount(started: StartedProcess): [string, string] {
    const line = /synthetic\):\n\s+(\S+)\s+(\S+)/.exec(started.output())
    assert.ok(line, started.output())
    return [line[1] as string, line[2] as string]
  }

  it('needs no settings: makes its secrets, imports the demo, prints where to go and who can sign in', async () => {
    const started = await serve()
    assert.match(started.output(), new RegExp(`http://localhost:${port}\\b`))
    assert.match(started.output(), /Demo SAML service\s+http:/)
    assert.match(started.output(), /Demo OIDC service\s+http:/)
    assert.equal(statSync(join(folder, 'certs', 'master.key')).mode & 0o777, 0o600)
    assert.ok(existsSync(join(folder, 'data')))
    const client = new HttpClient(`http://127.0.0.1:${port}`)
    const answer = await signIn(client, ...printedAccount(started))
    assert.equal(answer.status, 303)
    assert.equal((await client.get('/health/ready')).status, 200)
    client.close()
  })

  it('keeps everything over a restart, even who is signed in', async () => {
    const first = await serve()
    const client = new HttpClient(`http://127.0.0.1:${port}`)
    const [username, password] = printedAccount(first)
    await signIn(client, username, password)
    const metadata = (await client.get('/saml/metadata')).body
    assert.equal(await stop(first), 0)
    await serve()
    assert.match((await client.get('/')).body, new RegExp(username))
    const certificate = (xml: string) => /<ds:X509Certificate>([^<]+)/.exec(xml)?.[1]
    assert.ok(certificate(metadata))
    assert.equal(certificate((await client.get('/saml/metadata')).body), certificate(metadata))
    client.close()
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`finishes the request that is running at ${signal}, then stops`, async () => {
      const started = await serve()
      // A request whose body is only half there is running until the other half comes.
      const body = 'username=x&password=y'
      const socket = connect(port, '127.0.0.1')
      socket.write(
        `POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
      )
      const client = new HttpClient(`http://127.0.0.1:${port}`)
      // One answered round trip on another connection: by then the server has read the first half.
      await client.get('/health/live')
      client.close()
      const server = started.child.pid as number
      // The signal reaches the group, as Ctrl-C on a terminal does.
      process.kill(server, signal)
      if (signal === 'SIGINT') process.kill(childOf(server), signal)
      await waitForOutput(started, 'finishing running requests')
      let answer = ''
      socket.on('data', (chunk) => (answer += chunk))
      socket.write(body.slice(5))
      assert.equal(await started.exited, 0)
      assert.match(answer, /^HTTP\/1\.1 403 /)
    })
  }

  it('refuses a second server on the same data, and the first goes on', async () => {
    await serve()
    const second = startPropylaia(['serve'], {
      ...environment,
      PORT: String(await freePortRange(4)),
    })
    assert.equal(await second.exited, 1)
    assert.match(second.output(), new RegExp(join(folder, 'data')))
    const client = new HttpClient(`http://127.0.0.1:${port}`)
    assert.equal((await client.get('/health/ready')).status, 200)
    client.close()
  })

  it('serves from several workers, and the command line works beside it', async () => {
    const started = await serve({ WEB_CONCURRENCY: '2' })
    const [username, password] = printedAccount(started)
    const client = new HttpClient(`http://127.0.0.1:${port}`)
    assert.equal((await signIn(client, username, password)).status, 303)
    for (let round = 0; round < 6; round += 1) {
      assert.match((await client.get('/')).body, new RegExp(username))
    }
    client.close()
    const shown = startPropylaia(['account', 'show', username, '--json'], environment)
    assert.equal(await shown.exited, 0, shown.output())
    assert.match(shown.output(), new RegExp(username))
    assert.equal(await stop(started), 0)
  })

  it('says which port is taken and what to do', async () => {
    await serve()
    const second = startPropylaia(['serve'], { ...environment, DATA_DIR: join(folder, 'other') })
    assert.equal(await second.exited, 1)
    assert.match(second.output(), new RegExp(`${port}.*set PORT`, 's'))
  })

  it('refuses the demo in production with a message for every weak setting, and starts nothing', async () => {
    const started = startPropylaia(['serve'], {
      ...environment,
      NODE_ENV: 'production',
      DEMO: 'true',
      DEV_PAGES: 'true',
    })
    assert.equal(await started.exited, 1)
    for (const name of ['DEMO', 'DEV_PAGES', 'INSTITUTION_FILE', 'SCOPE', 'BASE_URL']) {
      assert.match(started.output(), new RegExp(`^ {2}${name}: `, 'm'))
    }
    assert.ok(!existsSync(join(folder, 'data')))
  })

  it('refuses a store that was a demo in production, where its published passwords would let anybody in', async () => {
    await stop(await serve())
    const institutionFile = join(folder, 'institution.json')
    copyFileSync(new URL('../../demo/institution.json', import.meta.url), institutionFile)
    const started = startPropylaia(['serve'], {
      ...environment,
      NODE_ENV: 'production',
      BASE_URL: 'https://sso.uni.example.gr',
      SCOPE: 'uni.example.gr',
      INSTITUTION_FILE: institutionFile,
    })
    running.push(started)
    await assert.rejects(
      waitForOutput(started, 'Ready in'),
      /ended with code 1 .*DATA_DIR or MONGODB_URI: this store holds the demo institution/s,
    )
  })

  it('refuses to start with another master key and changes nothing', async () => {
    await stop(await serve())
    const certs = join(folder, 'other-certs')
    const startElsewhere = () => startPropylaia(['serve'], { ...environment, CERTS_DIR: certs })
    const without = startElsewhere()
    assert.equal(await without.exited, 1)
    assert.match(without.output(), /master\.key is missing, .* put it back/s)
    assert.equal(existsSync(join(certs, 'master.key')), false)
    mkdirSync(certs, { recursive: true })
    writeFileSync(join(certs, 'master.key'), randomBytes(32).toString('base64url'), { mode: 0o600 })
    const wrong = startElsewhere()
    assert.equal(await wrong.exited, 1)
    assert.match(wrong.output(), /put the right master\.key back/)
    assert.equal(await stop(await serve()), 0)
  })
})

/** The server behind bin/propylaia.js, which is its only child. Linux. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}
