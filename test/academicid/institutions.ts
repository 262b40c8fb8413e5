import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { academicIdCommand } from '../../src/cli/academicid.ts'
import { ConfigError, readConfig } from '../../src/config.ts'
import type { AppContext } from '../../src/context.ts'
import { completeActivation } from '../../src/people/activation.ts'
import { findAccountByUsername } from '../../src/people/people-store.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import { openRuntime } from '../../src/runtime.ts'
import { takeOutput } from '../cli/support.ts'
import { importRows } from '../support/registrant.ts'

export interface Run {
  readonly code: number
  readonly output: string
}

/** An institution by its command line alone: a store of its own, settings that a test changes. */
export interface Institution {
  /** From the next command on; undefined takes a setting away. */
  set(settings: Record<string, string | undefined>): void
  /** `propylaia academicid …`, as in a process of its own: everything is opened and closed again. */
  run(...args: string[]): Promise<Run>
  /** The command must succeed. */
  json<T>(...args: string[]): Promise<T>
  importRows(...rows: RegistryRow[]): Promise<void>
  /** Imports and activates somebody, without waiting for an AcademicID. */
  activate(row: RegistryRow): Promise<void>
  /** A name for a file that is not there yet. */
  file(name: string): string
  close(): void
}

/** Several may live in one test, one after the other: a process has one store open at a time. */
export function openInstitution(scope: string): Institution {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-institution-'))
  mkdirSync(join(folder, 'metadata'))
  const settings: Record<string, string | undefined> = {
    NODE_ENV: 'test',
    DATA_DIR: join(folder, 'data'),
    CERTS_DIR: join(folder, 'certs'),
    METADATA_DIR: join(folder, 'metadata'),
    SCOPE: scope,
    SAML_KEY_TYPE: 'rsa-2048',
  }

  async function within<T>(work: (context: AppContext) => Promise<T>): Promise<T> {
    const log = pino({ level: 'silent' })
    const runtime = await openRuntime(readConfig(settings), { embedded: 'own', log })
    try {
      return await work(runtime.context)
    } finally {
      await runtime.close()
    }
  }

  async function run(...args: string[]): Promise<Run> {
    try {
      const { code, out, err } = await within((context) =>
        takeOutput(() => academicIdCommand(context, args)),
      )
      return { code, output: out + err }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return { code: 1, output: error.message }
    }
  }

  const importInto = (context: AppContext, rows: RegistryRow[]) =>
    importRows({ context } as Parameters<typeof importRows>[0], ...rows)

  return {
    set(changes) {
      Object.assign(settings, changes)
    },
    run,
    async json(...args) {
      const { code, output } = await run(...args, '--json')
      if (code !== 0) throw new Error(`academicid ${args.join(' ')}: ${code}\n${output}`)
      return JSON.parse(output)
    },
    importRows: (...rows) => within((context) => importInto(context, rows)),
    activate: (row) =>
      within(async (context) => {
        await importInto(context, [row])
        const account = await findAccountByUsername(row.username as string)
        if (!account) throw new Error(`${row.username} has no account`)
        const facts = { username: account.username, passwordHash: 'x' }
        const activation = { way: 'administrator' } as const
        await completeActivation(account._id, { ...facts, activation }, context.now())
      }),
    file: (name) => join(folder, name),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
