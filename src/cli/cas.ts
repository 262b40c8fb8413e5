import { attributeByName } from '../attributes/attribute-table.ts'
import { parseCasPattern } from '../federation/cas-pattern.ts'
import { isWebUrl } from '../federation/metadata-text.ts'
import { registerCasService, setServiceOverrides } from '../federation/registration.ts'
import type { CasService } from '../federation/service.ts'
import { serviceId, serviceName } from '../federation/service.ts'
import { listServiceRecords, toService } from '../federation/service-store.ts'
import type { CliContext } from './cli-context.ts'
import { releaseStanding, standingLines } from './release-standing.ts'
import {
  runServiceCommand,
  type ServiceCommand,
  type ServiceValues,
  UsageError,
} from './service-command.ts'
import { print, printJson } from './service-input.ts'
import {
  casOverrideOptions,
  commonOverrideUsage,
  overrideAction,
  readOverrides,
} from './service-overrides.ts'

const usage = `Usage: propylaia cas COMMAND [--json]

  add URLPATTERN --name NAME   registers a CAS service, approved. https://HOST[:PORT][/PATH]: scheme,
                               host and port must be the same, the path the same or below;
                               https://*.HOST/ is every host below HOST
      --name-en NAME           its name in English, when NAME is Greek
      --attributes NAME,NAME   what it gets besides the user (docs/attributes.md); with a preset: nothing
      --contact MAIL           who is written to about it
      --start-url URL          where people start, for the home page
      --privacy-url URL        where it says what it does with people's data
      --logout-url URL         where a logout is told, when not at the address of the sign-in
      --allow-proxy, --preset, --user and the rest: as for override
  list                         all of them with their states
  approve URLPATTERN           lets people sign in to it
  remove URLPATTERN            forgets it
  override URLPATTERN          an administrator's word on what it gets; without options: shows it
      --user ATTRIBUTE|pairwise|default     what the service knows people by: the username by default;
                                            pairwise is an identifier of this service alone
      --allow-proxy yes|no|default          whether it may go to other services in the person's name
      --start-url URL|default               where people start, for the home page
${commonOverrideUsage}`

const command: ServiceCommand = {
  protocol: 'cas',
  usage,
  options: {
    ...casOverrideOptions,
    name: { type: 'string' },
    'name-en': { type: 'string' },
    attributes: { type: 'string' },
    contact: { type: 'string' },
    'privacy-url': { type: 'string' },
    'logout-url': { type: 'string' },
  },
  list,
  actions: {
    add: { needs: 'a URLPATTERN', run: add },
    override: { needs: 'a URLPATTERN', run: overrideAction('cas') },
  },
}

/** `cas add|list|approve|remove|override`: CAS services. */
export function casCommand(context: CliContext, args: string[]): Promise<number> {
  const [action, subject, ...rest] = args
  // A pattern written in another way is the same registration.
  const first = subject === undefined ? [] : [action === 'add' ? subject : canonical(subject)]
  const read = [...(action === undefined ? [] : [action]), ...first, ...rest]
  // `--allow-proxy` alone says yes.
  const complete = read.map((arg, at) => (isBareFlag(arg, read[at + 1]) ? `${arg}=yes` : arg))
  return runServiceCommand(command, context, complete)
}

function isBareFlag(arg: string, next: string | undefined): boolean {
  return arg === '--allow-proxy' && !['yes', 'no', 'default'].includes(next ?? '')
}

function canonical(given: string): string {
  try {
    return parseCasPattern(given).text
  } catch {
    // Registered it is not, then; the action says so in its own words.
    return given
  }
}

async function add(context: CliContext, pattern: string, values: ServiceValues): Promise<number> {
  const { audit, now } = context
  const name = text(values, 'name')
  if (!name) throw new UsageError('add needs --name NAME')
  const nameEn = text(values, 'name-en')
  // A name without a language stands in for both.
  const metadata = {
    cas_service: pattern,
    client_name: nameEn ?? name,
    ...(nameEn && { 'client_name#el': name, 'client_name#en': nameEn }),
    ...webAddress(values, 'start-url', 'client_uri'),
    ...webAddress(values, 'privacy-url', 'policy_uri'),
    ...webAddress(values, 'logout-url', 'logout_uri'),
    ...(text(values, 'contact') && { contacts: [text(values, 'contact')] }),
    ...(text(values, 'attributes') && { attributes: attributeNames(values) }),
  }
  // What is wrong in an option is said before anything is registered.
  const own = { ...values, 'start-url': undefined }
  readOverrides('cas', context, {}, own)
  const options = { origin: 'cli', approve: true, now: now() }
  const registered = await registerCasService(metadata, options)
  const id = serviceId(registered)
  audit.record({
    event: 'service.register',
    result: 'success',
    service: id,
    details: { state: registered.state },
  })
  const overrides = readOverrides('cas', context, registered.overrides, own)
  await setServiceOverrides(id, overrides, 'cas')
  const service: CasService = { ...registered, overrides }
  if (values.json) {
    printJson({
      urlPattern: id,
      state: service.state,
      ...releaseStanding(service, context),
      overrides: service.overrides,
    })
    return 0
  }
  print([
    `urlPattern  ${id}`,
    `${serviceName(service, 'en')} is registered and ${service.state}: people can sign in to it.`,
    ...standingLines(service, context),
    ...(service.overrides.allowProxy ? ['It may get proxy tickets.'] : []),
  ])
  return 0
}

function text(values: ServiceValues, flag: string): string | undefined {
  const value = values[flag]
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

function webAddress(values: ServiceValues, flag: string, field: string) {
  const value = text(values, flag)
  if (value === undefined) return {}
  if (!isWebUrl(value)) throw new UsageError(`--${flag} takes an https address, got "${value}"`)
  return { [field]: value }
}

function attributeNames(values: ServiceValues): string[] {
  const names = (text(values, 'attributes') ?? '').split(',').filter(Boolean)
  const unknown = names.find((name) => !attributeByName(name))
  if (unknown) {
    throw new UsageError(`--attributes: "${unknown}" is not a name in docs/attributes.md`)
  }
  return names
}

async function list(values: ServiceValues): Promise<number> {
  const records = await listServiceRecords('cas')
  const rows = records.map((record) => {
    const service = toService(record)
    return {
      urlPattern: record.serviceId,
      name: serviceName(service, 'en'),
      state: record.state,
      origin: record.origin,
      allowProxy: record.overrides.allowProxy === true,
      updatedAt: record.updatedAt.toISOString(),
    }
  })
  if (values.json) printJson(rows)
  else
    print(
      rows.map((row) => `${row.state.padEnd(8)}  ${row.urlPattern}  ${row.name}  (${row.origin})`),
    )
  return 0
}
