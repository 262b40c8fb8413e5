import type { DeletionRequest } from '../account/deletion-request-model.ts'
import {
  findDeletionRequest,
  finishDeletionRequest,
  listDeletionRequests,
} from '../account/deletion-requests.ts'
import { normalizeReference } from '../activation/helpdesk.ts'
import { findPerson } from '../people/people-store.ts'
import { athensTime } from './activation-texts.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia account requests [--all] [--json]
       propylaia account requests done REFERENCE

People's requests that what is held about them be deleted, the oldest first: the open ones, or with
--all also those that were withdrawn or dealt with in the last two years.
done notes that an open request has been dealt with, which the person then sees. Nothing is deleted
by it: what may go and what must stay is decided by people (docs/password-service.md).
`

type Needs = Pick<CliContext, 'now' | 'audit'>

/** `account requests`: see the usage above. */
export async function deletionRequestsCommand(context: Needs, args: string[]): Promise<number> {
  const options = {
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  } as const
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { values, positionals } = parsed
  const [action, reference, ...more] = positionals
  if (action === undefined) return list(values)
  if (action === 'done' && reference !== undefined && more.length === 0) {
    return finish(context, normalizeReference(reference))
  }
  return usageError('expected: account requests, or account requests done REFERENCE', usage)
}

async function list({ all, json }: { all: boolean; json: boolean }): Promise<number> {
  const requests = await listDeletionRequests(all ? ['open', 'withdrawn', 'done'] : ['open'])
  const shown = await Promise.all(requests.map(withName))
  process.stdout.write(
    json
      ? `${JSON.stringify(shown, null, 2)}\n`
      : shown.map(line).join('') || (all ? 'no requests\n' : 'no open requests\n'),
  )
  return 0
}

async function withName(request: DeletionRequest) {
  const { _id: reference, username, personId, state, createdAt, closedAt } = request
  const person = await findPerson(personId)
  const name = person && `${person.firstName.el} ${person.lastName.el}`
  return { reference, state, createdAt, closedAt, username, name: name ?? undefined, personId }
}

function line(request: Awaited<ReturnType<typeof withName>>): string {
  const { reference, state, createdAt, closedAt, username, name } = request
  const when = closedAt ? `${state} ${athensTime(closedAt)}` : state
  return `${reference}  ${athensTime(createdAt)}  ${username}  ${name ?? '-'}  ${when}\n`
}

async function finish(context: Needs, reference: string): Promise<number> {
  const request = await finishDeletionRequest(reference, context.now())
  if (!request) {
    const known = await findDeletionRequest(reference)
    const problem = known ? `is ${known.state}, not open` : 'is not known'
    process.stderr.write(`propylaia: the request ${reference} ${problem}\n`)
    return 1
  }
  context.audit.record({
    event: 'account.deletion-done',
    result: 'success',
    personId: request.personId,
    username: request.username,
    details: { by: 'command line', reference },
  })
  process.stdout.write(`${reference}: done\n`)
  return 0
}
