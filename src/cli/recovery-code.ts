import { once } from 'node:events'
import cliProgress from 'cli-progress'
import { accountStanding } from '../people/account.ts'
import { findAccountByUsername, normalizeUsername } from '../people/people-store.ts'
import { issueRecoveryCode } from '../people/recovery-code.ts'
import {
  type BulkReport,
  countPending,
  type IssuedPerson,
  issueRecoveryCodes,
} from '../people/recovery-code-bulk.ts'
import { type RoleChoice, roleChoices } from '../people/role-choice.ts'
import { fail, readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia account recovery-code USERNAME [--days N] [--json]
       propylaia account recovery-code --all-pending --csv [--bom] [--days N]
           [--department CODE] [--role student|staff|affiliate] [--only-without] [--json]

Makes one-time passphrases for /register/code: people who are not activated yet do so with it; who is
active, or locked, sets a new password. Each is shown once, here, and is good for 30 days or --days; a
new one voids the person's earlier one. Give it only to whom you have identified.

  --all-pending   for every account that is not activated
  --csv           as a table on standard output; --json: one JSON object a line instead
  --bom           begins the table with a byte order mark, for spreadsheets that need one
  --only-without  leaves alone who holds a passphrase that is still good
`

const options = {
  'all-pending': { type: 'boolean', default: false },
  csv: { type: 'boolean', default: false },
  bom: { type: 'boolean', default: false },
  days: { type: 'string', default: '30' },
  department: { type: 'string' },
  role: { type: 'string' },
  'only-without': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

const maxDays = 365
const columns = [
  'username',
  'lastName',
  'firstName',
  'department',
  'registrationNumber',
  'passphrase',
  'expiresAt',
] as const
type Line = Record<(typeof columns)[number], string>

type Needs = Pick<CliContext, 'secrets' | 'audit' | 'now'>

/** `account recovery-code`: see the usage above. */
export async function recoveryCodeCommand(context: Needs, args: string[]): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { values, positionals } = parsed
  const days = Number(values.days)
  if (!Number.isInteger(days) || days < 1 || days > maxDays) {
    return usageError(`--days: must be a whole number from 1 to ${maxDays}`, usage)
  }
  if (!values['all-pending']) {
    const [given, ...more] = positionals
    const isBulkOnly =
      values.csv ||
      values.bom ||
      values['only-without'] ||
      values.department !== undefined ||
      values.role !== undefined
    if (given === undefined || more.length > 0 || isBulkOnly) {
      return usageError('expected: account recovery-code USERNAME, or --all-pending --csv', usage)
    }
    return issueOne(context, given, days, values.json)
  }
  if (positionals.length > 0) return usageError('give a USERNAME or --all-pending, not both', usage)
  if (values.csv === values.json || (values.bom && !values.csv)) {
    return usageError('--all-pending needs --csv (with --bom or not) or --json', usage)
  }
  const role = roleChoices.find((choice) => choice === values.role)
  if (values.role !== undefined && role === undefined) {
    return usageError(`--role: must be one of ${roleChoices.join(', ')}`, usage)
  }
  return issueAll(context, { ...values, role, days, onlyWithout: values['only-without'] })
}

async function issueOne(
  context: Needs,
  given: string,
  days: number,
  json: boolean,
): Promise<number> {
  const username = normalizeUsername(given)
  const account = await findAccountByUsername(username)
  if (!account) return fail(`there is no account "${username}"`)
  const standing = accountStanding(account, context.now())
  if (standing === 'disabled' || standing === 'expired') {
    return fail(`the account "${username}" is ${standing}; a passphrase would not open it`)
  }
  const passphrase = await issueRecoveryCode(context, account._id, { days })
  record(context, account._id, username, days)
  const expiresAt = athensTime(new Date(context.now().getTime() + days * 86_400_000))
  const text = json
    ? `${JSON.stringify({ username, passphrase, expiresAt }, null, 2)}\n`
    : `${username}: ${passphrase}\nGood until ${expiresAt} (Greece), once, at /register/code\n`
  process.stdout.write(text)
  return 0
}

async function issueAll(
  context: Needs,
  asked: {
    csv: boolean
    bom: boolean
    days: number
    department?: string
    role?: RoleChoice
    onlyWithout: boolean
  },
): Promise<number> {
  const bar = await startBar()
  if (asked.csv) await print(`${asked.bom ? '\uFEFF' : ''}${columns.join(',')}\r\n`)
  const report = await issueRecoveryCodes(context, {
    days: asked.days,
    onlyWithout: asked.onlyWithout,
    ...(asked.role === undefined ? {} : { role: asked.role }),
    ...(asked.department === undefined ? {} : { departmentCode: asked.department }),
    async onIssued(people) {
      for (const { accountId, username } of people) record(context, accountId, username, asked.days)
      await print(people.map((entry) => (asked.csv ? csvLine(entry) : jsonLine(entry))).join(''))
    },
    onProgress: (seen) => bar?.update(seen),
  }).finally(() => bar?.stop())
  process.stderr.write(describe(report))
  return 0
}

/** On standard error, and only while the table goes elsewhere. */
async function startBar(): Promise<cliProgress.SingleBar | undefined> {
  if (!process.stderr.isTTY || process.stdout.isTTY) return undefined
  const bar = new cliProgress.SingleBar({
    format: 'Issuing {bar} {percentage} %, {value} of {total}, about {eta_formatted} left',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  })
  bar.start(await countPending(), 0)
  return bar
}

function lineOf({ username, person, role, passphrase, code }: IssuedPerson): Line {
  return {
    username,
    lastName: person.lastName.el,
    firstName: person.firstName.el,
    department: role.departmentName?.el ?? role.departmentCode ?? '',
    registrationNumber: role.registrationNumber ?? '',
    passphrase,
    expiresAt: athensTime(code.expiresAt),
  }
}

function jsonLine(issued: IssuedPerson): string {
  return `${JSON.stringify(lineOf(issued))}\n`
}

/** RFC 4180. */
function csvLine(issued: IssuedPerson): string {
  const line = lineOf(issued)
  return `${columns.map((column) => csvField(line[column])).join(',')}\r\n`
}

/** A spreadsheet would run what begins with = + - @ (or a tab or return) as a formula. */
function csvField(value: string): string {
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

const timeFormat = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Athens',
  dateStyle: 'short',
  timeStyle: 'short',
})

/** `2026-12-22 14:05` in Greece: people read it on paper. */
function athensTime(at: Date): string {
  return timeFormat.format(at)
}

function describe(report: BulkReport): string {
  const leftOut = [
    [report.noUsername, 'have no username, so no account'],
    [report.noRole, 'have no role left to activate'],
    [report.accountExpired, 'have an account that expired'],
    [report.hasCode, 'hold a passphrase that is still good'],
    [report.changedMeanwhile, 'were activated or changed meanwhile'],
  ] as const
  const lines = leftOut
    .filter(([count]) => count > 0)
    .map(([count, why]) => `  ${count} ${why}\n`)
    .join('')
  const end = lines === '' ? 'nobody was left out' : `left out:\n${lines.trimEnd()}`
  return `passphrases issued: ${report.issued}; ${end}\n`
}

/** Waits for a slow reader: a table of 80,000 lines must not pile up in memory. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

function record(context: Needs, personId: string, username: string, days: number): void {
  context.audit.record({
    event: 'account.recovery-code',
    result: 'success',
    personId,
    username,
    details: { by: 'command line', days },
  })
}
