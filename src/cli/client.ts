import { readFile } from 'node:fs/promises'
import { oidcScopes } from '../attributes/scopes.ts'
import { registeredScopes } from '../attributes/targets.ts'
import { IdpError } from '../errors.ts'
import { checkClientMetadata } from '../federation/client-metadata.ts'
import { parseJson } from '../federation/parse-json.ts'
import {
  approveService,
  findRecord,
  registerRelyingParty,
  removeService,
} from '../federation/registration.ts'
import { listServiceRecords } from '../federation/service-store.ts'
import type { CliContext } from './cli-context.ts'
import { parseCommand, print, printJson, UsageError, withUsage } from './service-input.ts'

const usage = `Usage: propylaia client COMMAND [--json]

  add FILE [--approve]   registers an OpenID Connect client: JSON as RFC 7591 has it (client_name,
                         redirect_uris, scope, token_endpoint_auth_method, …); client_id and
                         client_secret are made when absent, and the secret is shown once
  list                   all of them with their states
  approve CLIENT_ID      lets people sign in to it
  remove CLIENT_ID       forgets it
`

const options = {
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  approve: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseCommand<typeof options>>['values']

/** `client add|list|approve|remove`: OpenID Connect clients. */
export function clientCommand(context: CliContext, args: string[]): Promise<number> {
  return withUsage('client', usage, async () => {
    const { values, positionals } = parseCommand(args, options)
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const [command, subject, ...rest] = positionals
    if (rest.length > 0) throw new UsageError(`what is "${rest[0]}"?`)
    if (command === 'list' && subject === undefined) return list(values)
    const run = new Map(Object.entries({ add, approve, remove })).get(command ?? '')
    if (!run) throw new UsageError(command ? `there is no command "${command}"` : 'which command?')
    if (subject === undefined) {
      throw new UsageError(`${command} needs ${command === 'add' ? 'a FILE' : 'a CLIENT_ID'}`)
    }
    return run(context, subject, values)
  })
}

async function add({ audit, now }: CliContext, file: string, values: Values): Promise<number> {
  const { metadata, generated, ignored } = checkClientMetadata(parseJson(await read(file)))
  const client = await registerRelyingParty(metadata, {
    origin: 'cli',
    approve: values.approve ?? false,
    now: now(),
  })
  const { clientId, state } = client
  audit.record({
    event: 'service.register',
    result: 'success',
    service: clientId,
    details: { state },
  })
  const unknownScopes = registeredScopes(client).filter(
    (scope) => scope !== 'offline_access' && !Object.hasOwn(oidcScopes, scope),
  )
  const secret = generated.clientSecret ? metadata.client_secret : undefined
  if (values.json) {
    printJson({
      clientId,
      state,
      ...(secret !== undefined && { clientSecret: secret }),
      ignored,
      unknownScopes,
    })
    return 0
  }
  print([
    `client_id      ${clientId}`,
    ...(secret === undefined ? [] : [`client_secret  ${secret}   (shown this once)`]),
    `The client is registered and ${state}.`,
    ...(state === 'pending' ? [`Let people in with: propylaia client approve ${clientId}`] : []),
    ...ignored.map((field) => `  - The field ${field} means nothing here and was left out.`),
    ...unknownScopes.map((scope) => `  - The scope ${scope} is not in docs/attributes.md.`),
  ])
  return 0
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new IdpError('METADATA_INVALID', `cannot read ${file}: ${(error as Error).message}`)
  }
}

async function list(values: Values): Promise<number> {
  const records = await listServiceRecords('oidc')
  const rows = records.map((record) => {
    const metadata = JSON.parse(record.metadata) as Record<string, unknown>
    return {
      clientId: record.serviceId,
      name: metadata.client_name,
      state: record.state,
      origin: record.origin,
      scope: metadata.scope,
      updatedAt: record.updatedAt.toISOString(),
    }
  })
  if (values.json) printJson(rows)
  else {
    print(
      rows.map(
        (row) => `${row.state.padEnd(8)}  ${row.clientId}  ${row.name ?? ''}  (${row.origin})`,
      ),
    )
  }
  return 0
}

async function approve({ audit, now }: CliContext, clientId: string, values: Values) {
  await approveService(clientId, 'oidc', now())
  audit.record({ event: 'service.approve', result: 'success', service: clientId })
  if (values.json) printJson({ clientId, state: 'approved' })
  else print([`${clientId} is approved: people can sign in to it.`])
  return 0
}

async function remove({ audit }: CliContext, clientId: string, values: Values) {
  const { origin } = await findRecord(clientId, 'oidc')
  await removeService(clientId, 'oidc')
  audit.record({ event: 'service.remove', result: 'success', service: clientId })
  const returns = origin.startsWith('file:')
  if (values.json) printJson({ clientId, removed: true, returnsAtStart: returns })
  else {
    print([
      `${clientId} is removed.`,
      ...(returns
        ? [
            `It returns at the next start unless ${origin.slice(5)} is deleted from the metadata folder.`,
          ]
        : []),
    ])
  }
  return 0
}
