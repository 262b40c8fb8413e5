import type { ParseArgsConfig } from 'node:util'
import {
  approveService,
  findRecord,
  type Protocol,
  removeService,
} from '../federation/registration.ts'
import { toService } from '../federation/service-store.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { releaseStanding, standingLines } from './release-standing.ts'
import { print, printJson } from './service-input.ts'

/** Arguments that the command does not understand: told with its usage, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Options of all of them; `override` has more. */
export interface ServiceValues {
  readonly json?: boolean
  readonly approve?: boolean
  readonly [flag: string]: unknown
}

export type ServiceAction = (
  context: CliContext,
  subject: string,
  values: ServiceValues,
) => Promise<number>

/** What `sp`, `client` and `cas` differ in. */
export interface ServiceCommand {
  readonly protocol: Protocol
  readonly usage: string
  readonly options?: NonNullable<ParseArgsConfig['options']>
  readonly list: (values: ServiceValues) => Promise<number>
  /** Each takes one argument, named here for the complaint about its lack. */
  readonly actions: Readonly<Record<string, { needs: string; run: ServiceAction }>>
}

/** Runs `COMMAND ACTION SUBJECT` for the commands that all kinds of service share, and their own. */
export async function runServiceCommand(
  command: ServiceCommand,
  context: CliContext,
  args: string[],
): Promise<number> {
  const { protocol, usage } = command
  const options = {
    json: { type: 'boolean' },
    approve: { type: 'boolean' },
    ...command.options,
  } as const
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const values = parsed.values as ServiceValues
  const [name, subject, extra] = parsed.positionals
  if (name === undefined) return usageError('which command?', usage)
  if (name === 'list' && subject === undefined) return command.list(values)
  const id = { saml: 'an ENTITYID', oidc: 'a CLIENT_ID', cas: 'a URLPATTERN' }[protocol]
  const actions = new Map(
    Object.entries({
      approve: { needs: id, run: approve(protocol) },
      remove: { needs: id, run: remove(protocol) },
      ...command.actions,
    }),
  )
  const action = actions.get(name)
  if (!action) return usageError(`there is no command "${name}"`, usage)
  if (subject === undefined) return usageError(`${name} needs ${action.needs}`, usage)
  if (extra !== undefined) return usageError(`what is "${extra}"?`, usage)
  try {
    return await action.run(context, subject, values)
  } catch (error) {
    if (error instanceof UsageError) return usageError(error.message, usage)
    throw error
  }
}

export function approve(protocol: Protocol): ServiceAction {
  return async (context, id, { json }) => {
    const { audit, now } = context
    await approveService(id, protocol, now())
    audit.record({ event: 'service.approve', result: 'success', service: id })
    const service = toService(await findRecord(id, protocol))
    if (json) {
      const standing = releaseStanding(service, context)
      printJson({ ...named(protocol, id), state: 'approved', ...standing })
    } else {
      print([`${id} is approved: people can sign in to it.`, ...standingLines(service, context)])
    }
    return 0
  }
}

export function remove(protocol: Protocol): ServiceAction {
  return async ({ audit }, id, { json }) => {
    const { origin } = await findRecord(id, protocol)
    await removeService(id, protocol)
    audit.record({ event: 'service.remove', result: 'success', service: id })
    const file = origin.startsWith('file:') ? origin.slice('file:'.length) : undefined
    if (json) {
      printJson({ ...named(protocol, id), removed: true, returnsAtStart: file !== undefined })
      return 0
    }
    print([
      `${id} is removed.`,
      ...(file
        ? [`It returns at the next start unless ${file} is deleted from the metadata folder.`]
        : []),
    ])
    return 0
  }
}

/** In machine output. */
export const idNames = { saml: 'entityId', oidc: 'clientId', cas: 'urlPattern' } as const

function named(protocol: Protocol, id: string) {
  return { [idNames[protocol]]: id }
}
