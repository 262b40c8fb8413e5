import { randomInt } from 'node:crypto'
import { hashPassword } from '../login/password.ts'
import { passwordOwner } from '../passwords/password-owner.ts'
import { findPasswordProblems } from '../passwords/password-policy.ts'
import { passwordRules } from '../passwords/password-rules.ts'
import type { Account } from '../people/account.ts'
import { releaseAccount, stopAccount } from '../people/account-state.ts'
import { completeActivation } from '../people/activation.ts'
import {
  findAccount,
  findAccountByUsername,
  findPerson,
  normalizeUsername,
} from '../people/people-store.ts'
import { importRegistry } from '../people/registry-import.ts'
import { type RegistryColumn, registryColumns } from '../people/registry-record.ts'
import { rejectionText, rejectionTexts } from '../people/rejection-texts.ts'
import { isUsername } from '../people/username.ts'
import { assignUsername } from '../people/username-assignment.ts'
import { accountFacts, factLines } from './account-facts.ts'
import { fail, readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { deletionRequestsCommand } from './deletion-requests.ts'
import { endAndTell } from './end-and-tell.ts'
import { passwordProblemText } from './password-texts.ts'
import { recoveryCommand } from './recovery.ts'
import { recoveryCodeCommand } from './recovery-code.ts'
import { withdrawNumberCommand } from './withdraw-number.ts'

const usage = `Usage: propylaia account create USERNAME [--record SOURCE:ID | person] [--activate [--password-stdin]]
       propylaia account show USERNAME [--json]
       propylaia account disable|lock USERNAME [--reason TEXT] [--json]
       propylaia account enable|unlock USERNAME [--json]
       propylaia account recovery-code USERNAME | --all-pending --csv   (recovery-code --help)
       propylaia account recovery show REF
       propylaia account withdraw-number USERNAME COUNTRY --reason TEXT (withdraw-number --help)
       propylaia account requests [--all] | requests done REFERENCE     (requests --help)

create makes the account of somebody the registry knows without one (--record), or of a new person:
  --role student|faculty|staff|affiliate --first-name-el X --last-name-el X
  and, as in the registry file, --first-name-en --last-name-en --father-name-el --birth-date
  --gender --citizenship --mobile --email --department-code --registration-number …
National numbers are not given here, where other users of the machine see them: import a file.
--activate gives the account (a pending one too) a password: the first line of standard input with
--password-stdin, else one that is made up and printed once.
disable and lock also end the person's sign-ins and tell the services in them, within 5 seconds.
`

type Needs = CliContext

/** Columns that have no flag: set by the command, or not for a command line. */
const noFlag: ReadonlySet<RegistryColumn> = new Set([
  'source',
  'sourceId',
  'status',
  'username',
  'amka',
  'ssn',
  'ssnCountry',
  'afm',
  'afmCountry',
])

const columnFlags = new Map(
  registryColumns
    .filter((column) => !noFlag.has(column))
    .map((column) => [column.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), column]),
)

const options = {
  json: { type: 'boolean', default: false },
  reason: { type: 'string' },
  record: { type: 'string' },
  activate: { type: 'boolean', default: false },
  'password-stdin': { type: 'boolean', default: false },
} as const

interface Values {
  json: boolean
  reason?: string
  record?: string
  activate: boolean
  'password-stdin': boolean
}

type Action = (context: Needs, username: string, values: Values, args: Facts) => Promise<number>
type Facts = Partial<Record<RegistryColumn, string>>

const actions: Record<string, Action> = {
  create: createAccount,
  show: showAccount,
  disable: (context, username, values) => stop(context, username, 'disabled', values),
  lock: (context, username, values) => stop(context, username, 'locked', values),
  enable: (context, username, values) => release(context, username, 'disabled', values),
  unlock: (context, username, values) => release(context, username, 'locked', values),
}

/** `account create|show|disable|enable|lock|unlock|recovery-code`: see the usage above. */
export async function accountCommand(context: Needs, args: string[]): Promise<number> {
  if (args[0] === 'recovery-code') return recoveryCodeCommand(context, args.slice(1))
  if (args[0] === 'recovery') return recoveryCommand(context, args.slice(1))
  if (args[0] === 'withdraw-number') return withdrawNumberCommand(context, args.slice(1))
  if (args[0] === 'requests') return deletionRequestsCommand(context, args.slice(1))
  const flags = Object.fromEntries(
    [...columnFlags.keys()].map((flag) => [flag, { type: 'string' }]),
  )
  const parsed = readArguments(args, { ...flags, ...options } as typeof options, usage)
  if (typeof parsed === 'number') return parsed
  const [name, given, ...more] = parsed.positionals
  const action = name !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined
  if (!action || given === undefined || more.length > 0) {
    return usageError('expected: account create|show|disable|enable|lock|unlock USERNAME', usage)
  }
  const username = normalizeUsername(given)
  if (!isUsername(username)) {
    return usageError(`username "${given}" ${rejectionTexts.USERNAME_PATTERN}`, usage)
  }
  const facts: Facts = {}
  for (const [flag, value] of Object.entries(parsed.values)) {
    const column = columnFlags.get(flag)
    if (column) facts[column] = String(value)
  }
  return action(context, username, parsed.values as Values, facts)
}

