import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import mongoose from 'mongoose'
import pino from 'pino'
import { isAcademicId } from '../academicid/academic-id-registry.ts'
import { importRegistered } from '../academicid/registry-import.ts'
import { mergeIds, planMerge } from '../academicid/registry-merge.ts'
import { addToken, isTokenName, listTokens, revokeToken } from '../academicid/registry-tokens.ts'
import { findServerWarnings, startRegistryServer } from '../academicid/serve.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { openAuditLog } from '../audit/store-audit-log.ts'
import { type Config, readConfig } from '../config.ts'
import { stopSignal } from '../stop-signal.ts'
import { openStore } from '../store/connection.ts'
import { academicIdUsage as usage } from './academicid-usage.ts'
import { fail, readArguments, usageError } from './arguments.ts'

interface RegistryContext {
  readonly config: Config
  readonly audit: AuditLog
}

type Action = (context: RegistryContext, args: string[], values: Values) => Promise<number>

interface Values {
  json: boolean
  yes: boolean
}

const actions: Record<string, Action> = { serve, token, merge, import: importFile }

/** Commands on the registry's own store: it need not be an identity provider's. */
export function isRegistryCommand(name: string | undefined): boolean {
  return name !== undefined && Object.hasOwn(actions, name)
}

/** `academicid serve|token|merge|import`. */
export async function registryCommand(args: string[]): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
  } as const
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const [name, ...rest] = parsed.positionals
  const config = readConfig(process.env, 'academicid-registry')
  const store = await openStore(config, { embedded: 'auto' })
  // Results go to standard output; only what failed is logged.
  const audit = openAuditLog(pino({ level: 'warn' }, pino.destination(2)), () => new Date())
  try {
    await Promise.all(Object.values(mongoose.models).map((registered) => registered.init()))
    return await (actions[name as string] as Action)({ config, audit }, rest, parsed.values)
  } finally {
    await audit.close()
    await store.close()
  }
}

async function serve({ config }: RegistryContext, args: string[]): Promise<number> {
  if (args.length > 0) return usageError('expected: academicid serve', usage)
  const startedAt = Date.now()
  const stopped = stopSignal()
  const log = pino({ level: config.logLevel })
  const server = await startRegistryServer(config, log)
  for (const warning of await findServerWarnings(config)) log.warn(warning)
  const store = config.mongodbUri ? 'MongoDB (MONGODB_URI)' : `embedded, in ${config.dataDir}`
  process.stdout.write(
    `\n  AcademicID registry  http://${config.academicIdHost}:${server.port}\n` +
      `  Store                ${store}\n\n` +
      `  Ready in ${((Date.now() - startedAt) / 1000).toFixed(1)} s. Ctrl-C stops.\n`,
  )
  await stopped
  process.stderr.write('Stopping: finishing running requests …\n')
  await server.close()
  return 0
}

async function token(
  { audit }: RegistryContext,
  [action, name, ...more]: string[],
  values: Values,
): Promise<number> {
  const now = new Date()
  if (action === 'list' && name === undefined) {
    const tokens = (await listTokens()).map((entry) => ({
      name: entry._id,
      createdAt: entry.createdAt,
      revokedAt: entry.revokedAt,
    }))
    const line = ({ name: shown, createdAt, revokedAt }: (typeof tokens)[number]) =>
      `${shown.padEnd(30)} since ${createdAt.toISOString()}${revokedAt ? `, revoked ${revokedAt.toISOString()}` : ''}\n`
    return print(values, tokens, tokens.map(line).join('') || 'no tokens\n')
  }
  if ((action !== 'add' && action !== 'revoke') || name === undefined || more.length > 0) {
    return usageError('expected: academicid token add NAME|list|revoke NAME', usage)
  }
  if (!isTokenName(name)) {
    return usageError(
      `NAME is the institution's domain or the like: lower-case letters, digits, . and -, got "${name}"`,
      usage,
    )
  }
  if (action === 'revoke') {
    if (!(await revokeToken(name, now))) return fail(`"${name}" has no token that counts`)
    record(audit, 'academicid.token-revoke', { institution: name })
    return print(values, { name, revoked: true }, `${name}: revoked within a second or two\n`)
  }
  const made = await addToken(name, now)
  if (made === undefined) {
    return fail(`"${name}" has a token; revoke it first, or add one under another name`)
  }
  record(audit, 'academicid.token-add', { institution: name })
  return print(
    values,
    { name, token: made, createdAt: now },
    `${made}\nIt is shown this once: the institution sets it as ACADEMICID_TOKEN.\n`,
  )
}

async function merge(
  { audit }: RegistryContext,
  [keep, drop, ...more]: string[],
  values: Values,
): Promise<number> {
  if (!isAcademicId(keep) || !isAcademicId(drop) || keep === drop || more.length > 0) {
    return usageError('expected: academicid merge KEEP DROP, two different AcademicIDs', usage)
  }
  const plan = await planMerge(keep, drop)
  const missing = plan.kept === 0 ? keep : plan.dropped === 0 ? drop : undefined
  if (missing !== undefined) return fail(`the registry has no key of ${missing}`)
  if (!values.yes) {
    process.stderr.write(
      `propylaia: this gives ${plan.dropped} keys of ${drop} the id ${keep}, for good. ` +
        'Are both the same human being? Then again with --yes; nothing has been changed.\n',
    )
    return 1
  }
  const moved = await mergeIds(keep, drop)
  record(audit, 'academicid.merge', { keep, drop, keys: moved })
  return print(
    values,
    { keep, drop, keys: moved },
    `${moved} keys moved to ${keep}. Every institution now runs: propylaia academicid sync\n`,
  )
}

async function importFile(
  { audit }: RegistryContext,
  [file, ...more]: string[],
  values: Values,
): Promise<number> {
  if (file === undefined || more.length > 0) {
    return usageError('expected: academicid import FILE', usage)
  }
  const problems: object[] = []
  const input = createReadStream(file, 'utf8')
  try {
    const report = await importRegistered(createInterface({ input }), {
      now: new Date(),
      onProblem(problem) {
        if (values.json) problems.push(problem)
        else process.stdout.write(`line ${problem.line}: ${problemTexts[problem.reason]}\n`)
      },
    })
    record(audit, 'academicid.import', { file, ...report })
    const { lines, imported, unchanged, conflicts, malformed } = report
    print(
      values,
      { ...report, problems },
      `${lines} lines: ${imported} imported, ${unchanged} there already, ${conflicts} conflicts, ${malformed} malformed\n`,
    )
    return conflicts + malformed > 0 ? 1 : 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    return fail(`"${file}" cannot be read: ${(error as Error).message}`)
  }
}

const problemTexts = {
  MALFORMED: 'no {"key","academicId"} as academicid export writes it (MALFORMED)',
  CONFLICT:
    'the key has another id already, which stays; the institution’s next sync takes it over (CONFLICT)',
} as const

function record(
  audit: AuditLog,
  event: string,
  details: Readonly<Record<string, string | number>>,
): void {
  audit.record({ event, result: 'success', details: { ...details, by: 'command line' } })
}

function print(values: Values, json: object, text: string): 0 {
  process.stdout.write(values.json ? `${JSON.stringify(json, null, 2)}\n` : text)
  return 0
}
