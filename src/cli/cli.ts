import pino from 'pino'
import { ConfigError, describeOptions, readConfig } from '../config.ts'
import { IdpError } from '../errors.ts'
import { StoreFormatError, StoreInUseError } from '../store/connection.ts'
import { readArguments, usageError } from './arguments.ts'
import type { Command } from './cli-context.ts'
import { forTerminal } from './terminal-text.ts'

/** Loaded when asked for: a command need not wait for the code of the others and of the server. */
const commands: Record<string, { load: () => Promise<Command>; about: string }> = {
  registry: {
    load: async () => (await import('./registry.ts')).registryCommand,
    about: 'registry import FILE: people from a source system',
  },
  account: {
    load: async () => (await import('./account.ts')).accountCommand,
    about:
      'account create|show|disable|enable|lock|unlock|recovery-code USERNAME; account requests',
  },
  activation: {
    load: async () => (await import('./activation.ts')).activationCommand,
    about: 'activation show REF|list USERNAME|funnel: what became of activations',
  },
  academicid: {
    load: async () => (await import('./academicid.ts')).academicIdCommand,
    about:
      'academicid status|conflicts|allocate|sync|rekey|export|serve|token|merge|import: one id a person for life',
  },
  consent: {
    load: async () => (await import('./consent.ts')).consentCommand,
    about: 'consent list USERNAME|withdraw USERNAME ID: what somebody allowed services to have',
  },
  messages: {
    load: async () => (await import('./messages.ts')).messagesCommand,
    about: 'messages list|retry: mail and SMS that were sent, wait or failed',
  },
  sp: {
    load: async () => (await import('./service-provider.ts')).spCommand,
    about: 'sp add|list|approve|remove|override: SAML service providers',
  },
  federation: {
    load: async () => (await import('./federation.ts')).federationCommand,
    about:
      'federation add|list|show|refresh|remove: services that a federation vouches for; federation requests',
  },
  client: {
    load: async () => (await import('./client.ts')).clientCommand,
    about: 'client add|list|approve|remove|override: OpenID Connect clients',
  },
  cas: {
    load: async () => (await import('./cas.ts')).casCommand,
    about: 'cas add|list|approve|remove|override: CAS services',
  },
  release: {
    load: async () => (await import('./release.ts')).releaseCommand,
    about: 'release explain USERNAME SERVICE|presets|preset ID: what a service gets, and why',
  },
  admin: {
    load: async () => (await import('./admin.ts')).adminCommand,
    about: 'admin grant|revoke USERNAME|list: who may use the pages under /admin',
  },
  keys: {
    load: async () => (await import('./keys.ts')).keysCommand,
    about:
      'keys list|stage|import|promote|rehearse|retire|discard|revoke|rewrap|export-public: signing keys and their life',
  },
}

const usage = `Usage: propylaia COMMAND …

  serve                starts the server
${Object.values(commands)
  .map(({ about }) => `  ${about}`)
  .join('\n')}
  help COMMAND         what it takes
  help settings        the environment variables

Every command takes --help, and all but serve take --json for machine output.
`

const serveUsage = `Usage: propylaia serve

Starts the server, as "npm start" does, until Ctrl-C or SIGTERM. It takes no arguments: settings are
environment variables, and "propylaia help settings" lists them.
`

/** @returns the process's exit code */
async function run(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === 'help' && rest[0] === 'settings') {
    for (const { env, fallback, about } of describeOptions()) {
      process.stdout.write(
        `${env.padEnd(26)} ${about}${fallback ? ` Default: ${fallback}.` : ''}\n`,
      )
    }
    return 0
  }
  if (name === 'help' && rest[0] !== undefined) return run([rest[0], '--help'])
  if (name === undefined || name === 'help' || name === '--help') {
    process.stdout.write(usage)
    return name === undefined ? 2 : 0
  }
  if (name === 'serve') {
    const parsed = readArguments(rest, {}, serveUsage)
    if (typeof parsed === 'number') return parsed
    const [argument] = parsed.positionals
    if (argument !== undefined) {
      return usageError(`serve takes no arguments, got "${argument}"`, serveUsage)
    }
    const { serve } = await import('../main.ts')
    await serve(readConfig())
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    process.stderr.write(`propylaia: there is no command "${name}"\n\n${usage}`)
    return 2
  }
  if (name === 'academicid') {
    // Without runtime.ts: a registry's store is to hold its own collections and no others.
    const registry = await import('./academicid-registry.ts')
    if (registry.isRegistryCommand(rest[0])) return registry.registryCommand(rest)
  }
  const execute = await command.load()
  // Results go to standard output; only what failed is logged.
  const log = pino({ level: 'warn' }, pino.destination(2))
  const { openRuntime } = await import('../runtime.ts')
  const runtime = await openRuntime(readConfig(), { embedded: 'auto', log })
  try {
    return await execute(runtime.context, rest)
  } finally {
    await runtime.close()
  }
}

/** Failures whose message says all an administrator needs; a stack trace would only frighten. */
function isExplained(error: unknown): error is Error {
  return [IdpError, StoreInUseError, StoreFormatError].some((kind) => error instanceof kind)
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (error instanceof ConfigError) {
    process.stderr.write(
      `propylaia cannot start:\n${error.problems.map((problem) => `  ${problem}\n`).join('')}`,
    )
  } else if (isExplained(error)) {
    process.stderr.write(`propylaia: ${forTerminal(error.message)}\n`)
  } else if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    process.stderr.write(
      `propylaia: ${(error as Error).message}. Stop the other program or set PORT.\n`,
    )
  } else if (error instanceof Error && /^Mongo.*(ServerSelection|Parse)Error$/.test(error.name)) {
    process.stderr.write(
      `propylaia: the store that MONGODB_URI names cannot be opened: ${error.message}\n`,
    )
  } else {
    console.error(error)
  }
  process.exitCode = 1
}
