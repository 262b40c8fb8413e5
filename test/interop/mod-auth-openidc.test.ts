import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { certificatePem, selfSignedCertificate } from '../../src/keys/certificate.ts'
import { freePorts } from '../support/free-ports.ts'
import { Browser, type Page } from './support/browser.ts'
import { claimScopes, shutOut, student, studentClaims } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import {
  loggedOutUrl,
  type RelyingPartySite,
  redirectUri,
  relyingPartyUrl,
} from './support/openid-config.ts'
import {
  environmentOf,
  newSiteFolder,
  type ServiceSite,
  startServices,
} from './support/service-site.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

const [secretPort = 0, keyPort = 0] = await freePorts(2)
const folder = newSiteFolder()

const bySecret: RelyingPartySite = {
  clientId: 'library-catalogue',
  port: secretPort,
  scope: claimScopes,
  authentication: {
    method: 'client_secret_basic',
    secret: 'interop-secret-with-enough-characters-0123456789',
  },
}
const byKey: RelyingPartySite = {
  clientId: 'laboratory-booking',
  port: keyPort,
  scope: 'openid email',
  responseMode: 'form_post',
  authentication: {
    method: 'private_key_jwt',
    kid: 'laboratory-2026',
    privateKeyFile: join(folder, 'client-key.pem'),
    publicKeyFile: join(folder, 'client-cert.pem'),
  },
}

let identityProvider: RunningIdentityProvider
let site: ServiceSite

before(async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = selfSignedCertificate({
    privateKey,
    publicKey,
    commonName: byKey.clientId,
    notBefore: new Date(),
    days: 30,
  })
  writeFileSync(
    join(folder, 'client-key.pem'),
    privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    { mode: 0o644 },
  )
  writeFileSync(join(folder, 'client-cert.pem'), certificatePem(certificate))
  identityProvider = await startIdentityProvider()
  site = await startServices(identityProvider, folder, {
    relyingParties: [bySecret, byKey],
    jwks: {
      [byKey.clientId]: {
        keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'laboratory-2026', use: 'sig' }],
      },
    },
  })
})

showLogsOnFailure(() => [identityProvider, site])

after(async () => {
  await site?.stop()
  await identityProvider?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('mod_auth_openidc: sign-in', () => {
  it('reports exactly the expected claims of a student', async () => {
    const page = await new Browser().open(protectedPage(bySecret), student)
    const { sub, ...claims } = userinfoOf(page)
    assert.deepEqual(claims, studentClaims)
    assert.equal(typeof sub, 'string')
    assert.equal(idTokenOf(page).sub, sub)
  })

  it('has an ID token from our issuer for this client that says how the person signed in', async () => {
    const idToken = idTokenOf(await new Browser().open(protectedPage(bySecret), student))
    assert.equal(idToken.iss, identityProvider.baseUrl)
    assert.equal(idToken.aud, bySecret.clientId)
    assert.ok(Math.abs(Number(idToken.iat) - Date.now() / 1000) < 60)
  })

  it('uses a code with PKCE S256', async () => {
    const browser = new Browser()
    await browser.open(protectedPage(bySecret), student)
    const request = new URL(browser.visited.find((url) => url.includes('/oidc/auth?')) ?? '')
    assert.equal(request.searchParams.get('response_type'), 'code')
    assert.equal(request.searchParams.get('code_challenge_method'), 'S256')
    assert.ok(browser.visited.some((url) => url.startsWith(`${redirectUri(bySecret)}?code=`)))
  })

  it('authenticates with private_key_jwt, the code sent by form_post', async () => {
    const browser = new Browser()
    const page = await browser.open(protectedPage(byKey), student)
    assert.equal(browser.posted.at(-1)?.action, redirectUri(byKey))
    const { sub, ...claims } = userinfoOf(page)
    assert.ok(sub)
    assert.deepEqual(claims, { email: student.eppn, email_verified: true })
  })

  it('knows the same person by the same sub again, and two services by different ones', async () => {
    const subAt = async (relyingParty: RelyingPartySite) =>
      userinfoOf(await new Browser().open(protectedPage(relyingParty), student)).sub
    const first = await subAt(bySecret)
    assert.equal(await subAt(bySecret), first)
    assert.notEqual(await subAt(byKey), first)
  })

  it('reaches two services with one password', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(bySecret), student))
    assertSignedIn(await browser.open(protectedPage(byKey)))
    assert.equal(browser.signIns, 1)
  })

  it('asks for the password again on prompt=login', async () => {
    const browser = new Browser()
    await browser.open(protectedPage(byKey), student)
    const form = await browser.open(`${protectedPage(bySecret)}again`)
    assert.ok(form.forms.some(({ fields }) => fields.has('password')))
    assertSignedIn(await browser.open(`${protectedPage(bySecret)}again`, student))
    assert.equal(browser.signIns, 2)
  })

  it('signs in without a word on prompt=none when somebody is signed in', async () => {
    const browser = new Browser()
    await browser.open(protectedPage(byKey), student)
    assertSignedIn(await browser.open(`${protectedPage(bySecret)}silently`))
    assert.equal(browser.signIns, 1)
  })

  it('keeps out those who may not sign in', async () => {
    for (const { title, ...credentials } of shutOut) {
      const browser = new Browser()
      const page = await browser.open(protectedPage(bySecret), credentials)
      assert.equal(browser.signIns, 1)
      assert.equal(page.status, 403, credentials.username)
      assert.match(/<h1>([^<]*)<\/h1>/.exec(page.text)?.[1] ?? '', title)
      assert.ok(!browser.visited.some((url) => url.includes('code=')))
      const again = await browser.open(protectedPage(byKey))
      assert.ok(again.forms.some(({ fields }) => fields.has('password')))
    }
  })
})

