import { settledAccounts, unsettled, walkAccounts } from '../academicid/account-walk.ts'
import { settleSharedKey } from '../academicid/shared-keys.ts'
import { academicIdStatus, type ConflictReport, listConflicts } from '../academicid/status.ts'
import { type SyncOutcome, syncAcademicId } from '../academicid/sync.ts'
import type { Account } from '../people/account.ts'
import { accounts, normalizeUsername } from '../people/people-store.ts'
import { exportCommand } from './academicid-export.ts'
import { academicIdUsage as usage } from './academicid-usage.ts'
import { fail, readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { ProgressBar } from './progress-bar.ts'

export type AcademicIdNeeds = Pick<
  CliContext,
  'config' | 'secrets' | 'audit' | 'academicIds' | 'now'
>

interface Values {
  json: boolean
  all: boolean
  'dry-run': boolean
}

type Action = (context: AcademicIdNeeds, values: Values, args: string[]) => Promise<number>

const actions: Record<string, Action> = {
  status,
  conflicts,
  allocate,
  sync,
  rekey,
  export: exportCommand,
}

/** `academicid …` on the institution's side; the registry's is in academicid-registry.ts. */
export async function academicIdCommand(context: AcademicIdNeeds, args: string[]): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
  } as const
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const [name = '', ...rest] = parsed.positionals
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  const mayHaveArgument = name === 'allocate' || name === 'export'
  if (!action || rest.length > (mayHaveArgument ? 1 : 0)) {
    return usageError('expected: academicid status, conflicts, allocate, sync, …', usage)
  }
  return action(context, parsed.values, rest)
}

async function status(context: AcademicIdNeeds, { json }: Values): Promise<number> {
  const report = await academicIdStatus(context)
  const { registry, host, sharedKeys, activated, allocated, waiting, lastError } = report
  const lines = [
    `registry    ${host ?? registry}`,
    `shared keys ${sharedKeys.join(', ')} (fingerprints)`,
    `activated   ${activated}`,
    `have an id  ${allocated}`,
    `wait        ${waiting}`,
    `conflicts   ${report.conflicts}`,
  ]
  if (lastError) {
    const { error, since, tries } = lastError
    lines.push(`last error  ${error} (${tries} tries since ${since.toISOString()})`)
  }
  return print(json, report, `${lines.join('\n')}\n`)
}

async function conflicts(context: AcademicIdNeeds, { json }: Values): Promise<number> {
  const found = await listConflicts(context)
  return print(json, found, found.map(conflictLine).join('') || 'no conflicts\n')
}

const conflictTexts: Record<ConflictReport['kind'], string> = {
  'two-ids': 'the numbers have two ids',
  taken: 'somebody else here has the id of these numbers',
  'unknown-id': 'the registry does not know the id',
}

function conflictLine(conflict: ConflictReport): string {
  const { username, kind, at, academicId = 'no id', otherId, nationalNumbers } = conflict
  const other = otherId === undefined ? '' : `, the other is ${otherId}`
  const numbers = nationalNumbers.join(', ') || 'no number'
  return `${username}  ${at.toISOString()}  ${conflictTexts[kind]}: has ${academicId}${other}; ${numbers}\n`
}

async function allocate(
  context: AcademicIdNeeds,
  { json, all }: Values,
  [given]: string[],
): Promise<number> {
  if (all === (given !== undefined)) {
    return usageError('expected: academicid allocate USERNAME, or allocate --all', usage)
  }
  await context.academicIds.passOnChangedNumbers()
  const filter =
    given === undefined
      ? unsettled
      : { username: normalizeUsername(given), activatedAt: { $exists: true } }
  const total = await accounts().countDocuments(filter)
  if (given !== undefined && total === 0) {
    return fail(`there is no activated account "${given}"`)
  }
  const counts = { allocated: 0, 'had-one': 0, conflict: 0, gone: 0 }
  const stopped = await walk('Allocating', filter, total, async (account) => {
    counts[await context.academicIds.allocate(account)]++
  })
  const report = {
    accounts: total,
    allocated: counts.allocated,
    hadOne: counts['had-one'],
    conflicts: counts.conflict,
  }
  record(context, 'academicid.allocate-all', report, stopped)
  print(
    json,
    { ...report, ...(stopped === undefined ? {} : { stopped }) },
    `${total} accounts: ${report.allocated} got an AcademicID, ${report.hadOne} had one, ${report.conflicts} conflicts\n`,
  )
  return stopped === undefined ? 0 : failUnreachable(stopped)
}

