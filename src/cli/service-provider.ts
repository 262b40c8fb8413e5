import { attributeByName } from '../attributes/attribute-table.ts'
import { unknownRequestedAttributes } from '../attributes/targets.ts'
import { isWebUrl } from '../federation/metadata-text.ts'
import {
  findRecord,
  registerServiceProvider,
  setServiceOverrides,
} from '../federation/registration.ts'
import { type ServiceOverrides, serviceName } from '../federation/service.ts'
import { readServiceProviderMetadata } from '../federation/service-provider-metadata.ts'
import { listServiceRecords, toService } from '../federation/service-store.ts'
import type { CliContext } from './cli-context.ts'
import {
  runServiceCommand,
  type ServiceCommand,
  type ServiceValues,
  UsageError,
} from './service-command.ts'
import { naming, print, printJson, readMetadata } from './service-input.ts'

const usage = `Usage: propylaia sp COMMAND [--json]

  add FILE|URL [--approve]   registers a SAML service provider, or takes its newer metadata
  list                       all of them with their states
  approve ENTITYID           lets people sign in to it
  remove ENTITYID            forgets it
  override ENTITYID          an administrator's word, which outranks the metadata; without options: shows it
      --sign-assertions yes|no|default      sign the Assertion beside the Response
      --encrypt-assertions yes|no|default   no: send Assertions readable although there is a key
      --nameid-format URI|default
      --release NAME,NAME                   attributes to release beyond what is asked; '' for none
      --block NAME,NAME                     attributes never to release; '' for none
      --start-url URL|default               where people start, for the home page
      --reset                               takes everything back first
`

const command: ServiceCommand = {
  protocol: 'saml',
  usage,
  options: {
    'sign-assertions': { type: 'string' },
    'encrypt-assertions': { type: 'string' },
    'nameid-format': { type: 'string' },
    release: { type: 'string' },
    block: { type: 'string' },
    'start-url': { type: 'string' },
    reset: { type: 'boolean' },
  },
  list,
  actions: {
    add: { needs: 'a FILE or URL', run: add },
    override: { needs: 'an ENTITYID', run: override },
  },
}

/** `sp add|list|approve|remove|override`: SAML service providers. */
export function spCommand(context: CliContext, args: string[]): Promise<number> {
  return runServiceCommand(command, context, args)
}

async function add(
  { audit, now }: CliContext,
  source: string,
  values: ServiceValues,
): Promise<number> {
  const origin = /^https?:\/\//.test(source) ? `url:${source}` : 'cli'
  const { sp, findings } = await naming(source, async () => {
    const xml = await readMetadata(source)
    const options = { origin, approve: values.approve ?? false, now: now() }
    return {
      sp: await registerServiceProvider(xml, options),
      findings: readServiceProviderMetadata(xml, origin, now()).findings,
    }
  })
  const { entityId, state } = sp
  audit.record({
    event: 'service.register',
    result: 'success',
    service: entityId,
    details: { state },
  })
  const unknownAttributes = unknownRequestedAttributes(sp)
  if (values.json) {
    printJson({ entityId, state, origin, findings, unknownAttributes })
    return 0
  }
  print([
    `${entityId} (${serviceName(sp, 'en')}) is registered and ${state}.`,
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
  if (values.json) printJson(rows)
  else print(rows.map((row) => `${row.state.padEnd(8)}  ${row.entityId}  (${row.origin})`))
  return 0
}

async function override({ audit }: CliContext, entityId: string, values: ServiceValues) {
  const before = await findRecord(entityId, 'saml')
  const overrides = changeOverrides(values.reset ? {} : before.overrides, values)
  if (JSON.stringify(overrides) !== JSON.stringify(before.overrides)) {
    await setServiceOverrides(entityId, overrides, 'saml')
    const details = { overrides: JSON.stringify(overrides) }
    audit.record({ event: 'service.override', result: 'success', service: entityId, details })
  }
  const sp = toService({ ...before, overrides })
  if (values.json) printJson({ entityId, overrides })
  else print([`${serviceName(sp, 'en')}: ${JSON.stringify(overrides)}`])
  return 0
}

/** Only what an option names changes. */
function changeOverrides(before: ServiceOverrides, values: ServiceValues): ServiceOverrides {
  const changed: Record<string, unknown> = { ...before }
  const set = (field: keyof ServiceOverrides, flag: string, read: (text: string) => unknown) => {
    const text = values[flag]
    if (typeof text !== 'string') return
    const value = read(text)
    if (value === undefined) delete changed[field]
    else changed[field] = value
  }
  set('signAssertions', 'sign-assertions', (text) => yesNoOrDefault('sign-assertions', text))
  set('encryptAssertions', 'encrypt-assertions', (text) =>
    yesNoOrDefault('encrypt-assertions', text),
  )
  set('nameIdFormat', 'nameid-format', readNameIdFormat)
  set('release', 'release', (text) => readAttributeNames('release', text))
  set('block', 'block', (text) => readAttributeNames('block', text))
  set('startUrl', 'start-url', readStartUrl)
  return changed
}

function readNameIdFormat(text: string): string | undefined {
  if (text === 'default') return undefined
  if (/^urn:oasis:names:tc:SAML:(1\.1|2\.0):nameid-format:[A-Za-z0-9]+$/.test(text)) return text
  throw new UsageError(
    `--nameid-format takes a URI such as urn:oasis:names:tc:SAML:2.0:nameid-format:persistent, got "${text}"`,
  )
}

function readAttributeNames(flag: string, text: string): string[] | undefined {
  const names = text.split(',').filter(Boolean)
  const unknown = names.find((name) => !attributeByName(name))
  if (unknown) {
    throw new UsageError(`--${flag}: "${unknown}" is not a name in docs/attributes.md`)
  }
  return names.length > 0 ? names : undefined
}

function readStartUrl(text: string): string | undefined {
  if (text === 'default') return undefined
  if (isWebUrl(text)) return text
  throw new UsageError(`--start-url takes an https address, got "${text}"`)
}

/** `default` takes the admin's word back. */
function yesNoOrDefault(flag: string, text: string): boolean | undefined {
  if (text === 'default') return undefined
  if (text === 'yes' || text === 'no') return text === 'yes'
  throw new UsageError(`--${flag} takes yes, no or default, got "${text}"`)
}
