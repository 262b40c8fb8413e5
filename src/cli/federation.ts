import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { IdpError } from '../errors.ts'
import { findDecision } from '../federation/aggregates/decision-model.ts'
import {
  findFederationEntity,
  parseFederationEntity,
} from '../federation/aggregates/federated-services.ts'
import type {
  FederationRecord,
  FederationSource,
} from '../federation/aggregates/federation-model.ts'
import {
  addFederation,
  findFederation,
  listFederations,
  removeFederation,
} from '../federation/aggregates/federations.ts'
import { isFetchableUrl } from '../federation/aggregates/metadata-download.ts'
import { refreshFederation } from '../federation/aggregates/refresh.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { factsOf, linesOf } from './federation-texts.ts'
import { ProgressBar } from './progress-bar.ts'
import { registrationRequestsCommand } from './registration-requests.ts'
import { print, printJson } from './service-input.ts'
import { forTerminal } from './terminal-text.ts'

const usage = `Usage: propylaia federation COMMAND [--json]

  add NAME --cert PEM (--url URL | --file FILE | --mdq URL)   takes a federation's signed metadata
      --mdq URL               base address of a server that is asked entity by entity, with a slash at its end
      --cert PEM              the certificate or public key that it must be signed with, from the federation itself
      --allow-authority URI   only entities of this registrar; may be repeated
      --deny-authority URI    none of this registrar; may be repeated
      --category URI          only entities of this category; may be repeated
      --unpublished           our MDQ server does not give its services
      --all-roles             identity providers too; without it only services
      --max-validity-days N   how far ahead its validUntil may be; 28 when not given
  list                        all of them, and how their last refresh went
  show NAME [--entity ID]     one of them, or one entity in it
  refresh [NAME] [--confirm-shrink] [--confirm-older]   fetches now; without a name all
  remove NAME                 forgets it and all that it vouches for
  requests [--all]            services that asked for their registration and wait for a decision
  request show|approve|reject REFERENCE   one of them: federation request --help
`

const options = {
  json: { type: 'boolean' },
  url: { type: 'string' },
  mdq: { type: 'string' },
  file: { type: 'string' },
  cert: { type: 'string' },
  'allow-authority': { type: 'string', multiple: true },
  'deny-authority': { type: 'string', multiple: true },
  category: { type: 'string', multiple: true },
  unpublished: { type: 'boolean' },
  'all-roles': { type: 'boolean' },
  'max-validity-days': { type: 'string' },
  'confirm-shrink': { type: 'boolean' },
  'confirm-older': { type: 'boolean' },
  entity: { type: 'string' },
} as const

/** Values of the options above that were given. */
interface Values {
  readonly [option: string]: string | boolean | readonly (string | boolean)[] | undefined
}

/** `federation add|list|show|refresh|remove|requests|request`: aggregates, and services that ask. */
export async function federationCommand(context: CliContext, args: string[]): Promise<number> {
  if (args[0] === 'requests' || args[0] === 'request') {
    return registrationRequestsCommand(context, args)
  }
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const values = parsed.values as Values
  const [action, name, extra] = parsed.positionals
  if (action === undefined) return usageError('which command?', usage)
  if (extra !== undefined) return usageError(`what is "${extra}"?`, usage)
  if (action === 'list' && name === undefined) return list(values)
  if (action === 'refresh') return refresh(context, name, values)
  if (!['add', 'show', 'remove'].includes(action)) {
    return usageError(`there is no command "${action}"`, usage)
  }
  if (name === undefined) return usageError(`${action} needs a NAME`, usage)
  if (action === 'add') return add(context, name, values)
  if (action === 'show') return show(context, name, values)
  return remove(context, name, values)
}

async function add(context: CliContext, name: string, values: Values): Promise<number> {
  const source = readSource(values)
  if (typeof source === 'string') return usageError(source, usage)
  if (typeof values.cert !== 'string') return usageError('add needs --cert PEM', usage)
  const days = Number(values['max-validity-days'] ?? 28)
  if (!Number.isInteger(days) || days < 1 || days > 366) {
    return usageError('--max-validity-days must be a whole number from 1 to 366', usage)
  }
  const texts = (option: string) => values[option] as readonly string[] | undefined
  const filters = {
    roles: values['all-roles'] ? (['sp', 'idp', 'aa'] as const) : (['sp'] as const),
    ...(texts('allow-authority') && { allowAuthorities: texts('allow-authority') }),
    ...(texts('deny-authority') && { denyAuthorities: texts('deny-authority') }),
    ...(texts('category') && { entityCategories: texts('category') }),
  }
  const keysPem = await readPem(values.cert)
  const isUnpublished = values.unpublished === true
  await addFederation(
    { name, source, keysPem, filters, maxValidityDays: days, isUnpublished },
    context.now(),
  )
  context.audit.record({ event: 'federation.add', result: 'success', service: name })
  if (source.kind !== 'mdq') return refresh(context, name, values)
  const record = await findFederation(name)
  if (values.json) printJson(factsOf(record))
  else print(linesOf(record))
  return 0
}

