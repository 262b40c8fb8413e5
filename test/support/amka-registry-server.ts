import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { foldSurname } from '../../src/people/surname.ts'

/** What the registry knows of one (synthetic) person. */
export interface RegisteredPerson {
  readonly ssn: string
  readonly familyName: string
  /** YYYY-MM-DD. */
  readonly birthDate: string
}

export type AmkaRegistryBehaviour =
  | 'normal'
  | 'refuse'
  | 'hang'
  | 'break-500'
  | 'break-json'
  | 'break-html'
  | 'mismatch'

export interface AmkaRegistryRequest {
  readonly method: string
  readonly path: string
  readonly ssn: string | null
  readonly familyName: string | null
  readonly birthDate: string | null
  readonly accept?: string
  readonly authorization?: string
}

export interface AmkaRegistryServer {
  /** For AMKA_REGISTRY_URL. */
  readonly url: string
  /** For AMKA_REGISTRY_TOKEN; any other is refused. */
  readonly token: string
  /** Newest last. */
  readonly requests: readonly AmkaRegistryRequest[]
  add(person: RegisteredPerson): void
  /** From the next request on; a function answers instead of the registry. */
  behave(behaviour: AmkaRegistryBehaviour | RequestListener): void
  close(): Promise<void>
}

const token = 'synthetic-registry-token'

/** A stand-in of the national AMKA registry on a free loopback port, speaking GUnet's interface. */
export async function startAmkaRegistryServer(): Promise<AmkaRegistryServer> {
  const people = new Map<string, RegisteredPerson>()
  const requests: AmkaRegistryRequest[] = []
  let behaviour: AmkaRegistryBehaviour | RequestListener = 'normal'

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry.invalid')
    const asked: AmkaRegistryRequest = {
      method: request.method ?? '',
      path: url.pathname,
      ssn: url.searchParams.get('ssn'),
      familyName: url.searchParams.get('familyName'),
      birthDate: url.searchParams.get('birthDate'),
      accept: request.headers.accept,
      authorization: request.headers.authorization,
    }
    requests.push(asked)
    if (typeof behaviour === 'function') return behaviour(request, response)
    if (behaviour === 'hang') return
    if (behaviour === 'break-500') return send(response, 500, { error: { code: 'oops' } })
    if (behaviour === 'break-json') {
      return void response.writeHead(200, collectionType).end('{"collection": {"version"')
    }
    if (behaviour === 'break-html') {
      return void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<h1>Υπηρεσία υπό συντήρηση</h1>')
    }
    if (behaviour === 'refuse' || asked.authorization !== `Token ${token}`) {
      return send(response, 403, { error: { code: 'ssnerr001', title: 'Forbidden' } })
    }
    if (asked.method !== 'GET' || asked.path !== '/ssn/') return send(response, 404, {})
    const registered = people.get(asked.ssn ?? '')
    const isSame =
      foldSurname(asked.familyName ?? '') === foldSurname(registered?.familyName ?? '') &&
      asked.birthDate === registered?.birthDate
    if (behaviour === 'mismatch' || (registered && !isSame)) {
      return send(response, 400, { error: { code: 'ssnerr002', title: 'Mismatch' } })
    }
    send(response, 200, registered ? { items: [collectionItem(registered.ssn)] } : {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    requests,
    add(person) {
      people.set(person.ssn, person)
    },
    behave(next) {
      behaviour = next
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

const collectionType = { 'content-type': 'application/vnd.collection+json; charset=utf-8' }

export function collectionItem(ssn: string) {
  return { data: [{ name: 'ssn', value: ssn }] }
}

/** Answers with a Collection+JSON document of these members. */
export function send(response: ServerResponse, status: number, members: object): void {
  response.writeHead(status, collectionType)
  response.end(JSON.stringify({ collection: { version: '1.0', ...members } }))
}
