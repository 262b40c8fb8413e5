import { attributeByName } from '../attributes/attribute-table.ts'
import { noPreset } from '../attributes/presets/choose-preset.ts'
import { openPresets } from '../attributes/presets/open-presets.ts'
import { decideOn, findFederated } from '../federation/aggregates/decisions.ts'
import { isWebUrl } from '../federation/metadata-text.ts'
import { findRecord, type Protocol, setServiceOverrides } from '../federation/registration.ts'
import type { Disclosure, ServiceOverrides } from '../federation/service.ts'
import { serviceName } from '../federation/service.ts'
import { toService } from '../federation/service-store.ts'
import type { CliContext } from './cli-context.ts'
import { readCategories } from './confirmed-categories.ts'
import { idNames, type ServiceAction, type ServiceValues, UsageError } from './service-command.ts'
import { print, printJson } from './service-input.ts'

type Readers = Readonly<
  Record<string, { field: keyof ServiceOverrides; read: (text: string, flag: string) => unknown }>
>

/** Longest text that stands as a service's legal ground on a page. Characters. */
const maxGroundLength = 500

/** For services of any protocol. A reader answers undefined to take the admin's word back. */
function commonFlags(context: Pick<CliContext, 'config' | 'institution'>): Readers {
  return {
    release: { field: 'release', read: readAttributeNames },
    block: { field: 'block', read: readAttributeNames },
    preset: { field: 'preset', read: (text) => readPreset(text, context) },
    disclosure: { field: 'disclosure', read: readDisclosure },
    'legal-ground': { field: 'legalGround', read: readLegalGround },
  }
}

const samlFlags: Readers = {
  'sign-assertions': { field: 'signAssertions', read: yesNoOrDefault },
  'encrypt-assertions': { field: 'encryptAssertions', read: yesNoOrDefault },
  'nameid-format': { field: 'nameIdFormat', read: readNameIdFormat },
  'start-url': { field: 'startUrl', read: readStartUrl },
  categories: { field: 'categories', read: readCounting },
}

const casFlags: Readers = {
  user: { field: 'userAttribute', read: readUserAttribute },
  'allow-proxy': { field: 'allowProxy', read: yesNoOrDefault },
  'start-url': { field: 'startUrl', read: readStartUrl },
}

/** Options for parseArgs. */
export const commonOverrideOptions = {
  release: { type: 'string' },
  block: { type: 'string' },
  preset: { type: 'string' },
  disclosure: { type: 'string' },
  'legal-ground': { type: 'string' },
  reset: { type: 'boolean' },
} as const

export const samlOverrideOptions = {
  ...commonOverrideOptions,
  'sign-assertions': { type: 'string' },
  'encrypt-assertions': { type: 'string' },
  'nameid-format': { type: 'string' },
  'start-url': { type: 'string' },
  categories: { type: 'string' },
} as const

export const casOverrideOptions = {
  ...commonOverrideOptions,
  user: { type: 'string' },
  'allow-proxy': { type: 'string' },
  'start-url': { type: 'string' },
} as const

export const commonOverrideUsage = `      --release NAME,NAME                   attributes to release beyond what is asked; '' for none
      --block NAME,NAME                     attributes never to release; '' for none
      --preset ID|none|default              which preset says what goes: propylaia release presets
      --disclosure ask|inform|silent|default   what people see before their data goes
      --legal-ground TEXT|default           law or contract under which it goes, for people to read;
                                            'Greek || English' for a text in each language
      --reset                               takes everything back first
`

/** Changes, or shows, an administrator's word on one service. */
export function overrideAction(protocol: Protocol): ServiceAction {
  return async (context, id, values) => {
    const subject = await findSubject(context, protocol, id)
    const overrides = readOverrides(protocol, context, values.reset ? {} : subject.before, values)
    if (JSON.stringify(overrides) !== JSON.stringify(subject.before)) {
      await subject.save(overrides)
      const details = { overrides: JSON.stringify(overrides) }
      context.audit.record({ event: 'service.override', result: 'success', service: id, details })
    }
    if (values.json) printJson({ [idNames[protocol]]: id, overrides })
    else print([`${subject.name}: ${JSON.stringify(overrides)}`])
    return 0
  }
}

interface OverrideSubject {
  readonly name: string
  readonly before: ServiceOverrides
  readonly save: (overrides: ServiceOverrides) => Promise<void>
}

/**
 * What is registered here, or a federation's service: of one that is both, what people sign in to.
 *
 * @throws {IdpError} NOT_FOUND
 */