async function sync(context: AcademicIdNeeds, values: Values): Promise<number> {
  const { json } = values
  const counts: Record<SyncOutcome, number> = { unchanged: 0, changed: 0, missing: 0, conflict: 0 }
  const notable: { username: string; outcome: SyncOutcome }[] = []
  const total = await accounts().countDocuments(settledAccounts)
  const allocation = { ...context, ...context.academicIds }
  const stopped = await walk('Reading', settledAccounts, total, async (account) => {
    const outcome = await syncAcademicId(allocation, account, values['dry-run'])
    counts[outcome]++
    if (outcome === 'unchanged') return
    notable.push({ username: account.username, outcome })
    if (outcome === 'changed' && !values['dry-run']) {
      context.audit.record({
        event: 'academicid.change',
        result: 'success',
        personId: account._id,
        username: account.username,
        details: { by: 'command line' },
      })
    }
  })
  const report = { accounts: total, ...counts }
  if (!values['dry-run']) record(context, 'academicid.sync', report, stopped)
  const list = notable.map(({ username, outcome }) => `${username}  ${outcome}\n`).join('')
  print(
    json,
    { ...report, people: notable, ...(stopped === undefined ? {} : { stopped }) },
    `${list}${total} accounts: ${counts.changed} ${values['dry-run'] ? 'would change' : 'changed'}, ` +
      `${counts.unchanged} unchanged, ${counts.missing} not in the registry, ${counts.conflict} conflicts\n`,
  )
  if (stopped !== undefined) return failUnreachable(stopped)
  return counts.missing + counts.conflict > 0 ? 1 : 0
}

async function rekey(context: AcademicIdNeeds, { json }: Values): Promise<number> {
  const { academicIds } = context
  const counts = { allocated: 0, 'had-one': 0, conflict: 0, gone: 0 }
  const total = await accounts().countDocuments(settledAccounts)
  const stopped = await walk('Registering', settledAccounts, total, async (account) => {
    counts[await academicIds.allocate(account)]++
  })
  // From now on the keys behind the first may be taken away.
  if (stopped === undefined) await settleSharedKey(academicIds.sharedKeys[0] as Buffer)
  const report = { accounts: total, registered: counts['had-one'], conflicts: counts.conflict }
  record(context, 'academicid.rekey', report, stopped)
  print(
    json,
    { ...report, isComplete: stopped === undefined },
    `${total} accounts: ${report.registered} under the key in use, ${report.conflicts} conflicts\n`,
  )
  return stopped === undefined ? 0 : failUnreachable(stopped)
}

async function walk(
  what: string,
  filter: Parameters<typeof walkAccounts>[0],
  total: number,
  visit: (account: Account) => Promise<void>,
): Promise<string | undefined> {
  const bar = new ProgressBar(what, total)
  try {
    return await walkAccounts(filter, async (account) => {
      await visit(account)
      bar.step()
    })
  } finally {
    bar.stop()
  }
}

function record(
  { audit }: AcademicIdNeeds,
  event: string,
  details: Readonly<Record<string, number>>,
  stopped: string | undefined,
): void {
  audit.record({
    event,
    result: stopped === undefined ? 'success' : 'failure',
    ...(stopped === undefined ? {} : { reason: 'unreachable' }),
    details: { ...details, by: 'command line' },
  })
}

function print(json: boolean, report: object, text: string): 0 {
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : text)
  return 0
}

function failUnreachable(reason: string): 1 {
  return fail(
    `the AcademicID registry does not answer: ${reason}. What was done is done; the same command goes on from there.`,
  )
}
