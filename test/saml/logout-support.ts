import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { namespaces, statusPrefix } from '../../src/saml/uris.ts'
import type { TestApp } from '../support/app.ts'
import { elements, parse, signMessage, type TestKey } from './saml-support.ts'
import { newPerson, postedForm, type ServiceOptions, signIn } from './sso-support.ts'

/** What a service knows of somebody who signed in. */
export interface Told {
  readonly nameId: string
  readonly format: string
  readonly sessionIndex: string
}

export function unsolicited({ entityId }: Pick<ServiceOptions, 'entityId'>): string {
  return `/saml/unsolicited?providerId=${encodeURIComponent(entityId)}`
}

/** A browser that is signed in at these services, and what each was told. */
export async function signedInAt(app: TestApp, ...services: Pick<ServiceOptions, 'entityId'>[]) {
  const { client, account } = await newPerson(app)
  const told: Told[] = []
  for (const service of services) {
    const answer = await client.get(unsolicited(service))
    const done = answer.status === 200 ? answer : await signIn(client, answer, account.username)
    const document = parse(postedForm(done).xml)
    const nameId = elements(document, 'NameID')[0]!
    told.push({
      nameId: nameId.textContent!,
      format: nameId.getAttribute('Format')!,
      sessionIndex: elements(document, 'AuthnStatement')[0]!.getAttribute('SessionIndex')!,
    })
  }
  return { client, account, told }
}

/** How a service behaves when it is told of a logout. */
export type Manner =
  | 'right'
  | 'unknown-principal'
  | 'denies'
  | 'silent'
  | 'garbage'
  | 'endless'
  | 'fault'
  | 'answers-another'
  | 'signs-wrongly'
  | 'redirects'

/** The side of a service that is told server to server; the addresses are on loopback. */
export interface ToldServer {
  readonly url: string
  /** Bodies that came in. */
  readonly told: { path: string; body: string }[]
  manner: Manner
  close(): Promise<void>
}

export async function startToldServer(
  about: { entityId: string; key?: TestKey; wrongKey?: TestKey },
  manner: Manner = 'right',
): Promise<ToldServer> {
  const told: ToldServer['told'] = []
  const server = createServer(async (request, response) => {
    const body = await readAll(request)
    told.push({ path: request.url ?? '', body })
    answer(about, self.manner, body, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: ToldServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/told`,
    told,
    manner,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  return self
}

function answer(
  { entityId, key, wrongKey }: { entityId: string; key?: TestKey; wrongKey?: TestKey },
  manner: Manner,
  body: string,
  response: ServerResponse,
): void {
  const isSoap = body.includes('Envelope')
  const soap = (xml: string) => {
    response
      .writeHead(200, { 'content-type': 'text/xml' })
      .end(
        isSoap
          ? `<S:Envelope xmlns:S="${namespaces.soap}"><S:Body>${xml}</S:Body></S:Envelope>`
          : xml,
      )
  }
  const requestId = isSoap
    ? (elements(parse(body), 'LogoutRequest')[0]?.getAttribute('ID') ?? '')
    : ''
  const plain = (status: readonly string[], inResponseTo = requestId) =>
    logoutResponse({ entityId, inResponseTo, status })
  const answers: Partial<Record<Manner, () => string>> = {
    right: () => plain(['Success']),
    'unknown-principal': () => plain(['Requester', 'UnknownPrincipal']),
    denies: () => plain(['Responder', 'RequestDenied']),
    'answers-another': () => plain(['Success'], '_another'),
    'signs-wrongly': () => signMessage(plain(['Success']), wrongKey ?? key!),
  }
  const write = answers[manner]
  if (write) soap(write())
  if (manner === 'garbage') {
    response.writeHead(200, { 'content-type': 'text/xml' }).end('<html>\u0000&nbsp;')
  }
  if (manner === 'fault') {
    response.writeHead(500, { 'content-type': 'text/xml' })
    response.end(
      `<S:Envelope xmlns:S="${namespaces.soap}"><S:Body><S:Fault><faultcode>S:Server</faultcode><faultstring>no</faultstring></S:Fault></S:Body></S:Envelope>`,
    )
  }
  if (manner === 'redirects') response.writeHead(302, { location: '/elsewhere' }).end()
  if (manner === 'endless') {
    response.writeHead(200, { 'content-type': 'text/xml' })
    const more = () => response.write('x'.repeat(1000), (error) => error || setTimeout(more, 5))
    more()
  }
}

/** A LogoutResponse of a service, unsigned. */
export function logoutResponse(about: {
  entityId: string
  inResponseTo: string
  status: readonly string[]
  destination?: string
  now?: Date
}): string {
  const [code, second] = about.status
  const inner = second ? `<samlp:StatusCode Value="${statusPrefix}${second}"/>` : ''
  const destination = about.destination ? ` Destination="${about.destination}"` : ''
  const now = (about.now ?? new Date()).toISOString()
  return `<samlp:LogoutResponse xmlns:samlp="${namespaces.samlp}" xmlns:saml="${namespaces.saml}" ID="_answer${++answerCount}" Version="2.0" IssueInstant="${now}"${destination} InResponseTo="${about.inResponseTo}"><saml:Issuer>${about.entityId}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${statusPrefix}${code}">${inner}</samlp:StatusCode></samlp:Status></samlp:LogoutResponse>`
}

let answerCount = 0

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
