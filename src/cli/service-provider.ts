import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import { unknownRequestedAttributes } from '../attributes/targets.ts'
import { listDecisions } from '../federation/aggregates/decisions.ts'
import { registerServiceProvider } from '../federation/registration.ts'
import { serviceName } from '../federation/service.ts'
import { readServiceProviderMetadata } from '../federation/service-provider-metadata.ts'
import { listServiceRecords } from '../federation/service-store.ts'
import type { CliContext } from './cli-context.ts'
import { approveAction, blockAction, decisionRow, removeAction } from './federated-services.ts'
import { releaseStanding, standingLines } from './release-standing.ts'
import { runServiceCommand, type ServiceCommand, type ServiceValues } from './service-command.ts'
import { naming, print, printJson, readMetadata } from './service-input.ts'
import { commonOverrideUsage, overrideAction, samlOverrideOptions } from './service-overrides.ts'

const usage = `Usage: propylaia sp COMMAND [--json]

  add FILE|URL [--approve]   registers a SAML service provider, or takes its newer metadata
  list                       all of them with their states, and what was decided on federations' services
  approve ENTITYID           lets people sign in to it; also to what was blocked
  block ENTITYID             a federation's service: nobody signs in to it, whatever the federation says
  remove ENTITYID            forgets it; of a federation's service, what was decided on it
  override ENTITYID          an administrator's word, which outranks the metadata; without options: shows it;
                             for federations' services too, where it outlives their refreshes
      --sign-assertions yes|no|default      sign the Assertion beside the Response
      --encrypt-assertions yes|no|default   no: send Assertions readable although there is a key
      --nameid-format URI|default
      --categories NAME,NAME|none|default   which of the entity categories that it claims count
      --start-url URL|default               where people start, for the home page
${commonOverrideUsage}`

const command: ServiceCommand = {
  protocol: 'saml',
  usage,
  options: samlOverrideOptions,
  list,
  actions: {
    add: { needs: 'a FILE or URL', run: add },
    override: { needs: 'an ENTITYID', run: overrideAction('saml') },
    approve: { needs: 'an ENTITYID', run: approveAction },
    block: { needs: 'an ENTITYID', run: blockAction },
    remove: { needs: 'an ENTITYID', run: removeAction },
  },
}

/** `sp add|list|approve|block|remove|override`: SAML service providers. */
export function spCommand(context: CliContext, args: string[]): Promise<number> {
  return runServiceCommand(command, context, args)
}

async function add(context: CliContext, source: string, values: ServiceValues): Promise<number> {
  const { audit, now } = context
  const origin = /^https?:\/\//.test(source) ? `url:${source}` : 'cli'
  const { sp, found } = await naming(source, async () => {
    const xml = await readMetadata(source)
    const options = { origin, approve: values.approve ?? false, now: now() }
    return {
      sp: await registerServiceProvider(xml, options),
      found: readServiceProviderMetadata(xml, origin, now()).findings,
    }
  })
  const { entityId, state } = sp
  const standing = releaseStanding(sp, context)
  // With a preset it does not matter what the metadata asks for.
  const findings = found.filter(
    ({ code }) => code !== 'NO_REQUESTED_ATTRIBUTES' || standing.preset === undefined,
  )
  audit.record({
    event: 'service.register',
    result: 'success',
    service: entityId,
    details: { state },
  })
  const unknownAttributes = standing.preset
    ? []
    : unknownRequestedAttributes(sp, attributeEnvironment(context))
  if (values.json) {
    printJson({ entityId, state, origin, ...standing, findings, unknownAttributes })
    return 0
  }
  print([
    `${entityId} (${serviceName(sp, 'en')}) is registered and ${state}.`,
    ...standingLines(sp, context),
    ...(state === 'pending' ? [`Let people in with: propylaia sp approve ${entityId}`] : []),
    ...findings.map(
      ({ line, message, remedy }) => `  - ${line ? `line ${line}: ` : ''}${message}\n    ${remedy}`,
    ),
    ...unknownAttributes.map(
      (name) => `  - It asks for "${name}", which is no SAML Name in docs/attributes.md.`,
    ),
  ])
  return 0
}

async function list(values: ServiceValues): Promise<number> {
  const records = await listServiceRecords('saml')
  const rows = records.map((record) => ({
    entityId: record.serviceId,
    state: record.state,
    origin: record.origin,
    validUntil: record.validUntil?.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
    overrides: record.overrides,
  }))
  const decided = (await listDecisions()).map(decisionRow)
  const all = [...rows, ...decided]
  if (values.json) printJson(all)
  else print(all.map((row) => `${row.state.padEnd(8)}  ${row.entityId}  (${row.origin})`))
  return 0
}
