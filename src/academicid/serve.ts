import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { openAuditLog } from '../audit/store-audit-log.ts'
import { type Config, ConfigError } from '../config.ts'
import { drain, listen } from '../listening.ts'
import { watchVersions } from '../store/versions.ts'
import { embeddedRegistry } from './embedded-registry.ts'
import { prepareRegistry } from './registered-key-model.ts'
import { createRegistryServer } from './registry-server.ts'
import { listTokens, TokenBook, tokensVersion } from './registry-tokens.ts'

export interface RunningRegistry {
  readonly port: number
  close(): Promise<void>
}

/**
 * Serves the registry of the store that this process has open, until it is closed.
 *
 * @throws {ConfigError} when the port is taken
 */
export async function startRegistryServer(
  config: Pick<Config, 'academicIdHost' | 'academicIdPort'>,
  log: Logger,
  now: () => Date = () => new Date(),
): Promise<RunningRegistry> {
  await prepareRegistry()
  const audit = openAuditLog(log, now)
  const tokens = new TokenBook()
  await tokens.reload()
  const onError = (error: unknown) =>
    log.error({ err: error }, 'tokens cannot be read: a revoked one may still be let in')
  const watcher = watchVersions(
    (name) => {
      if (name === tokensVersion) void tokens.reload().catch(onError)
    },
    { onError },
  )
  const server = createRegistryServer({ registry: embeddedRegistry(now), tokens, audit, log })
  try {
    await listen(server, config.academicIdPort, config.academicIdHost)
  } catch (error) {
    watcher.stop()
    await audit.close()
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? portTaken(config) : error
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      watcher.stop()
      await drain(server)
      await audit.close()
    },
  }
}

function portTaken({
  academicIdHost,
  academicIdPort,
}: Pick<Config, 'academicIdHost' | 'academicIdPort'>): ConfigError {
  return new ConfigError([
    `ACADEMICID_PORT: ${academicIdPort} of ${academicIdHost} is taken; stop the other program or choose another port`,
  ])
}

/** Settings that work and that the operator should know of, at the start. */
export async function findServerWarnings(
  config: Pick<Config, 'academicIdHost'>,
): Promise<string[]> {
  const warnings: string[] = []
  const tokens = await listTokens()
  if (!tokens.some(({ revokedAt }) => revokedAt === undefined)) {
    warnings.push(
      'no institution has a token yet: make one with "propylaia academicid token add NAME"',
    )
  }
  if (!/^(localhost|127\..*|::1)$/.test(config.academicIdHost)) {
    warnings.push(
      'ACADEMICID_HOST is not of this machine alone, and this server speaks plain http: put a reverse proxy with TLS before it',
    )
  }
  return warnings
}