async function findSubject(
  context: CliContext,
  protocol: Protocol,
  id: string,
): Promise<OverrideSubject> {
  const federated = protocol === 'saml' ? await findFederated(id, context.now()) : undefined
  if (federated) {
    const { decision, service } = federated
    return {
      name: service ? serviceName(service, 'en') : id,
      before: decision?.overrides ?? {},
      save: (overrides) => decideOn(id, { overrides }, context.now()),
    }
  }
  const record = await findRecord(id, protocol)
  return {
    name: serviceName(toService(record), 'en'),
    before: record.overrides,
    save: (overrides) => setServiceOverrides(id, overrides, protocol),
  }
}

/**
 * What the options of a command make of an administrator's word; only what one names changes.
 *
 * @throws {UsageError}
 */
export function readOverrides(
  protocol: Protocol,
  context: Pick<CliContext, 'config' | 'institution'>,
  before: ServiceOverrides,
  values: ServiceValues,
): ServiceOverrides {
  const own = { saml: samlFlags, oidc: {}, cas: casFlags }[protocol]
  return changeOverrides(before, values, { ...commonFlags(context), ...own })
}

function changeOverrides(
  before: ServiceOverrides,
  values: ServiceValues,
  flags: Readers,
): ServiceOverrides {
  const changed: Record<string, unknown> = { ...before }
  for (const [flag, { field, read }] of Object.entries(flags)) {
    const text = values[flag]
    if (typeof text !== 'string') continue
    const value = read(text, flag)
    if (value === undefined) delete changed[field]
    else changed[field] = value
  }
  return changed
}

function readPreset(
  text: string,
  { config, institution }: Pick<CliContext, 'config' | 'institution'>,
): string | undefined {
  if (text === 'default') return undefined
  const ids = [noPreset, ...openPresets(config, institution).map(({ id }) => id)]
  if (ids.includes(text)) return text
  throw new UsageError(`--preset takes one of ${ids.join(', ')}, default, got "${text}"`)
}

function readDisclosure(text: string): Disclosure | undefined {
  if (text === 'default') return undefined
  if (text === 'ask' || text === 'inform' || text === 'silent') return text
  throw new UsageError(`--disclosure takes ask, inform, silent or default, got "${text}"`)
}

function readLegalGround(text: string): string | undefined {
  const ground = text.trim()
  if (ground === 'default') return undefined
  if (ground !== '' && ground.length <= maxGroundLength) return ground
  throw new UsageError(`--legal-ground takes a text of 1 to ${maxGroundLength} characters`)
}

function readNameIdFormat(text: string): string | undefined {
  if (text === 'default') return undefined
  if (/^urn:oasis:names:tc:SAML:(1\.1|2\.0):nameid-format:[A-Za-z0-9]+$/.test(text)) return text
  throw new UsageError(
    `--nameid-format takes a URI such as urn:oasis:names:tc:SAML:2.0:nameid-format:persistent, got "${text}"`,
  )
}

function readAttributeNames(text: string, flag: string): string[] | undefined {
  const names = text.split(',').filter(Boolean)
  const unknown = names.find((name) => !attributeByName(name))
  if (unknown) {
    throw new UsageError(`--${flag}: "${unknown}" is not a name in docs/attributes.md`)
  }
  return names.length > 0 ? names : undefined
}

/** National numbers are no name to be known by. */
function readUserAttribute(text: string): string | undefined {
  if (text === 'default') return undefined
  if (text === 'pairwise') return text
  const definition = attributeByName(text)
  if (definition && definition.sensitivity !== 'sensitive') return text
  throw new UsageError(
    `--user takes pairwise, default or a name in docs/attributes.md such as uid or mail, got "${text}"`,
  )
}

function readStartUrl(text: string): string | undefined {
  if (text === 'default') return undefined
  if (isWebUrl(text)) return text
  throw new UsageError(`--start-url takes an https address, got "${text}"`)
}

function readCounting(text: string): readonly string[] | undefined {
  if (text === 'default') return undefined
  const names = readCategories(text)
  if (typeof names === 'string') throw new UsageError(names)
  return names
}

/** `default` takes the admin's word back. */
function yesNoOrDefault(text: string, flag: string): boolean | undefined {
  if (text === 'default') return undefined
  if (text === 'yes' || text === 'no') return text === 'yes'
  throw new UsageError(`--${flag} takes yes, no or default, got "${text}"`)
}
