import type { RecoveryEventName, RecoveryFailure } from '../account/recovery.ts'
import {
  findRecoveryReport,
  type RecoveryReport,
  type RecoveryState,
} from '../account/recovery-report.ts'
import { normalizeReference } from '../activation/helpdesk.ts'
import { athensTime } from './activation-texts.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia account recovery show REF [--json]

Tells what became of the password recovery with the reference that the person reads out (K7F-2QX),
and why no code was sent: their page says none of it. Times are Greek. No code or full address is
shown. Do not tell callers more than they have proved to be entitled to.
`

const options = { json: { type: 'boolean', default: false } } as const

/** Why no code was sent, and what helps. */
const failureTexts: Record<RecoveryFailure, string> = {
  'unknown-username': 'No code was sent: there is no account with that username.',
  pending:
    'No code was sent: the account was never activated. The person activates it at /register.',
  disabled: 'No code was sent: an administrator has disabled the account.',
  expired: 'No code was sent: the account has expired.',
  'institutional-address':
    'No code was sent: the address is one of the institution, which opens with the forgotten password.',
  'no-contact':
    'No code was sent: the account keeps no contact for this way. Identify the person, then: propylaia account recovery-code USERNAME',
  'no-consent':
    'No code was sent: the person has not agreed that the contact is kept for recovery. Identify them, then: propylaia account recovery-code USERNAME',
  'contact-differs': 'No code was sent: the contact is not the one that the account keeps.',
}

const stateTexts: Record<RecoveryState, string> = {
  open: 'can still go on',
  done: 'finished: a new password was set',
  stopped: 'stopped',
  replaced: 'ended: the person started again',
  expired: 'not finished in time',
}

const eventTexts: Record<RecoveryEventName, string> = {
  asked: 'Asked for a code',
  'code-sent': 'A code was sent',
  'code-not-sent': 'No code was sent, and the page did not say so',
  'code-wrong': 'Typed a wrong code',
  'code-right': 'Typed the right code',
  'code-expired': 'The code had expired',
  'code-used-up': 'The code was cancelled after five wrong tries',
  'password-refused': 'Chose a password that the rules refuse',
  throttled: 'Had to wait: too many tries',
  stopped: 'Could not go on',
  done: 'Finished: a new password was set, everything else was signed out',
  replaced: 'Started again; this one ended',
}

/** `account recovery show`: see the usage above. */
export async function recoveryCommand(
  context: Pick<CliContext, 'messages' | 'now'>,
  args: string[],
): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const [action, given, ...more] = parsed.positionals
  if (action !== 'show' || given === undefined || more.length > 0) {
    return usageError('expected: account recovery show REF', usage)
  }
  const report = await findRecoveryReport(context, normalizeReference(given))
  if (!report) {
    process.stderr.write(
      `propylaia: no recovery has the reference "${given}"; they are kept for 180 days\n`,
    )
    return 1
  }
  const text = parsed.values.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report)
  process.stdout.write(text)
  return 0
}

function describe(report: RecoveryReport): string {
  const { failure, stoppedBy, code } = report
  const facts: [string, string | undefined][] = [
    ['reference', report.reference],
    ['state', stateTexts[report.state] + (stoppedBy ? ` (${stoppedBy})` : '')],
    ['page', report.step],
    ['username', report.username ?? 'of nobody'],
    ['account', report.standing],
    ['asked by', `${report.channel}${report.contact ? ` to ${report.contact}` : ''}`],
    ['account keeps', report.username && (report.kept.join(', ') || 'no contact with consent')],
    ['why', failure && failureTexts[failure]],
    ['language', report.language],
    ['started', athensTime(report.startedAt)],
    report.endedAt
      ? ['ended', athensTime(report.endedAt)]
      : ['expires', athensTime(report.expiresAt)],
    [
      'code good until',
      code && !failure ? `${athensTime(code.expiresAt)}, ${code.triesLeft} tries left` : undefined,
    ],
  ]
  const messages = report.messages.map(
    ({ at, channel, to, kind, state, lastError }) =>
      `  ${athensTime(at)}  ${channel} to ${to} (${kind}): ${state}${lastError ? `, ${lastError}` : ''}\n`,
  )
  const events = report.events.map(
    ({ at, name, detail }) =>
      `  ${athensTime(at)}  ${eventTexts[name]}${detail ? `: ${detail}` : ''}\n`,
  )
  return [
    ...facts.flatMap(([name, value]) => (value ? [`${name.padEnd(15)} ${value}\n`] : [])),
    ...(messages.length > 0 ? ['\nMessages\n', ...messages] : []),
    '\nWhat happened\n',
    ...events,
  ].join('')
}
