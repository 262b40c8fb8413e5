import { attributesOf, type ConsentRecord, inForce } from '../consent/consent.ts'
import { listConsents } from '../consent/consent-store.ts'
import { withdrawConsent } from '../consent/withdraw.ts'
import { nameService } from '../federation/describe-service.ts'
import { findAccountByUsername, normalizeUsername } from '../people/people-store.ts'
import { athensTime } from './activation-texts.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia consent list USERNAME [--json]
       propylaia consent withdraw USERNAME ID [--json]

list tells what somebody agreed to or was told of, service by service, with all decisions; times are
Greek. withdraw takes it back for one service (its entityID or client_id): nothing goes there until
the person is asked again, and the tokens that the service holds end. Withdraw only for somebody who
has asked for it and has proved who they are.
`

const options = { json: { type: 'boolean', default: false } } as const

type Needs = Pick<CliContext, 'audit' | 'now'>

/** `consent list|withdraw`: see the usage above. */
export async function consentCommand(context: Needs, args: string[]): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const [action, username, id, ...more] = parsed.positionals
  const isList = action === 'list' && username !== undefined && id === undefined
  const isWithdraw = action === 'withdraw' && id !== undefined && more.length === 0
  if (username === undefined || !(isList || isWithdraw)) {
    return usageError('expected: consent list USERNAME, or consent withdraw USERNAME ID', usage)
  }
  const account = await findAccountByUsername(normalizeUsername(username))
  if (!account) {
    process.stderr.write(`propylaia: there is no account "${username}"\n`)
    return 1
  }
  const { json } = parsed.values
  return id === undefined ? list(context, account._id, json) : withdraw(context, account, id, json)
}

async function list({ now }: Needs, personId: string, json: boolean): Promise<number> {
  const shown = await Promise.all(
    (await listConsents(personId)).map((record) => describe(record, now())),
  )
  process.stdout.write(
    json
      ? `${JSON.stringify(shown, null, 2)}\n`
      : shown.map(lines).join('\n') || 'no decisions about any service\n',
  )
  return 0
}

async function describe(record: ConsentRecord, now: Date) {
  const { protocol, id, version, standing, decisions } = record
  const agreements = inForce(record, now)
  return {
    protocol,
    service: id,
    name: await nameService(id, 'en'),
    version,
    inForce: agreements.length > 0,
    isRemembered: standing !== undefined,
    attributes: attributesOf(agreements),
    decisions,
  }
}

function lines(consent: Awaited<ReturnType<typeof describe>>): string {
  const { name, service, protocol, decisions, attributes } = consent
  const standing = !consent.inForce
    ? 'nothing in force'
    : `${consent.isRemembered ? 'remembered' : 'for once'}: ${attributes.join(', ') || 'no attributes'}`
  return [
    `${name}  ${service}  (${protocol})`,
    `  ${standing}`,
    ...decisions.map(
      (decision) =>
        `  ${String(decision.version).padStart(3)}  ${athensTime(decision.at)}  ${decision.kind}${decision.isRemembered === false ? ' (for once)' : ''}  ${decision.attributes.join(', ')}`,
    ),
    '',
  ].join('\n')
}

async function withdraw(
  context: Needs,
  account: { readonly _id: string; readonly username: string },
  id: string,
  json: boolean,
): Promise<number> {
  const records = (await listConsents(account._id)).filter((record) => record.id === id)
  const outcomes = await Promise.all(
    records.map(({ protocol }) =>
      withdrawConsent(context, {
        personId: account._id,
        username: account.username,
        service: { protocol, id },
        by: 'command line',
      }),
    ),
  )
  const isWithdrawn = outcomes.includes(true)
  if (json) {
    const { username } = account
    process.stdout.write(`${JSON.stringify({ username, service: id, withdrawn: isWithdrawn })}\n`)
  } else if (isWithdrawn) process.stdout.write(`${id}: withdrawn\n`)
  if (isWithdrawn) return 0
  process.stderr.write(`propylaia: nothing is in force for ${account.username} at "${id}"\n`)
  return 1
}
