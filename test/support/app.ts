import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import pino from 'pino'
import { type Config, readConfig } from '../../src/config.ts'
import type { AppContext } from '../../src/context.ts'
import { openRuntime, type Runtime } from '../../src/runtime.ts'
import { startWebServer } from '../../src/server.ts'
import { freePortRange } from './free-ports.ts'

export interface TestApp {
  readonly baseUrl: string
  readonly context: AppContext
  readonly runtime: Runtime
  /** Moves the clock that the app reads. Milliseconds. */
  advance(ms: number): void
  close(): Promise<void>
}

/**
 * The whole application on a free loopback port, with an embedded store of its own (sessions in
 * Redis when REDIS_URL names one) and a clock that the test moves. No demo people: a test imports what it needs.
 *
 * @param environment settings beside those a test needs
 */
export async function startTestApp(environment: Record<string, string> = {}): Promise<TestApp> {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-test-'))
  // BASE_URL must be known before the server listens.
  const port = await freePortRange(1)
  const config: Config = readConfig({
    NODE_ENV: 'test',
    DEMO: 'false',
    LOG_LEVEL: 'silent',
    PORT: String(port),
    BASE_URL: `http://127.0.0.1:${port}`,
    DATA_DIR: join(folder, 'data'),
    CERTS_DIR: join(folder, 'certs'),
    METADATA_DIR: join(folder, 'metadata'),
    SAML_KEY_TYPE: 'rsa-2048',
    // Synthetic services have addresses of real domains: a test that shows logos has a server for them.
    SERVICE_LOGOS: 'off',
    REDIS_URL: process.env.REDIS_URL ?? '',
    MONGODB_URI: ownDatabase(process.env.MONGODB_URI),
    ...environment,
  })
  let offsetMs = 0
  const now = () => new Date(Date.now() + offsetMs)
  const runtime = await openRuntime(config, {
    embedded: 'own',
    log: pino({ level: config.logLevel }),
    now,
  })
  const web = await startWebServer(runtime)
  return {
    baseUrl: config.baseUrl,
    context: runtime.context,
    runtime,
    advance(ms) {
      offsetMs += ms
    },
    async close() {
      await web.close()
      // Only a server that outlives this test needs cleaning.
      if (process.env.MONGODB_URI) await mongoose.connection.dropDatabase()
      await runtime.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A database with a random name on the server that MONGODB_URI names; empty without one. */
function ownDatabase(uri: string | undefined): string {
  if (!uri) return ''
  const url = new URL(uri)
  url.pathname = `/propylaia-test-${randomBytes(6).toString('hex')}`
  return url.href
}
