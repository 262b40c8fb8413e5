import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { freePorts } from '../support/free-ports.ts'
import { Browser } from './support/browser.ts'
import { staffAndStudent, student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import { keycloakMissing, type RunningKeycloak, startKeycloak } from './support/keycloak.ts'
import { pastedLines, replaced } from './support/pasted-lines.ts'
import { newSiteFolder } from './support/service-site.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

const oidcHeading = 'Keycloak as a broker, by OpenID Connect'
const samlHeading = 'Keycloak as a broker, by SAML 2.0'
const clientSecret = 'synthetic-secret-with-enough-characters'
/** A service behind Keycloak, which it sends people to: nothing listens there. */
const serviceUrl = 'http://127.0.0.1:9/back'

describe('the page’s lines for Keycloak', { skip: keycloakMissing }, () => {
  const folder = newSiteFolder()
  let identityProvider: RunningIdentityProvider
  let keycloak: RunningKeycloak

  showLogsOnFailure(() => [identityProvider, ...(keycloak ? [keycloak.daemon] : [])])

  before(async () => {
    const [port = 0, managementPort = 0] = await freePorts(2)
    identityProvider = await startIdentityProvider()
    keycloak = await startKeycloak(port, managementPort, folder)
    await keycloak.create('', {
      realm: 'library',
      enabled: true,
      sslRequired: 'none',
      clients: [
        {
          clientId: 'service',
          secret: clientSecret,
          redirectUris: [serviceUrl],
          protocolMappers: [
            {
              name: 'affiliation',
              protocol: 'openid-connect',
              protocolMapper: 'oidc-usermodel-attribute-mapper',
              config: {
                'user.attribute': 'affiliation',
                'claim.name': 'affiliation',
                'id.token.claim': 'true',
                multivalued: 'true',
              },
            },
          ],
        },
      ],
      components: {
        'org.keycloak.userprofile.UserProfileProvider': [
          {
            providerId: 'declarative-user-profile',
            config: { 'kc.user.profile.config': [JSON.stringify(userProfile)] },
          },
        ],
      },
    })
    await addByOpenIdConnect()
    await addBySaml()
  })

  after(async () => {
    await keycloak?.daemon.stop()
    await identityProvider?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const json = (heading: string, index: number) =>
    JSON.parse(
      replaced(pastedLines(heading, 'json', index), {
        'https://keycloak.uni.example.gr': keycloak.baseUrl,
        'https://sso.uni.example.gr': identityProvider.baseUrl,
        CLIENT_SECRET: clientSecret,
      }),
    )

  async function addByOpenIdConnect() {
    const file = join(folder, 'client.json')
    const registered = { ...json(oidcHeading, 0), client_secret: clientSecret }
    writeFileSync(file, JSON.stringify(registered))
    await identityProvider.cli('client', 'add', file, '--approve')
    await keycloak.create('/library/identity-provider/instances', json(oidcHeading, 1))
    await keycloak.create(
      '/library/identity-provider/instances/university/mappers',
      json(oidcHeading, 2),
    )
  }

  async function addBySaml() {
    await keycloak.create('/library/identity-provider/instances', json(samlHeading, 0))
    for (const mapper of json(samlHeading, 1)) {
      await keycloak.create('/library/identity-provider/instances/university-saml/mappers', mapper)
    }
    const descriptor = `${keycloak.baseUrl}/realms/library/broker/university-saml/endpoint/descriptor`
    const file = join(folder, 'keycloak-sp.xml')
    writeFileSync(file, await (await fetch(descriptor)).text())
    await identityProvider.cli('sp', 'add', file, '--approve')
  }

  /** Signs in to the service behind Keycloak. @returns Keycloak's own ID token */
  async function signIn(browser: Browser, broker: string, who: typeof student) {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'service',
      redirect_uri: serviceUrl,
      scope: 'openid profile email',
      kc_idp_hint: broker,
    })
    const realm = `${keycloak.baseUrl}/realms/library/protocol/openid-connect`
    // Nothing listens at the service: the code is in the address that the browser was sent to.
    await browser.open(`${realm}/auth?${query}`, who).catch(() => undefined)
    const back = browser.visited.at(-1) ?? ''
    assert.ok(back.startsWith(serviceUrl), browser.visited.join('\n'))
    const response = await fetch(`${realm}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'service',
        client_secret: clientSecret,
        redirect_uri: serviceUrl,
        code: new URL(back).searchParams.get('code') ?? '',
      }),
    })
    assert.equal(response.status, 200, await response.clone().text())
    return String((await response.json()).id_token)
  }

  /** Signs out at Keycloak, which tells us, and says yes where we ask. */
  async function signOut(browser: Browser, idToken: string) {
    const query = new URLSearchParams({ client_id: 'service', id_token_hint: idToken })
    const realm = `${keycloak.baseUrl}/realms/library/protocol/openid-connect`
    const page = await browser.open(`${realm}/logout?${query}`)
    const question = page.forms.find(({ fields }) => fields.has('xsrf'))
    return question ? browser.submit(question, { logout: 'yes' }) : page
  }

  it('sign somebody in by OpenID Connect, with the claims where a service looks for them', async () => {
    const claims = decodeJwt(await signIn(new Browser(), 'university', student))
    assert.equal(claims.preferred_username, student.username)
    assert.equal(claims.email, student.eppn)
    assert.equal(claims.email_verified, true)
    assert.ok(claims.given_name && claims.family_name)
    assert.deepEqual([claims.affiliation].flat().sort(), [
      'member@uni.example.gr',
      'student@uni.example.gr',
    ])
  })

  it('sign somebody in by SAML 2.0, with an encrypted assertion and the same attributes', async () => {
    const browser = new Browser()
    const claims = decodeJwt(await signIn(browser, 'university-saml', staffAndStudent))
    assert.equal(claims.preferred_username, staffAndStudent.username)
    assert.equal(claims.email, staffAndStudent.eppn)
    assert.ok(claims.given_name && claims.family_name)
    assert.ok([claims.affiliation].flat().includes('member@uni.example.gr'))
    const response = Buffer.from(browser.posted.at(-1)!.fields.get('SAMLResponse')!, 'base64')
    assert.match(response.toString(), /<saml:EncryptedAssertion/)
  })

  it('knows who came before, and asks for no password while the person is signed in with us', async () => {
    const browser = new Browser()
    const first = decodeJwt(await signIn(browser, 'university', student))
    const again = decodeJwt(await signIn(browser, 'university', student))
    assert.equal(again.sub, first.sub)
    assert.equal(browser.signIns, 1)
    assert.equal((await keycloak.user('library', student.username))?.email, student.eppn)
  })

  for (const [broker, who, address] of [
    ['university', student, '/oidc/end_session?'],
    ['university-saml', staffAndStudent, '/saml/slo'],
  ] as const) {
    it(`sign out here too when somebody signs out at Keycloak (${broker})`, async () => {
      const browser = new Browser()
      const done = await signOut(browser, await signIn(browser, broker, who))
      assert.ok(
        browser.visited.some((url) => url.startsWith(`${identityProvider.baseUrl}${address}`)),
        browser.visited.join('\n'),
      )
      assert.ok(done.url.startsWith(keycloak.baseUrl), `${done.url}:\n${done.text}`)
      const account = await browser.open(`${identityProvider.baseUrl}/account`)
      assert.ok(account.forms.some(({ fields }) => fields.has('password')))
    })
  }
})

/** Keycloak keeps only the attributes that its user profile names. */
const userProfile = {
  attributes: ['username', 'email', 'firstName', 'lastName', 'affiliation', 'uid'].map((name) => ({
    name,
    multivalued: name === 'affiliation',
    permissions: { view: ['admin', 'user'], edit: ['admin', 'user'] },
  })),
}