async function createAccount(
  context: Needs,
  username: string,
  values: Values,
  facts: Facts,
): Promise<number> {
  if (values['password-stdin'] && !values.activate) {
    return usageError('--password-stdin needs --activate', usage)
  }
  const byHand = Object.keys(facts).length > 0
  if (values.record !== undefined && byHand) {
    return usageError('give --record or the facts of a new person, not both', usage)
  }
  let account = await findAccountByUsername(username)
  const isNew = account === null
  if (account && (!values.activate || byHand || values.record !== undefined)) {
    return fail(`there is an account "${username}" already`)
  }
  if (!account) {
    const problem =
      values.record === undefined
        ? await addPerson(context, username, facts)
        : await assignUsername(values.record, username)
    if (problem !== undefined) return fail(problem)
    account = await findAccountByUsername(username)
    if (!account) return fail(`"${username}" was not created: somebody else was faster`)
    record(context, 'account.create', account)
  }
  if (values.activate) return activate(context, account, values)
  return print(values, { username, state: account.state, created: isNew }, `${username}: pending\n`)
}

/** A person by hand is a row of the source `manual`, checked like every other. */
async function addPerson(
  context: Needs,
  username: string,
  facts: Facts,
): Promise<string | undefined> {
  if (facts.role === undefined) {
    return `no record has the username "${username}"; give --record SOURCE:ID, or --role and names for a new person`
  }
  const problems: string[] = []
  const row = { ...facts, source: 'manual', sourceId: username, username }
  await importRegistry([{ line: 1, row }], {
    secrets: context.secrets,
    scope: context.config.scope,
    departments: context.institution.departments,
    now: context.now,
    onRejected: (rejected) => {
      for (const { column, value, reason } of rejected.problems) {
        problems.push(`${column} "${value}" ${rejectionText(column, reason)}`)
      }
    },
  })
  return problems.length > 0 ? problems.join('\npropylaia: ') : undefined
}

async function activate(context: Needs, account: Account, values: Values): Promise<number> {
  const made = values['password-stdin'] ? undefined : makePassword()
  const password = made ?? (await readFirstLine(process.stdin))
  if (made === undefined) {
    const person = (await findPerson(account._id)) ?? undefined
    const owner = passwordOwner(context, person, account)
    const policy = { rules: passwordRules(context.institution), owner }
    const problems = findPasswordProblems(password, policy).map(passwordProblemText)
    if (problems.length > 0) return fail(problems.join('\npropylaia: '))
  }
  const { username } = account
  const outcome = await completeActivation(
    account._id,
    {
      username,
      passwordHash: await hashPassword(password),
      activation: { way: 'administrator' },
    },
    context.now(),
  )
  if (outcome === 'username-changed') {
    return fail(`the source has just given "${username}" another username; find it and try again`)
  }
  if (outcome === 'not-pending') {
    const state = (await findAccount(account._id))?.state ?? 'gone'
    return fail(`the account "${username}" is ${state}, not pending`)
  }
  record(context, 'account.activate', account)
  const text = made ? `password: ${made}\n` : ''
  return print(
    values,
    { username: account.username, state: 'active', ...(made ? { password: made } : {}) },
    `${account.username}: active\n${text}`,
  )
}

async function showAccount(context: Needs, username: string, values: Values): Promise<number> {
  const account = await findAccountByUsername(username)
  if (!account) return fail(`there is no account "${username}"`)
  const facts = await accountFacts(context, account)
  return print(values, facts, factLines(facts))
}

async function stop(
  context: Needs,
  username: string,
  state: 'disabled' | 'locked',
  values: Values,
): Promise<number> {
  const { reason } = values
  const account = await findAccountByUsername(username)
  if (!account) return fail(`there is no account "${username}"`)
  const stopped = await stopAccount(account._id, state, reason)
  // Also when it was stopped before: the run that stopped it may not have come this far.
  const { sessions, services, lines } = await endAndTell(context, account._id)
  if (!stopped) return fail(`the account "${username}" is ${account.state}`)
  record(context, state === 'disabled' ? 'account.disable' : 'account.lock', account, reason)
  return print(
    values,
    { username, state, sessionsEnded: sessions, services },
    `${username}: ${state}; ${sessions} sign-ins ended\n${lines.join('')}`,
  )
}

async function release(
  context: Needs,
  username: string,
  from: 'disabled' | 'locked',
  values: Values,
): Promise<number> {
  const account = await findAccountByUsername(username)
  if (!account) return fail(`there is no account "${username}"`)
  const state = await releaseAccount(account, from)
  if (state === undefined) return fail(`the account "${username}" is ${account.state}, not ${from}`)
  record(context, from === 'disabled' ? 'account.enable' : 'account.unlock', account)
  return print(values, { username, state }, `${username}: ${state}\n`)
}

function record(context: Needs, event: string, account: Account, reason?: string): void {
  context.audit.record({
    event,
    result: 'success',
    personId: account._id,
    username: account.username,
    details: { by: 'command line', ...(reason === undefined ? {} : { reason }) },
  })
}

function print(values: Values, json: object, text: string): 0 {
  process.stdout.write(values.json ? `${JSON.stringify(json, null, 2)}\n` : text)
  return 0
}

/** 99 bits, in groups that can be read out over a telephone: no 0/o, 1/l/i. */
function makePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  const group = () => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return [group(), group(), group(), group()].join('-')
}

async function readFirstLine(input: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of input) {
    text += chunk.toString()
    if (text.includes('\n')) break
  }
  return (text.split('\n', 1)[0] as string).replace(/\r$/, '')
}
