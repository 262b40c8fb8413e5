import { usageError } from './arguments.ts'
import type { CliContext, Command } from './cli-context.ts'

/** Loaded when asked for, like the commands themselves. */
const actions: Record<string, { load: () => Promise<Command>; about: string }> = {
  list: {
    load: async () => (await import('./keys-list.ts')).listCommand,
    about: 'list                   every key: state, age, who, fingerprints, where it is published',
  },
  stage: {
    load: async () => (await import('./keys-stage.ts')).stageCommand,
    about: 'stage --use USE        makes a key that is published and does not sign yet',
  },
  import: {
    load: async () => (await import('./keys-import.ts')).importCommand,
    about: 'import FILE --use USE  takes a key and certificate made elsewhere',
  },
  promote: {
    load: async () => (await import('./keys-promote.ts')).promoteCommand,
    about: 'promote KID            a staged key signs from now on, once it is safe',
  },
  rehearse: {
    load: async () => (await import('./keys-rehearse.ts')).rehearseCommand,
    about: 'rehearse [KID]         what a promotion would do, service by service',
  },
  retire: {
    load: async () => (await import('./keys-stage.ts')).retireCommand,
    about: 'retire KID             takes a key that signed before out of metadata or JWKS',
  },
  discard: {
    load: async () => (await import('./keys-stage.ts')).discardCommand,
    about: 'discard KID            takes back a staged key that never signed',
  },
  revoke: {
    load: async () => (await import('./keys-revoke.ts')).revokeCommand,
    about: 'revoke KID             ends at once a key that others may have',
  },
  rewrap: {
    load: async () => (await import('./keys-rewrap.ts')).rewrapCommand,
    about: 'rewrap                 puts a new master key in the place of the present one',
  },
  'export-public': {
    load: async () => (await import('./keys-export.ts')).exportCommand,
    about: 'export-public KID      its certificate or JWK, for services that pin it',
  },
}

const usage = `Usage: propylaia keys ACTION … [--json]

${Object.values(actions)
  .map(({ about }) => `  ${about}`)
  .join('\n')}

USE is saml, oidc or saml-encryption. "propylaia keys ACTION --help" says more (docs/keys.md).
`

/** `keys …`: signing keys and their life. */
export async function keysCommand(context: CliContext, args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help') {
    process.stdout.write(usage)
    return 0
  }
  const action = name !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined
  if (!action) {
    return usageError(
      name === undefined ? 'keys needs an action' : `keys has no action "${name}"`,
      usage,
    )
  }
  return (await action.load())(context, kidsLast(rest))
}

/**
 * One kid in 64 begins with "-" and would be read as an option: those go behind "--", where
 * everything is what it is.
 */
function kidsLast(args: readonly string[]): string[] {
  const isKid = (arg: string) => /^-[\w-]{42}$/.test(arg)
  const kids = args.filter(isKid)
  return kids.length === 0 ? [...args] : [...args.filter((arg) => !isKid(arg)), '--', ...kids]
}
