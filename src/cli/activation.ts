import { type FunnelRow, funnelStages, readFunnel } from '../activation/funnel.ts'
import {
  type AttemptReport,
  type CodeTryReport,
  findAttemptReport,
  findCodeTry,
  listAttempts,
  listCodeTries,
  normalizeReference,
} from '../activation/helpdesk.ts'
import { findAccountByUsername, normalizeUsername } from '../people/people-store.ts'
import { athensDate } from '../people/person.ts'
import { viewsDir } from '../web/render.ts'
import { loadMessages, type Messages as Sentences } from '../web/translate.ts'
import { athensTime, codeTexts, eventText, stateTexts } from './activation-texts.ts'
import { fail, readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia activation show REF [--json]
       propylaia activation list USERNAME [--json]
       propylaia activation funnel [--days N] [--json]

show tells what happened in the activation with the reference that the person reads out (K7F-2QX),
and why it stopped. list names the activations of one person. funnel counts how far activations came,
by day and role, for 30 days or --days. Times are Greek. No PIN, number or full address is shown.
`

const options = {
  days: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

const maxDays = 3660

type Needs = Pick<CliContext, 'messages' | 'now'>

/** `activation show|list|funnel`: see the usage above. */
export async function activationCommand(context: Needs, args: string[]): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { values, positionals } = parsed
  const [action, subject, ...more] = positionals
  if (values.days !== undefined && action !== 'funnel') {
    return usageError('--days is for activation funnel', usage)
  }
  if (action === 'funnel' && subject === undefined) {
    const days = Number(values.days ?? '30')
    if (!Number.isInteger(days) || days < 1 || days > maxDays) {
      return usageError(`--days: must be a whole number from 1 to ${maxDays}`, usage)
    }
    return showFunnel(context, days, values.json)
  }
  if (subject !== undefined && more.length === 0) {
    if (action === 'show') return showAttempt(context, subject, values.json)
    if (action === 'list') return listOfPerson(context, subject, values.json)
  }
  return usageError('expected: activation show REF, list USERNAME or funnel', usage)
}

async function showAttempt(context: Needs, given: string, json: boolean): Promise<number> {
  const reference = normalizeReference(given)
  const attempt = await findAttemptReport(context, reference)
  if (attempt) {
    return print(json, { way: 'pin', ...attempt }, () =>
      describeAttempt(attempt, englishSentences()),
    )
  }
  const codeTry = await findCodeTry(reference)
  if (codeTry) {
    return print(json, { way: 'passphrase', ...codeTry }, () => describeCodeTry(codeTry))
  }
  return fail(`no activation has the reference "${given}"; they are kept for 180 days`)
}

async function listOfPerson(context: Needs, given: string, json: boolean): Promise<number> {
  const username = normalizeUsername(given)
  const account = await findAccountByUsername(username)
  if (!account) return fail(`there is no account "${username}"`)
  const [attempts, codeTries] = await Promise.all([
    listAttempts(account._id, context.now()),
    listCodeTries(account._id),
  ])
  const lines = [
    ...attempts.map((attempt) => ({ at: attempt.startedAt, text: summaryOf(attempt) })),
    ...codeTries.map((entry) => ({ at: entry.at, text: summaryOfCode(entry) })),
  ].sort((a, b) => b.at.getTime() - a.at.getTime())
  const { state, recoveryCode } = account
  const paper = recoveryCode && {
    issuedAt: recoveryCode.issuedAt,
    expiresAt: recoveryCode.expiresAt,
    triesLeft: recoveryCode.triesLeft,
  }
  return print(json, { username, state, paper, attempts, codeTries }, () => {
    const until = paper
      ? `; passphrase on paper until ${athensTime(paper.expiresAt)}, ${paper.triesLeft} tries left`
      : ''
    const head = `${username}: ${state}${until}\n`
    if (lines.length === 0) return `${head}No activation has come as far as telling who it is.\n`
    return head + lines.map(({ text }) => `${text}\n`).join('')
  })
}

async function showFunnel(context: Needs, days: number, json: boolean): Promise<number> {
  const since = athensDate(new Date(context.now().getTime() - (days - 1) * 86_400_000))
  const rows = await readFunnel(since)
  return print(json, { since, rows }, () => funnelTable(rows, since))
}

function describeAttempt(attempt: AttemptReport, sentences: Sentences): string {
  const explain = (code: string) => {
    const title = sentences.get(`errors.${code}.title`)
    return typeof title === 'string' ? title : undefined
  }
  const { pin, stoppedBy } = attempt
  const why = stoppedBy && `${explain(stoppedBy) ?? stoppedBy} (${stoppedBy})`
  const facts: [string, string | undefined][] = [
    ['reference', attempt.reference],
    ['state', stateTexts[attempt.state] + (why ? `: ${why}` : '')],
    ['page', attempt.step],
    ['role', attempt.role && attempt.role + (attempt.isSecondRole ? ', on an active account' : '')],
    ['username', attempt.username],
    ['language', attempt.language],
    ['started', athensTime(attempt.startedAt)],
    attempt.endedAt
      ? ['ended', athensTime(attempt.endedAt)]
      : ['expires', athensTime(attempt.expiresAt)],
    ['contact', attempt.contacts.join(', ') || undefined],
    ['shared by', (attempt.candidates ?? 0) > 1 ? `${attempt.candidates} people` : undefined],
    ['PINs sent', String(attempt.pinsSent)],
    ['PIN good until', pin && `${athensTime(pin.expiresAt)}, ${pin.triesLeft} tries left`],
    ['PIN proved', attempt.proven?.join(', ') || undefined],
    [
      'fact asked',
      attempt.fact &&
        attempt.fact +
          (attempt.factTriesLeft === undefined ? '' : `, ${attempt.factTriesLeft} tries left`),
    ],
    ['number checked', attempt.numberCheckedBy && `by the ${attempt.numberCheckedBy} registry`],
  ]
  const messages = attempt.messages.map(
    ({ at, channel, to, kind, state, tries, lastError }) =>
      `  ${athensTime(at)}  ${channel} to ${to} (${kind}): ${state}, ${tries} ${tries === 1 ? 'try' : 'tries'}${lastError ? `, ${lastError}` : ''}\n`,
  )
  const events = attempt.events.map(
    (event) => `  ${athensTime(event.at)}  ${eventText(event, explain)}\n`,
  )
  return [
    factLines(facts),
    ...(messages.length > 0 ? ['\nMessages\n', ...messages] : []),
    '\nWhat happened\n',
    ...events,
  ].join('')
}

function describeCodeTry(entry: CodeTryReport): string {
  return factLines([
    ['reference', entry.reference],
    ['way', 'passphrase on paper (/register/code)'],
    ['at', athensTime(entry.at)],
    ['username', entry.username],
    ['result', codeOutcome(entry)],
  ])
}

function summaryOf({ reference, startedAt, role, state, step, stoppedBy }: AttemptReport): string {
  const where = state === 'done' ? '' : `, page ${step}`
  const why = stoppedBy === undefined ? '' : `, ${stoppedBy}`
  return `${reference}  ${athensTime(startedAt)}  ${role ?? '-'}: ${stateTexts[state]}${where}${why}`
}

function summaryOfCode(entry: CodeTryReport): string {
  return `${entry.reference}  ${athensTime(entry.at)}  passphrase: ${codeOutcome(entry)}`
}

function codeOutcome({ result, reason, isRenewal }: CodeTryReport): string {
  if (isRenewal) return 'The account, active before, has a new password.'
  if (result === 'success') return 'The account was activated.'
  return codeTexts[reason ?? ''] ?? reason ?? 'It was refused.'
}

function funnelTable(rows: readonly FunnelRow[], since: string): string {
  if (rows.length === 0) return `No activation since ${since}.\n`
  const header = ['day', 'role', ...funnelStages]
  const totals = funnelStages.map((stage) =>
    rows.reduce((sum, row) => sum + row[stage], 0).toString(),
  )
  const table = [
    header,
    ...rows.map((row) => [row.day, row.role, ...funnelStages.map((stage) => String(row[stage]))]),
    ['all', '', ...totals],
  ]
  const widths = header.map((_, column) =>
    Math.max(...table.map((row) => (row[column] as string).length)),
  )
  const pad = (cell: string, column: number) =>
    column < 2 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number)
  return table.map((row) => `${row.map(pad).join('  ').trimEnd()}\n`).join('')
}

function factLines(facts: readonly (readonly [string, string | undefined])[]): string {
  return facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(15)} ${value}\n`)
    .join('')
}

/** The titles of the pages that people saw, in the language of the command line. */
function englishSentences(): Sentences {
  return loadMessages(viewsDir, 'en')
}

function print(json: boolean, value: object, text: () => string): 0 {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text())
  return 0
}
