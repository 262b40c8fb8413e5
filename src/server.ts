import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import { startFederationRefresh } from './federation/aggregates/schedule.ts'
import { openLogos } from './federation/logos/logos.ts'
import { startHousekeeping } from './housekeeping.ts'
import type { Runtime } from './runtime.ts'

/** How long running requests get to finish at shutdown. Milliseconds. */
const drainMs = 10_000

export interface WebServer {
  readonly port: number
  /** Stops accepting, lets running requests finish, then returns. */
  close(): Promise<void>
}

/** Starts the web server of one worker. */
export async function startWebServer(runtime: Runtime): Promise<WebServer> {
  const { config } = runtime.context
  const server = createServer(createApp(runtime.context, runtime.sessions.store))
  // A reverse proxy keeps connections longer than Node's 5 s and would meet resets.
  server.keepAliveTimeout = 65_000
  server.requestTimeout = 30_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.port, config.host, resolve)
  })
  runtime.messages.start()
  runtime.academicIds.start()
  const housekeeping = startHousekeeping(runtime.context)
  const logos = config.serviceLogos === 'fetch' ? await openLogos(runtime.context) : undefined
  const federationRefresh = startFederationRefresh(runtime.context)
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      await federationRefresh.stop()
      await housekeeping.stop()
      await drain(server)
      await logos?.close()
    },
  }
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), drainMs)
    // Close cuts idle connections, and those that are busy as soon as their answer is out.
    server.close(() => {
      clearTimeout(force)
      resolve()
    })
    server.on('request', (_req, res) => res.setHeader('Connection', 'close'))
  })
}
