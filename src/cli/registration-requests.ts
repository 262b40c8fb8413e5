import { normalizeReference } from '../activation/helpdesk.ts'
import { serviceName } from '../federation/service.ts'
import { type Difference, differenceOf } from '../registration/registration-difference.ts'
import { approveRequest, rejectRequest } from '../registration/request-decision.ts'
import type { RegistrationRequest } from '../registration/request-model.ts'
import { hostOf, readRequest } from '../registration/request-reading.ts'
import { findRequest, listRequests, type RequestSummary } from '../registration/request-store.ts'
import { athensTime } from './activation-texts.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { readCategories, unconfirmedCategories, unconfirmedLines } from './confirmed-categories.ts'
import { releaseStanding, standingLines } from './release-standing.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia federation requests [--all] [--json]
       propylaia federation request show REFERENCE [--json]
       propylaia federation request approve REFERENCE [--categories NAME,NAME|none] [--json]
       propylaia federation request reject REFERENCE --reason TEXT [--json]

Services that asked for their registration, or for a change to it, at /federation/register. Those that
wait for a decision, the oldest first; with --all also those that nobody confirmed yet and those that
were decided or withdrawn. show says what would be registered, or what would change. The contact is
told the decision by mail; TEXT goes to them as it is. Entity categories that a service claims give it
attributes only when --categories names them, because nobody else has looked at its claim.
`

const options = {
  json: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  reason: { type: 'string' },
  categories: { type: 'string' },
} as const

/** `federation requests` and `federation request …`: see the usage above. */
export async function registrationRequestsCommand(
  context: CliContext,
  args: string[],
): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { json, all, reason, categories } = parsed.values
  const [command, action, reference, ...more] = parsed.positionals
  if (command === 'requests' && action === undefined) return list(all, json)
  if (command !== 'request' || reference === undefined || more.length > 0) {
    return usageError('expected: requests, or request show|approve|reject REFERENCE', usage)
  }
  const find = () => findRequest(normalizeReference(reference))
  if (action === 'show') return show(context, await find(), json)
  if (action === 'approve') return approve(context, await find(), categories, json)
  if (action !== 'reject') return usageError(`there is no command "request ${action}"`, usage)
  const text = reason?.trim() ?? ''
  if (text === '') return usageError('reject needs --reason TEXT', usage)
  const { _id, state } = await rejectRequest(context, await find(), text)
  if (json) printJson({ reference: _id, state })
  else print([`${_id} is rejected, and its contact is told why.`])
  return 0
}

async function list(all: boolean, json: boolean): Promise<number> {
  const requests = await listRequests(
    all ? ['unconfirmed', 'waiting', 'approved', 'rejected', 'withdrawn'] : ['waiting'],
  )
  if (json) printJson(requests.map(facts))
  else if (requests.length === 0) print([all ? 'no requests' : 'no request waits'])
  else {
    print(
      requests.map(
        ({ _id, state, kind, protocol, serviceId, confirmedAt, createdAt }) =>
          `${_id}  ${athensTime(confirmedAt ?? createdAt)}  ${state.padEnd(11)}  ${kind.padEnd(6)}  ${protocol}  ${serviceId}`,
      ),
    )
  }
  return 0
}

async function show(
  context: CliContext,
  request: RegistrationRequest,
  json: boolean,
): Promise<number> {
  const { wanted, running } = await readRequest(request)
  const differences = differenceOf(running, wanted)
  const { reasons } = request
  const standing = releaseStanding(wanted, context)
  if (json) {
    const unconfirmed = unconfirmedCategories(wanted, context)
    printJson({
      ...facts(request),
      host: hostOf(wanted),
      reasons,
      ...standing,
      unconfirmedCategories: unconfirmed,
      differences,
    })
    return 0
  }
  const { _id, kind, state, protocol, serviceId, contact, confirmedAt, confirmedBy } = request
  const confirmed = confirmedAt
    ? `${athensTime(confirmedAt)} by ${confirmedBy === 'token' ? 'its registration access token' : contact}`
    : `not yet, by ${contact}`
  print([
    `${_id}  ${kind === 'update' ? 'a change' : 'a new service'}, ${state}`,
    `service    ${serviceName(wanted, 'en')} (${protocol}, ${hostOf(wanted)})`,
    `id         ${serviceId}`,
    `confirmed  ${confirmed}`,
    ...(request.decisionReason ? [`reason     ${request.decisionReason}`] : []),
    ...standingLines(wanted, context),
    ...unconfirmedLines(unconfirmedCategories(wanted, context)),
    ...Object.entries(reasons).map(([name, text]) => `needs ${name}: ${text}`),
    ...differenceLines(differences, running !== undefined),
  ])
  return 0
}

async function approve(
  context: CliContext,
  request: RegistrationRequest,
  given: string | undefined,
  json: boolean,
): Promise<number> {
  // As it is before: afterwards there is nothing left to compare with.
  const { wanted, running } = await readRequest(request)
  const differences = differenceOf(running, wanted)
  const open = unconfirmedCategories(wanted, context)
  if (given === undefined && open.length > 0) {
    const lines = unconfirmedLines(open).join('\n')
    return usageError(`${request._id} needs --categories:\n${lines}`, usage)
  }
  const categories = given === undefined ? undefined : readCategories(given)
  if (typeof categories === 'string') return usageError(categories, usage)
  const { _id, state, serviceId } = await approveRequest(context, request, { categories })
  const after = { ...wanted, overrides: { ...wanted.overrides, ...(categories && { categories }) } }
  if (json) {
    printJson({ reference: _id, state, serviceId, differences })
    return 0
  }
  print([
    ...differenceLines(differences, running !== undefined),
    `${_id} is approved: ${serviceId} is registered, and its contact is told.`,
    ...standingLines(after, context),
  ])
  return 0
}

/** + is new, - is gone, as in a patch. */
function differenceLines(differences: readonly Difference[], isUpdate: boolean): string[] {
  if (differences.length === 0) return ['Nothing differs from what is registered.']
  return differences.flatMap(({ part, added, removed }) => [
    `${part}${isUpdate ? '' : ' (all new)'}`,
    ...removed.map((line) => `  - ${line}`),
    ...added.map((line) => `  + ${line}`),
  ])
}

function facts(request: RequestSummary) {
  const { _id: reference, kind, state, protocol, serviceId, contact } = request
  const { createdAt, confirmedAt, confirmedBy, decidedAt, decisionReason } = request
  return {
    reference,
    kind,
    state,
    protocol,
    serviceId,
    contact,
    createdAt,
    confirmedAt,
    confirmedBy,
    decidedAt,
    decisionReason,
  }
}
