import {
  type AffectedService,
  affectedServices,
  type Compromise,
  revokeCompromisedKey,
} from '../key-rotation/compromise.ts'
import { findKey } from '../keys/key-records.ts'
import { operator } from './admin.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { confirm } from './confirm.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia keys revoke KID --reason TEXT [--yes] [--json]

For a private key that may be in other hands. At once the key leaves metadata and JWKS and is erased;
if it signed, a staged key (or one made now) signs instead. Services that have not read the new key
yet refuse our answers until they do. Prints the affected services, their contacts and the text to
send them, in Greek and English.

  --reason TEXT   what happened, for the audit log; it is not in the text
  --yes           does not ask
`

const options = {
  json: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  reason: { type: 'string' },
} as const

/** `keys revoke`: see the usage above. */
export async function revokeCommand(context: CliContext, args: string[]): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const [kid, ...more] = parsed.positionals
  const { json, yes, reason } = parsed.values
  if (kid === undefined || more.length > 0) return usageError('expected: keys revoke KID', usage)
  if (!reason?.trim()) return usageError('--reason is missing: say what happened', usage)
  const key = await findKey(kid)
  if (!yes) {
    const affected = await affectedServices(context, key)
    print([`${kid} (${key.use}, ${key.state}) is believed by:`, ...serviceLines(affected), ''])
    const answer = await confirm('End this key now?')
    if (answer === undefined)
      return usageError('revoke asks on a terminal; without one it needs --yes', usage)
    if (!answer) {
      process.stderr.write('propylaia: nothing was changed\n')
      return 1
    }
  }
  const done = await revokeCompromisedKey(context, key, { by: operator(), reason: reason.trim() })
  if (json) printJson(facts(done))
  else print(lines(done))
  return 0
}

function facts({ revoked, successor, affected, text }: Compromise) {
  return {
    revoked: {
      kid: revoked.kid,
      use: revoked.use,
      revokedAt: revoked.revokedAt,
      certificateSha256: revoked.certificate?.sha256,
    },
    ...(successor && {
      successor: { kid: successor.kid, certificateSha256: successor.certificate?.sha256 },
    }),
    affected,
    text,
  }
}

function lines({ revoked, successor, affected, text }: Compromise): string[] {
  return [
    `${revoked.kid} is revoked: it is published nowhere and signs nothing.`,
    ...(successor ? [`${successor.kid} signs instead.`] : []),
    '',
    `Affected services (${affected.length}), and whom to write to:`,
    ...serviceLines(affected),
    ...(text
      ? (['el', 'en'] as const).flatMap((language) => [
          '',
          `----- ${language} -----`,
          text[language].subject,
          '',
          text[language].text,
        ])
      : []),
  ]
}

function serviceLines(affected: readonly AffectedService[]): string[] {
  if (affected.length === 0) return ['  none']
  return affected.map(({ id, name, contacts }) => {
    const addresses = contacts.map(({ email }) => email).join(', ') || 'no contact on record'
    return `  ${name}  ${id}  ${addresses}`
  })
}
