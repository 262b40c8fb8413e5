import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoInstitutionFile } from '../../src/config.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import { freePorts } from '../support/free-ports.ts'
import { type StartedProcess, startPropylaia, waitForOutput } from '../support/server-process.ts'

/** One server process, with a store of its own and the command line on that store. */
export interface Site {
  readonly baseUrl: string
  /** Runs `propylaia …` on the site's store; it must succeed. @returns what it printed */
  run(...args: string[]): Promise<string>
  /** `run` with --json. */
  json<T>(...args: string[]): Promise<T>
}

export interface University extends Site {
  readonly scope: string
  /** Imports rows as the student system exports them, from a file. */
  importRows(...rows: RegistryRow[]): Promise<void>
}

/** Universities that share one AcademicID registry: every one of them a process with its own store. */
export interface Federation {
  readonly registry: Site
  readonly universities: readonly University[]
  close(): Promise<void>
}

/**
 * Starts the registry, then the universities with the given domains. What they share is the address
 * of the registry and the key over national numbers; each has a token of its own.
 */
export async function startFederation(...scopes: string[]): Promise<Federation> {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-transfer-'))
  const running: StartedProcess[] = []
  const sharedKey = randomBytes(32).toString('base64url')
  const [registryPort, ...ports] = await freePorts(scopes.length + 1)

  async function start(name: string, args: string[], environment: Record<string, string>) {
    const settings = { ...foldersOf(join(folder, name)), LOG_LEVEL: 'warn', ...environment }
    const started = startPropylaia(args, settings)
    running.push(started)
    await waitForOutput(started, 'Ready in')
    return (...command: string[]) => runCommand(command, settings)
  }

  const registryUrl = `http://127.0.0.1:${registryPort}`
  const registry = site(
    registryUrl,
    await start('registry', ['academicid', 'serve'], { ACADEMICID_PORT: String(registryPort) }),
  )
  const universities: University[] = []
  for (const [index, scope] of scopes.entries()) {
    const { token } = await registry.json<{ token: string }>('academicid', 'token', 'add', scope)
    const baseUrl = `http://127.0.0.1:${ports[index]}`
    const run = await start(scope, ['serve'], {
      PORT: String(ports[index]),
      BASE_URL: baseUrl,
      SCOPE: scope,
      INSTITUTION_FILE: institutionFile(folder, scope),
      DEV_PAGES: 'true',
      SAML_KEY_TYPE: 'rsa-2048',
      ACADEMICID_URL: registryUrl,
      ACADEMICID_TOKEN: token,
      ACADEMICID_SHARED_KEYS: sharedKey,
    })
    universities.push({
      ...site(baseUrl, run),
      scope,
      async importRows(...rows) {
        const file = join(folder, `${scope}-${randomBytes(4).toString('hex')}.jsonl`)
        writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
        const report = JSON.parse(await run('registry', 'import', file, '--json'))
        assert.equal(report.rejected, 0, JSON.stringify(report))
      },
    })
  }
  return {
    registry,
    universities,
    async close() {
      for (const { child } of running) child.kill('SIGTERM')
      await Promise.all(running.map(({ exited }) => exited))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function site(baseUrl: string, run: Site['run']): Site {
  return { baseUrl, run, json: async (...args) => JSON.parse(await run(...args, '--json')) }
}

function foldersOf(folder: string) {
  mkdirSync(folder)
  return {
    DATA_DIR: join(folder, 'data'),
    CERTS_DIR: join(folder, 'certs'),
    METADATA_DIR: join(folder, 'metadata'),
  }
}

/** The demo institution's facts under another name. */
function institutionFile(folder: string, scope: string): string {
  const file = join(folder, `${scope}.json`)
  const demo = JSON.parse(readFileSync(demoInstitutionFile, 'utf8'))
  const name = { el: `Πανεπιστήμιο ${scope}`, en: `University of ${scope}` }
  writeFileSync(file, JSON.stringify({ ...demo, name }))
  return file
}

async function runCommand(
  command: readonly string[],
  settings: Record<string, string>,
): Promise<string> {
  const started = startPropylaia(command, settings)
  const code = await started.exited
  assert.equal(code, 0, `propylaia ${command.join(' ')}:\n${started.output()}`)
  return started.output()
}
