import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { answersWith, type Daemon, startDaemon } from './daemon.ts'

/** Debian has no Keycloak: `.ci/run` fetches this release and puts it into its cache. */
const release = 'keycloak-26.5.6'
const administrator = 'synthetic-administrator'
const password = 'synthetic-administrator-password'

/** Where Keycloak is unpacked: KEYCLOAK_HOME, else the cache of `.ci/run`. */
export function keycloakHome(): string | undefined {
  const { KEYCLOAK_HOME, PROPYLAIA_CI_CACHE, XDG_CACHE_HOME } = process.env
  const cache =
    PROPYLAIA_CI_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'propylaia-ci')
  const home = KEYCLOAK_HOME ?? join(cache, release)
  return existsSync(join(home, 'bin/kc.sh')) ? home : undefined
}

/** Why there is nothing to test here; false where there is. */
export const keycloakMissing =
  keycloakHome() === undefined && `${release} is not here: set KEYCLOAK_HOME, or run .ci/run`

export interface RunningKeycloak {
  readonly baseUrl: string
  /** Sends JSON to the administration's REST interface, as `kcadm.sh create` does. */
  create(path: string, body: unknown): Promise<void>
  /** @returns the first user of the realm with that name */
  user(realm: string, username: string): Promise<Record<string, unknown> | undefined>
  readonly daemon: Daemon
}

/** Keycloak in development mode, with a store in memory, on loopback. */
export async function startKeycloak(
  port: number,
  managementPort: number,
  folder: string,
): Promise<RunningKeycloak> {
  const baseUrl = `http://127.0.0.1:${port}`
  const daemon = await startDaemon({
    name: 'keycloak',
    command: join(keycloakHome()!, 'bin/kc.sh'),
    args: [
      'start-dev',
      '--db=dev-mem',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      `--http-management-port=${managementPort}`,
      `--hostname=${baseUrl}`,
    ],
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      // It runs for a minute: compiling well would take longer than it saves.
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
      KC_BOOTSTRAP_ADMIN_USERNAME: administrator,
      KC_BOOTSTRAP_ADMIN_PASSWORD: password,
    },
    outputFile: join(folder, 'keycloak.log'),
    isReady: () => answersWith(`${baseUrl}/realms/master`, 200),
    readyWithinMs: 150_000,
  })

  async function administration(path: string, body?: unknown): Promise<unknown> {
    const login = await fetch(`${baseUrl}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'admin-cli',
        username: administrator,
        password,
      }),
    })
    const { access_token: token } = await login.json()
    const response = await fetch(`${baseUrl}/admin/realms${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`Keycloak answers ${response.status} at ${path}: ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  return {
    baseUrl,
    daemon,
    async create(path, body) {
      await administration(path, body)
    },
    async user(realm, username) {
      const query = new URLSearchParams({ username, exact: 'true' })
      const found = await administration(`/${realm}/users?${query}`)
      return (found as Record<string, unknown>[])[0]
    },
  }
}