/** @returns the source, or what is wrong with the arguments */
function readSource({ url, file, mdq }: Values): FederationSource | string {
  const given = [url, file, mdq].filter((one) => one !== undefined)
  if (given.length !== 1) return 'add needs one of --url, --file and --mdq'
  if (typeof file === 'string') return { kind: 'file', file: resolve(file) }
  const [address] = given
  if (typeof address !== 'string' || !isFetchableUrl(address)) {
    return `"${address}" is no https address`
  }
  if (url !== undefined) return { kind: 'url', url: address }
  if (!address.endsWith('/') || /[?#]/.test(address)) {
    return `"${address}" must end in a slash, without query or fragment`
  }
  return { kind: 'mdq', url: address }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new IdpError('METADATA_INVALID', `${file} cannot be read: ${(error as Error).message}`)
  }
}

async function list({ json }: Values): Promise<number> {
  const records = await listFederations()
  if (json) printJson(records.map(factsOf))
  else if (records.length === 0) print(['No federation is added yet.'])
  else print(records.flatMap(linesOf))
  return 0
}

async function show(context: CliContext, name: string, values: Values): Promise<number> {
  const record = await findFederation(name)
  if (typeof values.entity !== 'string') {
    if (values.json)
      printJson({
        ...factsOf(record),
        filters: record.filters,
        isUnpublished: record.isUnpublished,
      })
    else {
      const unpublished = record.isUnpublished
        ? ['  our MDQ server does not give its services']
        : []
      print([...linesOf(record), `  filters: ${JSON.stringify(record.filters)}`, ...unpublished])
    }
    return 0
  }
  const entity = await findFederationEntity(values.entity, context.now())
  if (entity?.federation !== name) {
    throw new IdpError(
      'NOT_FOUND',
      `"${name}" has no valid entity "${values.entity}" that counts`,
      {
        status: 404,
      },
    )
  }
  const { xml: _xml, _id, generation: _generation, ...facts } = entity
  const problem = entity.roles.includes('sp')
    ? problemOf(() => parseFederationEntity(entity, context.now()))
    : undefined
  const decision = await findDecision(entity.entityId)
  const state = decision?.isBlocked ? 'blocked' : 'approved'
  const { overrides = {} } = decision ?? {}
  if (values.json) {
    printJson({ ...facts, state, overrides, usable: problem === undefined, problem })
  } else {
    print([
      `${entity.entityId}  ${entity.roles.join(', ')}  valid until ${entity.validUntil.toISOString()}`,
      `  registered by ${entity.registrationAuthority ?? 'nobody named'}`,
      ...entity.entityCategories.map((category) => `  category ${category}`),
      ...(decision?.isBlocked ? ['  BLOCKED by an administrator: nobody signs in to it.'] : []),
      ...(Object.keys(overrides).length > 0
        ? [`  an administrator's word: ${JSON.stringify(overrides)}`]
        : []),
      ...(problem ? [`  It cannot be used: ${problem}`] : []),
    ])
  }
  return 0
}

function problemOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof IdpError) return error.message
    throw error
  }
}

async function refresh(
  context: CliContext,
  name: string | undefined,
  values: Values,
): Promise<number> {
  const records = name === undefined ? await listFederations() : [await findFederation(name)]
  const wanted = records.filter(({ source }) => name !== undefined || source.kind !== 'mdq')
  let failed = 0
  const results: unknown[] = []
  for (const record of wanted) {
    try {
      const { result, current } = await refreshOne(context, record, values)
      results.push({ name: record._id, result, entities: current.takenCount })
      if (!values.json) print(linesOf(await findFederation(record._id)))
    } catch (error) {
      if (!(error instanceof IdpError)) throw error
      failed += 1
      results.push({ name: record._id, result: 'failed', code: error.code, problem: error.message })
      if (!values.json) {
        process.stderr.write(`propylaia: ${record._id}: ${forTerminal(error.message)}\n`)
      }
    }
  }
  if (values.json) printJson(name === undefined ? results : results[0])
  return failed > 0 ? 1 : 0
}

async function refreshOne(context: CliContext, record: FederationRecord, values: Values) {
  const { _id: name, source } = record
  const size = source.kind === 'file' ? await stat(source.file).catch(() => undefined) : undefined
  const bar = new ProgressBar(name, size?.size ?? 0)
  try {
    return await refreshFederation(name, context, {
      confirmShrink: values['confirm-shrink'] === true,
      confirmOlder: values['confirm-older'] === true,
      unconditional: true,
      onProgress: (bytes) => bar.at(bytes),
    })
  } finally {
    bar.stop()
  }
}

async function remove(context: CliContext, name: string, { json }: Values): Promise<number> {
  await removeFederation(name)
  context.audit.record({ event: 'federation.remove', result: 'success', service: name })
  if (json) printJson({ name, removed: true })
  else print([`${name} is removed: nobody signs in to its services any more.`])
  return 0
}
