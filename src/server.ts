import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { noteOwnNames } from './aliases/own-names.ts'
import { createApp } from './app.ts'
import { startFederationRefresh } from './federation/aggregates/schedule.ts'
import { openLogos } from './federation/logos/logos.ts'
import { startHousekeeping } from './housekeeping.ts'
import { startKeySchedule } from './key-rotation/schedule.ts'
import { drain, listen } from './listening.ts'
import type { Runtime } from './runtime.ts'

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
  await noteOwnNames(runtime.context)
  await listen(server, config.port, config.host)
  runtime.messages.start()
  runtime.academicIds.start()
  const housekeeping = startHousekeeping(runtime.context)
  const logos = config.serviceLogos === 'fetch' ? await openLogos(runtime.context) : undefined
  const federationRefresh = startFederationRefresh(runtime.context)
  const keySchedule = startKeySchedule(runtime.context)
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      await federationRefresh.stop()
      await keySchedule.stop()
      await housekeeping.stop()
      await drain(server)
      await logos?.close()
    },
  }
}
