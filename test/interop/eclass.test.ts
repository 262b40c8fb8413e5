import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../support/free-ports.ts'
import { Browser, type Credentials, type Page } from './support/browser.ts'
import { answersWith, type Daemon, startDaemon } from './support/daemon.ts'
import { shutOut, staffAndStudent, student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import { pastedLines, replaced } from './support/pasted-lines.ts'
import { newSiteFolder } from './support/service-site.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

/** Open eClass itself needs a database and much else; what it does to sign people in is done here. */
const modules = fileURLToPath(new URL('support/eclass.php', import.meta.url))
const clientSecret = 'synthetic-secret-with-enough-characters'
const headings = {
  oauth2: 'Open eClass by OAuth 2.0',
  keycloak: 'Open eClass by Keycloak',
} as const

const [port = 0] = await freePorts(1)
const eclass = `http://127.0.0.1:${port}`
const folder = newSiteFolder()
let identityProvider: RunningIdentityProvider
let site: Daemon

before(async () => {
  identityProvider = await startIdentityProvider({ KEYCLOAK_REALM: 'uni' })
  for (const heading of Object.values(headings)) {
    const file = join(folder, 'client.json')
    const registered = JSON.parse(fill(pastedLines(heading, 'json')))
    writeFileSync(file, JSON.stringify({ ...registered, client_secret: clientSecret }))
    await identityProvider.cli('client', 'add', file, '--preset', 'eclass', '--approve')
  }
  const settings = join(folder, 'settings.json')
  writeFileSync(
    settings,
    JSON.stringify({
      urlServer: `${eclass}/`,
      folder,
      oauth2: fields(headings.oauth2),
      keycloak: fields(headings.keycloak),
    }),
  )
  site = await startDaemon({
    name: 'eclass',
    command: 'php',
    args: ['-S', `127.0.0.1:${port}`, modules],
    env: { ...process.env, ECLASS_SETTINGS: settings },
    outputFile: join(folder, 'php.out'),
    isReady: () => answersWith(`${eclass}/modules/auth/none.php`, 200),
  })
})

showLogsOnFailure(() => [identityProvider, site])

after(async () => {
  await site?.stop()
  await identityProvider?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function fill(text: string): string {
  return replaced(text, {
    'https://sso.uni.example.gr': identityProvider.baseUrl,
    'https://eclass.uni.example.gr': eclass,
    CLIENT_SECRET: clientSecret,
  })
}

/** The page's settings, by their names in eClass' form. */
function fields(heading: string): Record<string, string> {
  const rows = [...pastedLines(heading, 'text').matchAll(/^(\w+) *= *(.*)$/gm)]
  assert.ok(rows.length >= 5, 'the page names the fields')
  return Object.fromEntries(rows.map(([, name, value]) => [name, fill(value ?? '')]))
}

function factsOf(page: Page): Record<string, unknown> {
  assert.equal(page.status, 200, `${page.url}:\n${page.text}`)
  return JSON.parse(page.text)
}

const open = (browser: Browser, module: string, who?: Credentials) =>
  browser.open(`${eclass}/modules/auth/${module}.php`, who)

const studentNumber = 'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:9201:20220001'

describe('Open eClass', () => {
  it('signs somebody in by its OAuth 2.0 module, with its own default paths and names', async () => {
    const facts = factsOf(await open(new Browser(), 'oauth2', student))
    assert.deepEqual(facts, {
      auth_id: student.username,
      auth_email: student.eppn,
      auth_givenname: 'Δήμητρα',
      auth_surname: 'Παπαδοπούλου',
      auth_studentid: studentNumber,
    })
  })

  it('signs somebody in by its Keycloak module', async () => {
    const facts = factsOf(await open(new Browser(), 'keycloak', student))
    assert.deepEqual(facts, {
      keycloak_uname: student.username,
      auth_studentid: null,
      auth_email: student.eppn,
      auth_surname: 'Παπαδοπούλου',
      auth_givenname: 'Δήμητρα',
      auth_verified_mail: true,
    })
  })

  it('knows the same username by either, with one password', async () => {
    const browser = new Browser()
    const first = factsOf(await open(browser, 'oauth2', staffAndStudent))
    const second = factsOf(await open(browser, 'keycloak', staffAndStudent))
    assert.equal(first.auth_id, second.keycloak_uname)
    assert.equal(browser.signIns, 1)
  })

  it('signs out of both at once, as its ID token is of this very sign-in', async () => {
    const browser = new Browser()
    await open(browser, 'keycloak', student)
    const page = await open(browser, 'logout')
    assert.ok(page.url.startsWith(identityProvider.baseUrl), page.url)
    assert.ok(!page.forms.some((one) => one.fields.has('xsrf')), page.text)
    const again = await open(browser, 'keycloak')
    assert.ok(again.forms.some((one) => one.fields.has('password')))
  })

  it('lets nobody in who may not sign in', async () => {
    for (const { title: _title, ...credentials } of shutOut) {
      for (const module of Object.keys(headings)) {
        const page = await open(new Browser(), module, credentials)
        assert.equal(page.status, 403, credentials.username)
        assert.ok(page.url.startsWith(identityProvider.baseUrl))
      }
    }
  })
})
