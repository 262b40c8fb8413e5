import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { Browser, type Page } from './support/browser.ts'
import { type Daemon, waitUntil } from './support/daemon.ts'
import { shutOut, student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import { newPhpCasSite, type PhpCasSite, startPhpCasSite } from './support/phpcas-site.ts'
import { newSiteFolder } from './support/service-site.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

/** What the service's page says of the person. */
interface Facts {
  readonly isSignedIn: boolean
  readonly user?: string
  readonly attributes?: Readonly<Record<string, string | string[]>>
  readonly proxies?: readonly string[]
  readonly ticket?: string
  readonly problem?: string
}

const [tls = 0, services = 0] = await freePorts(2)
const publicUrl = `https://localhost:${tls}`
const servicesUrl = `https://localhost:${services}`
const folder = newSiteFolder()

let site: PhpCasSite
let identityProvider: RunningIdentityProvider
let apache: Daemon

before(async () => {
  site = newPhpCasSite(folder)
  identityProvider = await startIdentityProvider({
    BASE_URL: publicUrl,
    // Tickets and logouts go to services on this machine, whose certificate this file vouches for.
    FETCH_LOOPBACK: 'true',
    NODE_EXTRA_CA_CERTS: site.certificateFile,
  })
  const port = Number(new URL(identityProvider.baseUrl).port)
  apache = await startPhpCasSite(site, { identityProvider: port, tls, services })
  const attributes = 'mail,givenName,sn,eduPersonAffiliation'
  for (const [name, ...options] of [
    ['cas1'],
    ['cas2', '--attributes', attributes],
    ['cas3', '--attributes', attributes],
    ['saml', '--preset', 'eclass'],
    ['proxy', '--allow-proxy'],
    ['target', '--attributes', 'mail'],
  ] as const) {
    await identityProvider.cli('cas', 'add', `${servicesUrl}/${name}`, '--name', name, ...options)
  }
})

showLogsOnFailure(() => [identityProvider, apache])

after(async () => {
  await apache?.stop()
  await identityProvider?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function newBrowser(): Browser {
  const browser = new Browser()
  browser.ca = site.certificate
  return browser
}

function factsOf(page: Page): Facts {
  assert.equal(page.status, 200, `${page.url}:\n${page.text}`)
  return JSON.parse(page.text) as Facts
}

const at = (path: string) => `${servicesUrl}/${path}`

describe('phpCAS: sign-in', () => {
  it('over CAS 1 knows the user', async () => {
    const { user, attributes } = factsOf(await newBrowser().open(at('cas1/'), student))
    assert.equal(user, student.username)
    assert.deepEqual(attributes, [])
  })

  it('over CAS 2 knows the user and no attribute', async () => {
    const { user, attributes } = factsOf(await newBrowser().open(at('cas2/page?a=1&b=γ'), student))
    assert.equal(user, student.username)
    assert.equal(attributes?.mail, undefined)
  })

  it('over CAS 3 knows exactly the attributes that were registered for it', async () => {
    const { user, attributes } = factsOf(await newBrowser().open(at('cas3/'), student))
    assert.equal(user, student.username)
    const { authenticationDate, ...others } = attributes ?? {}
    assert.ok(Math.abs(Date.parse(String(authenticationDate)) - Date.now()) < 60_000)
    assert.deepEqual(others, {
      longTermAuthenticationRequestTokenUsed: 'false',
      isFromNewLogin: 'true',
      mail: student.eppn,
      givenName: 'Δήμητρα',
      sn: 'Παπαδοπούλου',
      eduPersonAffiliation: ['student', 'member'],
    })
  })

  it('over SAML 1.1, as Open eClass does it, knows what eClass reads', async () => {
    const { user, attributes } = factsOf(await newBrowser().open(at('saml/'), student))
    assert.equal(user, student.username)
    const { mail, givenName, sn } = attributes ?? {}
    assert.deepEqual(
      { mail, givenName, sn },
      { mail: student.eppn, givenName: 'Δήμητρα', sn: 'Παπαδοπούλου' },
    )
  })

  it('reaches all of them with one password', async () => {
    const browser = newBrowser()
    for (const name of ['cas1', 'cas2', 'cas3', 'saml']) {
      assert.equal(factsOf(await browser.open(at(`${name}/`), student)).user, student.username)
    }
    assert.equal(browser.signIns, 1)
  })

  it('asks for the password again where the service renews', async () => {
    const browser = newBrowser()
    await browser.open(at('cas3/'), student)
    const again = await browser.open(at('cas2/again'), student)
    assert.equal(factsOf(again).user, student.username)
    assert.equal(browser.signIns, 2)
  })

  it('looks without asking: gateway', async () => {
    const browser = newBrowser()
    assert.deepEqual(factsOf(await browser.open(at('cas3/open'))), { isSignedIn: false })
    await browser.open(at('cas2/'), student)
    const other = newBrowser()
    await other.open(at('cas2/'), student)
    assert.equal(factsOf(await other.open(at('cas3/open'))).user, student.username)
    assert.equal(other.signIns, 1)
  })

  it('keeps out those who may not sign in', async () => {
    for (const { title, ...credentials } of shutOut) {
      const browser = newBrowser()
      const page = await browser.open(at('cas3/'), credentials)
      assert.equal(page.status, 403, credentials.username)
      assert.match(/<h1>([^<]*)<\/h1>/.exec(page.text)?.[1] ?? '', title)
      assert.ok(!browser.visited.some((url) => url.includes('ticket=')))
    }
  })
})

describe('phpCAS: proxy tickets', () => {
  it('take the person to a service behind, which learns of the one in front', async () => {
    const browser = newBrowser()
    await browser.open(at('proxy/'), student)
    const target = at('target/page')
    const { ticket, problem } = factsOf(
      await browser.open(`${at('proxy/')}?target=${encodeURIComponent(target)}`),
    )
    assert.match(ticket ?? '', /^PT-/, String(problem))
    // As a program would come: with the ticket and nothing else.
    const facts = factsOf(await newBrowser().open(`${target}?ticket=${ticket}`))
    assert.equal(facts.user, student.username)
    assert.deepEqual(facts.proxies, [at('proxy/')])
  })
})

describe('phpCAS: logout', () => {
  it('at one service ends all of them, by a message from server to server', async () => {
    const browser = newBrowser()
    for (const name of ['cas2', 'cas3', 'saml']) await browser.open(at(`${name}/`), student)
    const bye = await browser.open(at('cas3/logout'))
    assert.equal(bye.url, at('cas3/bye'))
    assert.deepEqual(factsOf(bye), { isSignedIn: false })
    for (const name of ['cas2', 'saml']) {
      await waitUntil(
        `${name} has heard of it`,
        async () => !factsOf(await browser.open(at(`${name}/state`))).isSignedIn,
        10_000,
      )
    }
    const page = await browser.open(at('cas2/'))
    assert.ok(
      page.forms.some(({ fields }) => fields.has('password')),
      page.text,
    )
  })
})
