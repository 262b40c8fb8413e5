import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import { elements, parse, pem } from '../saml/saml-support.ts'
import { pathOf, postedForm, serviceMetadata, signIn } from '../saml/sso-support.ts'
import { freePortRange } from '../support/free-ports.ts'
import { HttpClient } from '../support/http-client.ts'
import { type StartedProcess, startPropylaia, waitForOutput } from '../support/server-process.ts'

/** What "within seconds" means here, also on a busy machine. Milliseconds. */
const soonMs = 8000
const service = { entityId: 'https://sp.example.gr', acsUrl: 'https://sp.example.gr/acs' }

describe('keys of running servers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-key-servers-'))
  let environment: Record<string, string>
  let baseUrl: string
  let server: StartedProcess | undefined
  before(async () => {
    const port = await freePortRange(4)
    baseUrl = `http://127.0.0.1:${port}`
    environment = {
      PORT: String(port),
      BASE_URL: baseUrl,
      DATA_DIR: join(folder, 'data'),
      CERTS_DIR: join(folder, 'certs'),
      METADATA_DIR: join(folder, 'metadata'),
      SAML_KEY_TYPE: 'rsa-2048',
      SERVICE_LOGOS: 'off',
      WEB_CONCURRENCY: '2',
    }
    mkdirSync(environment.METADATA_DIR!)
    writeFileSync(join(environment.METADATA_DIR!, 'sp.xml'), serviceMetadata(service))
    server = await serve()
  })
  after(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function serve(changes: Record<string, string> = {}): Promise<StartedProcess> {
    const started = startPropylaia(['serve'], { ...environment, ...changes })
    await waitForOutput(started, 'Ready in')
    return started
  }

  async function stop(): Promise<void> {
    server?.child.kill('SIGTERM')
    await server?.exited
    server = undefined
  }

  async function keys(...args: string[]) {
    const started = startPropylaia(['keys', ...args, '--json'], environment)
    const code = await started.exited
    assert.equal(code, 0, started.output())
    return JSON.parse(started.output())
  }

  /** Asked on connections of their own, which go to the workers in turn. */
  async function everywhere(path: string, wanted: (body: string) => boolean): Promise<void> {
    const until = Date.now() + soonMs
    for (;;) {
      const bodies = await Promise.all(Array.from({ length: 8 }, () => fetchOnce(path)))
      if (bodies.every(wanted)) return
      assert.ok(Date.now() < until, `${path} differs still: ${bodies.at(-1)?.slice(0, 3000)}`)
    }
  }

  function fetchOnce(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      get(`${baseUrl}${path}`, { agent: false }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text) => (body += text))
        response.once('end', () => resolve(body))
      }).once('error', reject)
    })
  }

  it('shows a staged key in metadata and JWKS of every worker within seconds, without a restart', async () => {
    const [saml, oidc] = [
      await keys('stage', '--use', 'saml', '--type', 'ec-p256'),
      await keys('stage', '--use', 'oidc', '--type', 'rsa-2048'),
    ]
    const listed = (await keys('list')) as { kid: string; certificateSha256: string }[]
    assert.ok(listed.some(({ kid }) => kid === saml.kid))
    await everywhere('/saml/metadata', (xml) => elements(parse(xml), 'KeyDescriptor').length === 2)
    await everywhere('/oidc/jwks', (jwks) => jwks.includes(oidc.kid))
    await keys('discard', saml.kid)
    await everywhere('/saml/metadata', (xml) => elements(parse(xml), 'KeyDescriptor').length === 1)
  })

  it('goes on while the master key is replaced, and takes keys sealed under the new one', async () => {
    const { to } = await keys('rewrap')
    const staged = await keys('stage', '--use', 'oidc', '--type', 'rsa-2048')
    assert.equal(staged.masterKeyId, to)
    await everywhere('/oidc/jwks', (jwks) => jwks.includes(staged.kid))
    // The former key may go; the next rotation does not need it.
    rmSync(join(environment.CERTS_DIR!, 'master.key.previous'))
    const { to: second } = await keys('rewrap')
    assert.notEqual(second, to)
    await everywhere('/health/ready', (body) => body.includes('"ok"'))
    assert.doesNotMatch(server!.output(), /signing keys cannot be read/)
  })

  it('is restored on another machine from the store and master.key, and services still accept', async () => {
    // What a service read from the old machine, and never again.
    const metadata = await fetchOnce('/saml/metadata')
    const certificates = elements(parse(metadata), 'KeyDescriptor').map((descriptor) =>
      pem(elements(descriptor as Element, 'X509Certificate')[0]!.textContent!),
    )
    const account = /synthetic\):\n\s+(\S+)\s+(\S+)/.exec(server!.output())!
    await stop()
    const other = join(folder, 'other')
    cpSync(environment.DATA_DIR!, join(other, 'data'), { recursive: true })
    mkdirSync(join(other, 'certs'))
    cpSync(join(environment.CERTS_DIR!, 'master.key'), join(other, 'certs', 'master.key'))
    const port = await freePortRange(4)
    server = await serve({
      PORT: String(port),
      DATA_DIR: join(other, 'data'),
      CERTS_DIR: join(other, 'certs'),
      WEB_CONCURRENCY: '1',
    })
    const library = new SAML({
      entryPoint: `${baseUrl}/saml/sso`,
      issuer: service.entityId,
      callbackUrl: service.acsUrl,
      audience: service.entityId,
      idpIssuer: `${baseUrl}/saml/metadata`,
      idpCert: certificates,
      identifierFormat: null,
      disableRequestedAuthnContext: true,
      wantAuthnResponseSigned: true,
      wantAssertionsSigned: false,
      validateInResponseTo: ValidateInResponseTo.always,
    })
    const client = new HttpClient(`http://127.0.0.1:${port}`)
    const url = await library.getAuthorizeUrlAsync('', undefined, {})
    let answer = await signIn(client, await client.get(pathOf(url)), account[1]!, account[2])
    // People see first what the service gets.
    if (answer.status === 303) answer = await client.get(pathOf(answer.headers.location!))
    const { SAMLResponse } = postedForm(answer)
    assert.ok((await library.validatePostResponseAsync({ SAMLResponse })).profile)
    client.close()
  })

  it('is refused with another master key or without it, and nothing is changed', async () => {
    await stop()
    const certs = join(folder, 'strange-certs')
    const start = async () => {
      const refused = startPropylaia(['serve'], { ...environment, CERTS_DIR: certs })
      const code = await refused.exited
      return { code, output: refused.output() }
    }
    const without = await start()
    assert.equal(without.code, 1)
    assert.match(without.output, /master\.key is missing, and the store was sealed under/)
    mkdirSync(certs)
    const key = Buffer.alloc(32, 5).toString('base64url')
    writeFileSync(join(certs, 'master.key'), key, { mode: 0o600 })
    const wrong = await start()
    assert.equal(wrong.code, 1)
    assert.match(wrong.output, /put the right master\.key back .*Nothing has been changed/)
    server = await serve()
  })
})