describe('mod_auth_openidc: after sign-in', () => {
  it('refreshes its access token, and the refresh token is another one afterwards', async () => {
    const browser = new Browser()
    const before = environmentOf(await browser.open(protectedPage(bySecret), student))
    assert.ok(before.OIDC_access_token && before.OIDC_refresh_token)
    const query = new URLSearchParams({
      refresh: protectedPage(bySecret),
      access_token: before.OIDC_access_token,
    })
    const page = await browser.open(`${redirectUri(bySecret)}?${query}`)
    assert.equal(page.url, protectedPage(bySecret))
    const after = environmentOf(page)
    assert.ok(after.OIDC_access_token && after.OIDC_refresh_token)
    assert.notEqual(after.OIDC_access_token, before.OIDC_access_token)
    assert.notEqual(after.OIDC_refresh_token, before.OIDC_refresh_token)
  })

  it('signs out here and there, and returns to the address the service registered', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(bySecret), student))
    const query = new URLSearchParams({ logout: loggedOutUrl(bySecret) })
    const done = await browser.open(`${redirectUri(bySecret)}?${query}`)
    assert.ok(browser.visited.some((url) => url.includes('/oidc/end_session?')))
    assert.equal(done.url.split('?')[0], loggedOutUrl(bySecret))
    for (const relyingParty of [bySecret, byKey]) {
      const page = await browser.open(protectedPage(relyingParty))
      assert.ok(
        page.forms.some(({ fields }) => fields.has('password')),
        page.url,
      )
    }
  })
})

function protectedPage(relyingParty: RelyingPartySite): string {
  return `${relyingPartyUrl(relyingParty)}/protected/`
}

function assertSignedIn(page: Page): void {
  assert.equal(page.status, 200, `${page.url}:\n${page.text}`)
  assert.ok(environmentOf(page).OIDC_CLAIM_sub, page.text)
}

/** The claims as the userinfo endpoint gave them to the module. */
function userinfoOf(page: Page): Record<string, unknown> {
  assertSignedIn(page)
  return JSON.parse(environmentOf(page).OIDC_userinfo_json ?? '')
}

function idTokenOf(page: Page): Record<string, unknown> {
  assertSignedIn(page)
  return JSON.parse(environmentOf(page).OIDC_id_token_payload ?? '')
}
