import { attributeByName } from '../attributes/attribute-table.ts'
import { unknownRequestedAttributes } from '../attributes/targets.ts'
import { isWebUrl } from '../federation/metadata-text.ts'
import {
  approveService,
  findRecord,
  registerServiceProvider,
  removeService,
  setServiceOverrides,
} from '../federation/registration.ts'
import { type ServiceOverrides, serviceName } from '../federation/service.ts'
import { readServiceProviderMetadata } from '../federation/service-provider-metadata.ts'
import { listServiceRecords, toService } from '../federation/service-store.ts'
import type { CliContext } from './cli-context.ts'
import {
  parseCommand,
  print,
  printJson,
  readMetadata,
  UsageError,
  withUsage,
  yesNoOrDefault,
} from './service-input.ts'

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

const options = {
  json: { type: 'boolean' },
  help: { type: 'boolean' },
  approve: { type: 'boolean' },
  'sign-assertions': { type: 'string' },
  'encrypt-assertions': { type: 'string' },
  'nameid-format': { type: 'string' },
  release: { type: 'string' },
  block: { type: 'string' },
  'start-url': { type: 'string' },
  reset: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseCommand<typeof options>>['values']

/** `sp add|list|approve|remove|override`: SAML service providers. */
export function spCommand(context: CliContext, args: string[]): Promise<number> {
  return withUsage('sp', usage, async () => {
    const { values, positionals } = parseCommand(args, options)
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const [command, subject, ...rest] = positionals
    if (rest.length > 0) throw new UsageError(`what is "${rest[0]}"?`)
    if (command === 'list' && subject === undefined) return list(values)
    const run = new Map(Object.entries({ add, approve, remove, override })).get(command ?? '')
    if (!run) throw new UsageError(command ? `there is no command "${command}"` : 'which command?')
    if (subject === undefined) {
      throw new UsageError(
        `${command} needs ${command === 'add' ? 'a FILE or URL' : 'an ENTITYID'}`,
      )
    }
    return run(context, subject, values)
  })
}

async function add({ audit, now }: CliContext, source: string, values: Values): Promise<number> {
  const xml = await readMetadata(source)
  const origin = /^https?:\/\//.test(source) ? `url:${source}` : 'cli'
  const { findings } = readServiceProviderMetadata(xml, origin, now())
  const sp = await registerServiceProvider(xml, {
    origin,
    approve: values.approve ?? false,
    now: now(),
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
      (name) => `  - It asks for ${name}, which is not in docs/attributes.md.`,
    ),
  ])
  return 0
}

async function list(values: Values): Promise<number> {
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

async function approve({ audit, now }: CliContext, entityId: string, values: Values) {
  await approveService(entityId, 'saml', now())
  audit.record({ event: 'service.approve', result: 'success', service: entityId })
  if (values.json) printJson({ entityId, state: 'approved' })
  else print([`${entityId} is approved: people can sign in to it.`])
  return 0
}

async function remove({ audit }: CliContext, entityId: string, values: Values) {
  const { origin } = await findRecord(entityId, 'saml')
  await removeService(entityId, 'saml')
  audit.record({ event: 'service.remove', result: 'success', service: entityId })
  const returns = origin.startsWith('file:')
  if (values.json) printJson({ entityId, removed: true, returnsAtStart: returns })
  else {
    print([
      `${entityId} is removed.`,
      ...(returns
        ? [
            `It returns at the next start unless ${origin.slice(5)} is deleted from the metadata folder.`,
          ]
        : []),
    ])
  }
  return 0
}

async function override({ audit }: CliContext, entityId: string, values: Values) {
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
function changeOverrides(before: ServiceOverrides, values: Values): ServiceOverrides {
  const changed: Record<string, unknown> = { ...before }
  const set = (
    field: keyof ServiceOverrides,
    flag: keyof Values,
    read: (text: string) => unknown,
  ) => {
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
