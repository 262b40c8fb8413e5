import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import { type Answer, HttpClient, hiddenField } from '../test/support/http-client.ts'

/** A service that the benchmark plays. */
export interface PlayedService {
  readonly entityId: string
  readonly acsUrl: string
}

const benchService: PlayedService = {
  entityId: 'https://bench-sp.example.org/metadata',
  acsUrl: 'https://bench-sp.example.org/acs',
}
const clientId = 'bench-client'
const clientSecret = 'bench-secret-0123456789abcdef-0123456789'
const redirectUri = 'https://bench-rp.example.org/callback'

/** Metadata of the services the benchmark plays: no encryption key, Response and Assertion both signed. */
export function writeServiceMetadata(metadataDir: string): void {
  const requested = [
    ['urn:oid:1.3.6.1.4.1.5923.1.1.1.6', 'eduPersonPrincipalName'],
    ['urn:oid:1.3.6.1.4.1.5923.1.1.1.9', 'eduPersonScopedAffiliation'],
    ['urn:oid:0.9.2342.19200300.100.1.3', 'mail'],
    ['urn:oid:2.16.840.1.113730.3.1.241', 'displayName'],
    ['urn:oid:2.5.4.42', 'givenName'],
    ['urn:oid:2.5.4.4', 'sn'],
  ]
    .map(
      ([name, friendly]) =>
        `<md:RequestedAttribute NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" Name="${name}" FriendlyName="${friendly}" isRequired="true"/>`,
    )
    .join('')
  writeFileSync(
    join(metadataDir, 'bench-sp.xml'),
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${benchService.entityId}">
<md:SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${benchService.acsUrl}" index="0" isDefault="true"/>
<md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">Benchmark</md:ServiceName>${requested}</md:AttributeConsumingService>
</md:SPSSODescriptor></md:EntityDescriptor>`,
  )
  writeFileSync(
    join(metadataDir, 'bench-client.json'),
    JSON.stringify({
      client_id: clientId,
      client_secret: clientSecret,
      client_name: 'Benchmark',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'openid profile email',
    }),
  )
}

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Signs in at /login and leaves the session in the client's jar. */
export async function signIn(
  client: HttpClient,
  { username, password }: Credentials,
): Promise<void> {
  const page = await client.get('/login')
  const answer = await client.post('/login', {
    _csrf: hiddenField(page.body, '_csrf'),
    username,
    password,
  })
  if (answer.status !== 303) throw unexpected('sign-in', answer)
}

/** A fresh AuthnRequest, answered from the existing session. */
export async function samlResponse(
  client: HttpClient,
  baseUrl: string,
  service = benchService,
): Promise<void> {
  const answer = await client.get(`/saml/sso?${authnRequestQuery(baseUrl, service)}`)
  if (answer.status !== 200 || !answer.body.includes('name="SAMLResponse"'))
    throw unexpected('SAML response', answer)
}

/** Reads what a service will get, agrees, and lets that be remembered. Waits until it is known. */
export async function agree(
  client: HttpClient,
  baseUrl: string,
  service: PlayedService,
): Promise<void> {
  const ask = () => client.get(`/saml/sso?${authnRequestQuery(baseUrl, service)}`)
  let asked = await ask()
  for (let tries = 0; asked.status === 403 && tries < 50; tries++) {
    await setTimeout(100)
    asked = await ask()
  }
  const question = expectRedirect('question', asked)
  const page = await client.get(question)
  const answer = await client.post(question, {
    _csrf: hiddenField(page.body, '_csrf'),
    flow: hiddenField(page.body, 'flow'),
    decision: 'agree',
    remember: 'yes',
  })
  expectRedirect('agreement', answer)
}

/** What the service posts to its ACS, decoded: for checking once that the answer is what is claimed. */
export async function fetchSamlResponse(client: HttpClient, baseUrl: string): Promise<string> {
  const answer = await client.get(`/saml/sso?${authnRequestQuery(baseUrl)}`)
  return Buffer.from(hiddenField(answer.body, 'SAMLResponse'), 'base64').toString('utf8')
}

/** A browser without a session: request, sign-in page, password, response. */
export async function fullLogin(baseUrl: string, credentials: Credentials): Promise<void> {
  const client = new HttpClient(baseUrl)
  try {
    const toLogin = await client.get(`/saml/sso?${authnRequestQuery(baseUrl)}`)
    const loginPath = expectRedirect('SAML request', toLogin)
    const page = await client.get(loginPath)
    const signedIn = await client.post('/login', {
      _csrf: hiddenField(page.body, '_csrf'),
      flow: hiddenField(page.body, 'flow'),
      ...credentials,
    })
    const answer = await client.get(expectRedirect('password', signedIn))
    if (!answer.body.includes('name="SAMLResponse"')) throw unexpected('SAML response', answer)
  } finally {
    client.close()
  }
}

/** Authorization code with PKCE from the existing session, and the code redeemed for tokens. */
export async function oidcCodeFlow(client: HttpClient): Promise<void> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid profile email',
    state: randomBytes(8).toString('hex'),
    nonce: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  let location = `/oidc/auth?${query}`
  while (!location.startsWith(redirectUri)) {
    location = expectRedirect('OIDC step', await client.get(location))
  }
  const code = new URL(location).searchParams.get('code')
  if (!code) throw new Error(`no code came back: ${location}`)
  const tokens = await client.post(
    '/oidc/token',
    { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
    { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
  )
  if (tokens.status !== 200 || !JSON.parse(tokens.body).id_token)
    throw unexpected('token endpoint', tokens)
}

function authnRequestQuery(baseUrl: string, { entityId, acsUrl } = benchService): string {
  const xml =
    `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${randomBytes(16).toString('hex')}" ` +
    `Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${baseUrl}/saml/sso" ` +
    `AssertionConsumerServiceURL="${acsUrl}" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST">` +
    `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${entityId}</saml:Issuer>` +
    '<samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>'
  return new URLSearchParams({
    SAMLRequest: deflateRawSync(xml).toString('base64'),
    RelayState: 'bench',
  }).toString()
}

function expectRedirect(step: string, answer: Answer): string {
  const { location } = answer.headers
  if (answer.status < 300 || answer.status > 399 || !location) throw unexpected(step, answer)
  return location
}

function unexpected(step: string, answer: Answer): Error {
  return new Error(
    `${step}: HTTP ${answer.status} ${answer.headers.location ?? ''}\n${answer.body.slice(0, 3000)}`,
  )
}
