import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { Browser, type Page } from './support/browser.ts'
import { type Daemon, waitUntil } from './support/daemon.ts'
import { student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import { keysLater } from './support/later.ts'
import { type RelyingPartySite, relyingPartyUrl } from './support/openid-config.ts'
import { startPinnedSite } from './support/pinned-site.ts'
import {
  environmentOf,
  newSiteFolder,
  type ServiceSite,
  startServices,
} from './support/service-site.ts'
import {
  applicationEntityId,
  applicationUrl,
  type SpApplication,
} from './support/shibboleth-config.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

const hour = 3_600_000
const day = 24 * hour

const [samlPort = 0, oidcPort = 0, pinnedPort = 0] = await freePorts(3)
const shibboleth: SpApplication = {
  id: 'eclass',
  port: samlPort,
  hasEncryptionKey: true,
  requestedAttributes: ['eppn'],
}
const relyingParty: RelyingPartySite = {
  clientId: 'library-catalogue',
  port: oidcPort,
  scope: 'openid eduperson_principal_name',
  takesLogoutTokens: true,
  authentication: {
    method: 'client_secret_basic',
    secret: 'interop-secret-with-enough-characters-0123456789',
  },
}
const samlPage = `${applicationUrl(shibboleth)}/protected/`
const oidcPage = `${relyingPartyUrl(relyingParty)}/protected/`

interface ListedKey {
  readonly kid: string
  readonly use: string
  readonly state: string
}
interface RehearsedService {
  readonly id: string
  readonly state: string
  readonly contacts: readonly { email: string }[]
  readonly evidence: readonly { code: string }[]
}
interface RehearsalFacts {
  readonly isSafe: boolean
  readonly safeAt: string
  readonly services: readonly RehearsedService[]
}

let identityProvider: RunningIdentityProvider
let site: ServiceSite
const daemons: Daemon[] = []
const folder = newSiteFolder()

before(async () => {
  // Two workers: the one that gets the next request must know the keys too.
  identityProvider = await startIdentityProvider({
    WEB_CONCURRENCY: '2',
    FETCH_LOOPBACK: 'true',
    METADATA_VALID_DAYS: '14',
    OIDC_KEY_ROTATION_DAYS: '0',
  })
  site = await startServices(identityProvider, folder, {
    applications: [shibboleth],
    relyingParties: [relyingParty],
    metadataRefreshSeconds: 2,
  })
})

showLogsOnFailure(() => [identityProvider, site, ...daemons])

after(async () => {
  for (const daemon of daemons) await daemon.stop()
  await site?.stop()
  await identityProvider?.stop()
})

async function keys(): Promise<ListedKey[]> {
  return JSON.parse(await identityProvider.cli('keys', 'list', '--json'))
}

async function kidOf(use: string, state: string): Promise<string> {
  const found = (await keys()).find((key) => key.use === use && key.state === state)
  assert.ok(found, `no ${use} key is ${state}`)
  return found.kid
}

/** The staged key's kid. */
async function stage(use: string): Promise<string> {
  await identityProvider.cli('keys', 'stage', '--use', use)
  return kidOf(use, 'staged')
}

async function rehearse(kid: string, ...options: string[]): Promise<RehearsalFacts> {
  const { out } = await keysLater(identityProvider, 0, 'rehearse', kid, '--json', ...options)
  return JSON.parse(out)
}

function service(rehearsal: RehearsalFacts, id: string): RehearsedService {
  const found = rehearsal.services.find((one) => one.id === id)
  assert.ok(found, `${id} is not in ${JSON.stringify(rehearsal)}`)
  return found
}

/** Full sign-ins at both services, one after the other, until told to stop. */
class Logins {
  readonly failures: string[] = []
  readonly certificates = new Set<string>()
  readonly tokenKeys = new Set<string>()
  done = 0
  #isStopping = false
  readonly #running: Promise<void>

  constructor() {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  /** Until that many more have ended, whatever their result. */
  async more(count: number): Promise<void> {
    const until = this.done + count
    await waitUntil(`${count} more sign-ins`, () => this.done >= until)
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#signIn('SAML', samlPage, (page, browser) => {
        assert.equal(environmentOf(page).eppn, student.eppn)
        for (const certificate of certificatesIn(browser)) this.certificates.add(certificate)
      })
      await this.#signIn('OpenID Connect', oidcPage, (page) => {
        const environment = environmentOf(page)
        assert.equal(environment.OIDC_CLAIM_eduperson_principal_name, student.eppn)
        this.tokenKeys.add(kidIn(environment.OIDC_id_token ?? ''))
      })
    }
  }

  async #signIn(
    what: string,
    url: string,
    check: (page: Page, browser: Browser) => void,
  ): Promise<void> {
    const browser = new Browser()
    try {
      check(await browser.open(url, student), browser)
    } catch (error) {
      this.failures.push(`${what}: ${(error as Error).message}`)
    }
    this.done += 1
  }
}

/** Fingerprints of the certificates that signed the Responses which the browser carried. */
function certificatesIn(browser: Browser): string[] {
  return browser.posted.flatMap(({ fields }) => {
    const xml = Buffer.from(fields.get('SAMLResponse') ?? '', 'base64').toString()
    const first = /X509Certificate>([^<]+)</.exec(xml)?.[1]
    return first ? [new X509Certificate(Buffer.from(first, 'base64')).fingerprint256] : []
  })
}

