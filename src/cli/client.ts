import { oidcScopes } from '../attributes/scopes.ts'
import { registeredScopes } from '../attributes/targets.ts'
import { checkClientMetadata } from '../federation/client-metadata.ts'
import { parseJson } from '../federation/parse-json.ts'
import { registerRelyingParty } from '../federation/registration.ts'
import { listServiceRecords } from '../federation/service-store.ts'
import type { CliContext } from './cli-context.ts'
import { releaseStanding, standingLines } from './release-standing.ts'
import { runServiceCommand, type ServiceCommand, type ServiceValues } from './service-command.ts'
import { naming, print, printJson, readMetadata } from './service-input.ts'
import { commonOverrideOptions, commonOverrideUsage, overrideAction } from './service-overrides.ts'

const usage = `Usage: propylaia client COMMAND [--json]

  add FILE [--approve]   registers an OpenID Connect client: JSON as RFC 7591 has it (client_name,
                         redirect_uris, scope, token_endpoint_auth_method, …); client_id and
                         client_secret are made when absent, and the secret is shown once
  list                   all of them with their states
  approve CLIENT_ID      lets people sign in to it
  remove CLIENT_ID       forgets it
  override CLIENT_ID     an administrator's word on what it gets; without options: shows it
${commonOverrideUsage}`

const command: ServiceCommand = {
  protocol: 'oidc',
  usage,
  options: commonOverrideOptions,
  list,
  actions: {
    add: { needs: 'a FILE', run: add },
    override: { needs: 'a CLIENT_ID', run: overrideAction('oidc') },
  },
}

/** `client add|list|approve|remove|override`: OpenID Connect clients. */
export function clientCommand(context: CliContext, args: string[]): Promise<number> {
  return runServiceCommand(command, context, args)
}

async function add(context: CliContext, file: string, values: ServiceValues): Promise<number> {
  const { audit, now } = context
  const { metadata, generated, ignored } = await naming(file, async () =>
    checkClientMetadata(parseJson(await readMetadata(file))),
  )
  const options = { origin: 'cli', approve: values.approve ?? false, now: now() }
  const client = await naming(file, () => registerRelyingParty(metadata, options))
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
      ...releaseStanding(client, context),
      ignored,
      unknownScopes,
    })
    return 0
  }
  print([
    `client_id      ${clientId}`,
    ...(secret === undefined ? [] : [`client_secret  ${secret}   (shown this once)`]),
    `The client is registered and ${state}.`,
    ...standingLines(client, context),
    ...(state === 'pending' ? [`Let people in with: propylaia client approve ${clientId}`] : []),
    ...ignored.map((field) => `  - The field ${field} means nothing here and was left out.`),
    ...unknownScopes.map((scope) => `  - The scope ${scope} is not in docs/attributes.md.`),
  ])
  return 0
}

async function list(values: ServiceValues): Promise<number> {
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
