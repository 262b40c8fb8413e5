import { createServer, type Server } from 'node:http'
import type { Express } from 'express'
import { ConfigError } from '../src/config.ts'
import type { AppContext } from '../src/context.ts'
import {
  registerCasService,
  registerRelyingParty,
  registerServiceProvider,
  removeService,
  setServiceOverrides,
} from '../src/federation/registration.ts'
import {
  type RegisteredService,
  type ServiceOverrides,
  serviceId,
} from '../src/federation/service.ts'
import { listServiceRecords } from '../src/federation/service-store.ts'
import { coursesMetadata, createCasService } from './cas-service.ts'
import { openDemoKeys } from './demo-keys.ts'
import { createOidcService, libraryMetadata } from './oidc-service.ts'
import { createSamlService, demoSamlMetadata } from './saml-service.ts'

export interface DemoServices {
  readonly samlUrl: string
  readonly oidcUrl: string
  readonly casUrl: string
  close(): Promise<void>
}

/**
 * Starts the three imaginary services of the demo: one on SAML and one on OpenID Connect, each on a
 * library that is not ours, and one on CAS. They look for the identity provider only when somebody signs in.
 *
 * @throws {ConfigError} when a port is taken
 */
export async function startDemoServices(options: {
  baseUrl: string
  samlPort: number
  oidcPort: number
  casPort: number
  dataDir: string
}): Promise<DemoServices> {
  const { baseUrl, samlPort, oidcPort, casPort, dataDir } = options
  const keys = openDemoKeys(dataDir)
  const samlUrl = demoUrl(baseUrl, samlPort)
  const oidcUrl = demoUrl(baseUrl, oidcPort)
  const casUrl = demoUrl(baseUrl, casPort)
  const servers: Server[] = []
  const close = async () => {
    await Promise.all(servers.map(stop))
  }
  try {
    for (const [service, port] of [
      [createSamlService({ url: samlUrl, baseUrl, keys }), samlPort],
      [createOidcService({ url: oidcUrl, baseUrl, keys }), oidcPort],
      [createCasService({ url: casUrl, baseUrl }), casPort],
    ] as const) {
      servers.push(await listen(service, port))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { samlUrl, oidcUrl, casUrl, close }
}

/**
 * Registers the services, approved, on the ports after the server's own. The same at every start:
 * their keys and secrets stay in `DATA_DIR/demo`.
 */
export async function registerDemoServices(context: Pick<AppContext, 'config'>): Promise<void> {
  const { baseUrl, port, dataDir } = context.config
  const keys = openDemoKeys(dataDir)
  const registration = { origin: 'demo', approve: true }
  const samlUrl = demoUrl(baseUrl, port + 1)
  const sp = await registerServiceProvider(demoSamlMetadata(samlUrl, keys), registration)
  // SAML metadata does not say where one starts, so the home page needs an administrator's word. One
  // service informs, one asks and one is silent, so that a trial shows all.
  await setDefaults(sp, {
    startUrl: `${samlUrl}/`,
    disclosure: 'inform',
    legalGround:
      'Εκπλήρωση καθήκοντος προς το δημόσιο συμφέρον (ΓΚΠΔ, άρθρο 6 παρ. 1 στοιχείο ε΄). Κείμενο επίδειξης. || A task carried out in the public interest (GDPR, Article 6(1)(e)). A text of this demonstration.',
  })
  const rp = await registerRelyingParty(
    libraryMetadata(demoUrl(baseUrl, port + 2), keys),
    registration,
  )
  await setDefaults(rp, { disclosure: 'ask' })
  const cas = await registerCasService(coursesMetadata(demoUrl(baseUrl, port + 3)), registration)
  await forgetOtherDemoServices([sp.entityId, rp.clientId, serviceId(cas)])
}

/** What an administrator of the trial has set stays. */
async function setDefaults(service: RegisteredService, defaults: ServiceOverrides): Promise<void> {
  const { protocol, overrides } = service
  const isSet = Object.keys(defaults).every((name) => name in overrides)
  if (isSet) return
  await setServiceOverrides(serviceId(service), { ...defaults, ...overrides }, protocol)
}

/** Those of a start on another port: nobody answers there any more. */
async function forgetOtherDemoServices(present: readonly string[]): Promise<void> {
  const protocols = ['saml', 'oidc', 'cas'] as const
  const records = await Promise.all(protocols.map((protocol) => listServiceRecords(protocol)))
  for (const record of records.flat()) {
    if (record.origin === 'demo' && !present.includes(record.serviceId)) {
      await removeService(record.serviceId, record.protocol)
    }
  }
}

/** On this machine, under the name that the browser already uses when that is a loopback one. */
function demoUrl(baseUrl: string, port: number): string {
  const { hostname } = new URL(baseUrl)
  return `http://${hostname === '127.0.0.1' ? hostname : 'localhost'}:${port}`
}

function listen(app: Express, port: number): Promise<Server> {
  const server = createServer(app)
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portTaken(port) : error),
    )
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

/** The addresses are registered with these ports, so another one would not do. */
function portTaken(port: number): ConfigError {
  return new ConfigError([
    `PORT: the demo services listen on the three ports after it, and ${port} is taken; choose another PORT, or set DEMO=false`,
  ])
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
