import { maskContact } from '../messages/mask.ts'
import type { MessageRecord } from '../messages/message-model.ts'
import { listMessages, putBack, type RetryProblem } from '../messages/message-store.ts'
import { giveUpAt } from '../messages/retry.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia messages list [--failed] [--limit N] [--json]
       propylaia messages retry ID [--json]

list shows the newest messages of the last 90 days, 50 when --limit does not say otherwise; --failed
only those that were not accepted. Texts, PINs and whole addresses are not shown.
retry gives a failed message another ten minutes. Messages with a PIN or code cannot be tried again,
because their text is never kept: the person asks for a new one.
`

const defaultLimit = 50
const maxLimit = 10_000

type Needs = Pick<CliContext, 'now' | 'audit'>

/** `messages list|retry`: see the usage above. */
export async function messagesCommand(context: Needs, args: string[]): Promise<number> {
  const options = {
    failed: { type: 'boolean', default: false },
    limit: { type: 'string', default: String(defaultLimit) },
    json: { type: 'boolean', default: false },
  } as const
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { values, positionals } = parsed
  const [action, id, ...more] = positionals
  if (action === 'retry' && id !== undefined && more.length === 0)
    return retry(context, id, values.json)
  if (action !== 'list' || id !== undefined) {
    return usageError('expected: messages list, or messages retry ID', usage)
  }
  const limit = Number(values.limit)
  if (!/^\d+$/.test(values.limit) || limit < 1 || limit > maxLimit) {
    return usageError(`--limit is a number from 1 to ${maxLimit}, got "${values.limit}"`, usage)
  }
  const messages = (await listMessages({ onlyFailed: values.failed, limit })).map(shown)
  process.stdout.write(
    values.json
      ? `${JSON.stringify(messages, null, 2)}\n`
      : messages.map(line).join('') || 'no messages\n',
  )
  return 0
}

/** What admins see of a message. */
function shown(record: MessageRecord) {
  const { _id, to, channel, kind, language, reference, personId, state, tries } = record
  const { lastError, createdAt, sentAt, nextTryAt, hasCode, text } = record
  return {
    id: _id,
    createdAt,
    channel,
    to: maskContact(to),
    kind,
    language,
    reference,
    personId,
    state,
    tries,
    lastError,
    sentAt,
    nextTryAt,
    canRetry: state === 'failed' && !hasCode && text !== undefined,
  }
}

function line(message: ReturnType<typeof shown>): string {
  const { createdAt, channel, to, kind, reference, state, tries, lastError, id } = message
  const columns = [
    createdAt.toISOString(),
    state.padEnd(7),
    channel.padEnd(5),
    to.padEnd(20),
    kind.padEnd(15),
    (reference ?? '-').padEnd(7),
    `${tries} ${tries === 1 ? 'try' : 'tries'}`.padEnd(7),
    id,
    lastError ?? '',
  ]
  return `${columns.join('  ').trimEnd()}\n`
}

const problems: Record<RetryProblem, string> = {
  unknown: 'there is no such message',
  'not-failed': 'it has not failed',
  'text-gone':
    'its text was not kept, because it carried a PIN or code; the person asks for a new one',
  'too-late': 'nobody needs it any more',
}

async function retry(context: Needs, id: string, json: boolean): Promise<number> {
  const now = context.now()
  const problem = await putBack(id, now, (validUntil) => giveUpAt(now, validUntil))
  if (problem !== undefined) {
    process.stderr.write(`propylaia: message ${id}: ${problems[problem]}\n`)
    return 1
  }
  context.audit.record({
    event: 'message.retry',
    result: 'success',
    details: { id, by: 'command line' },
  })
  process.stdout.write(
    json
      ? `${JSON.stringify({ id, state: 'waiting' }, null, 2)}\n`
      : `${id}: a running server tries it within a quarter of a minute\n`,
  )
  return 0
}