function kidIn(jwt: string): string {
  const header = JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString() || '{}')
  return String(header.kid)
}

describe('A rotation of both keys under continuous sign-ins', () => {
  it('has not one failed sign-in at the Shibboleth SP and mod_auth_openidc', async (t) => {
    const oldToken = await kidOf('oidc', 'active')
    const logins = new Logins()
    try {
      await logins.more(4)
      const saml = await stage('saml')
      const oidc = await stage('oidc')

      // Published only now: neither the command line nor a day later does it sign.
      for (const kid of [saml, oidc]) {
        await assert.rejects(identityProvider.cli('keys', 'promote', kid), /may sign from 20/)
      }
      const early = await keysLater(identityProvider, 14 * day, 'promote', saml)
      assert.equal(early.code, 1)
      assert.match(early.err, /may sign from 20/)

      // The service provider looks for newer metadata every two seconds, in the place of hours.
      await waitUntil('the Shibboleth SP knows the new key', async () => {
        const rehearsal = await rehearse(saml, '--live')
        return service(rehearsal, applicationEntityId(shibboleth)).state === 'ready'
      })
      const ready = service(await rehearse(saml), applicationEntityId(shibboleth))
      assert.ok(ready.evidence.some(({ code }) => code === 'liveAccepts'))
      assert.ok(ready.evidence.some(({ code }) => code === 'fetchedWith'))
      const unasked = service(await rehearse(oidc), relyingParty.clientId)
      assert.equal(unasked.state, 'waits', JSON.stringify(unasked))
      const client = service(await rehearse(oidc, '--live'), relyingParty.clientId)
      assert.equal(client.state, 'ready', JSON.stringify(client))
      assert.ok(client.evidence.some(({ code }) => code === 'liveAccepts'))

      const atSafety = 15 * day + 7 * hour
      for (const kid of [saml, oidc]) {
        const promoted = await keysLater(identityProvider, atSafety, 'promote', kid)
        assert.deepEqual([promoted.code, promoted.err], [0, ''])
        assert.doesNotMatch(promoted.out, /forced/)
      }
      // Workers notice within about a second.
      await waitUntil(
        'both keys have signed at both services',
        () => logins.tokenKeys.has(oidc) && logins.certificates.size === 2,
      )
      assert.ok(logins.tokenKeys.has(oldToken))
      await logins.more(10)

      // Metadata is signed by the key whose certificate the service provider was given at the
      // beginning, until that is retired: its administrator puts the new one in place before.
      writeFileSync(join(folder, 'idp-cert.pem'), await identityProvider.certificate())
      for (const use of ['saml', 'oidc']) {
        const old = await kidOf(use, 'retiring')
        const retired = await keysLater(identityProvider, 30 * day, 'retire', old)
        assert.equal(retired.code, 0, retired.err)
      }
      await logins.more(10)
    } finally {
      await logins.stop()
    }
    t.diagnostic(`${logins.done} sign-ins, ${logins.failures.length} failed`)
    assert.deepEqual(logins.failures, [])
    assert.ok(logins.done >= 24)
  })
})

describe('A service that has the certificate fixed', () => {
  it('is named before the promotion, stops it, and really breaks when it is forced', async () => {
    const metadata = await (await fetch(identityProvider.entityId)).text()
    const url = `http://127.0.0.2:${pinnedPort}`
    const pinned = await startPinnedSite(folder, url, metadata)
    daemons.push(pinned.daemon)
    await identityProvider.cli('sp', 'add', pinned.metadataFile, '--approve')
    const id = `${url}/mellon/metadata`
    const before = await new Browser().open(pinned.protectedPage, student)
    assert.equal(before.status, 200)
    assert.ok(environmentOf(before).MELLON_NAME_ID)

    const kid = await stage('saml')
    const unknown = service(await rehearse(kid), id)
    assert.equal(unknown.state, 'unknown')
    assert.deepEqual(
      unknown.evidence.map(({ code }) => code),
      ['never'],
    )
    const asked = service(await rehearse(kid, '--live'), id)
    assert.equal(asked.state, 'breaks', JSON.stringify(asked))
    assert.deepEqual(asked.contacts, [{ email: 'pinned@service.example' }])

    // Its metadata is signed by the second key by now, and it reads that.
    await waitUntil('the Shibboleth SP knows the new key', async () => {
      const rehearsal = await rehearse(kid, '--live')
      return service(rehearsal, applicationEntityId(shibboleth)).state === 'ready'
    })

    const refused = await keysLater(identityProvider, 60 * day, 'promote', kid)
    assert.equal(refused.code, 1)
    assert.match(refused.out, new RegExp(`would break +.*${id}`))
    assert.equal(await kidOf('saml', 'staged'), kid)

    const forced = await keysLater(identityProvider, 60 * day, 'promote', kid, '--force', '--yes')
    assert.equal(forced.code, 0, forced.err)
    assert.match(forced.out, new RegExp(id))
    await waitUntil('every worker signs with the new key', async () => {
      const page = await new Browser().open(pinned.protectedPage, student)
      return environmentOf(page).MELLON_NAME_ID === undefined
    })
    const others = await new Browser().open(samlPage, student)
    assert.equal(environmentOf(others).eppn, student.eppn)
  })
})
