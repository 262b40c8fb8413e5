import { randomBytes } from 'node:crypto'
import * as client from 'openid-client'
import { registerRelyingParty } from '../../src/federation/registration.ts'
import { testPassword } from '../support/people.ts'
import { Browser, type Page } from './browser.ts'

export const redirectUri = 'https://service.example/callback'
export const defaultScope = 'openid profile email eduperson'

/** Registers a client, approved, with a secret unless `change` says how it authenticates. */
export async function addClient(change: Record<string, unknown> = {}) {
  const clientId = `client-${randomBytes(6).toString('hex')}`
  const clientSecret = randomBytes(24).toString('base64url')
  const metadata = {
    client_id: clientId,
    client_secret: clientSecret,
    client_name: 'Test service',
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: ['https://service.example/bye'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: `${defaultScope} offline_access`,
    ...change,
  }
  await registerRelyingParty(JSON.parse(JSON.stringify(metadata)), {
    origin: 'test',
    approve: true,
  })
  return { clientId, clientSecret }
}

/** A service that uses openid-client, and what it needs to remember of one sign-in. */
export class TestService {
  readonly configuration: client.Configuration
  #verifier = ''
  #state = ''
  #nonce = ''

  constructor(configuration: client.Configuration) {
    this.configuration = configuration
  }

  static async discover(
    baseUrl: string,
    clientId: string,
    authentication: client.ClientAuth,
  ): Promise<TestService> {
    return new TestService(
      await client.discovery(new URL(baseUrl), clientId, undefined, authentication, {
        execute: [client.allowInsecureRequests],
      }),
    )
  }

  async authorizationUrl(parameters: Record<string, string> = {}): Promise<string> {
    this.#verifier = client.randomPKCECodeVerifier()
    this.#state = client.randomState()
    this.#nonce = client.randomNonce()
    return client.buildAuthorizationUrl(this.configuration, {
      redirect_uri: redirectUri,
      scope: defaultScope,
      state: this.#state,
      nonce: this.#nonce,
      code_challenge: await client.calculatePKCECodeChallenge(this.#verifier),
      code_challenge_method: 'S256',
      ...parameters,
    }).href
  }

  /** @param page the redirect that leads to the service */
  redeem(page: Page, checks: client.AuthorizationCodeGrantChecks = {}) {
    return client.authorizationCodeGrant(this.configuration, new URL(page.location ?? ''), {
      pkceCodeVerifier: this.#verifier,
      expectedState: this.#state,
      expectedNonce: this.#nonce,
      idTokenExpected: true,
      ...checks,
    })
  }

  /** The whole sign-in of somebody who has no session yet. */
  async signIn(browser: Browser, username: string, parameters: Record<string, string> = {}) {
    const loginPage = await browser.open(await this.authorizationUrl(parameters))
    return this.redeem(await browser.signIn(loginPage, username, testPassword))
  }

  /** A service with a secret of its own, ready to use. */
  static async create(baseUrl: string, change: Record<string, unknown> = {}) {
    const { clientId, clientSecret } = await addClient(change)
    return TestService.discover(baseUrl, clientId, client.ClientSecretBasic(clientSecret))
  }
}

export { Browser }
