import { discardKey, retireKey, stageKey } from '../keys/key-life.ts'
import type { KeyRecord } from '../keys/key-records.ts'
import { type KeyType, type KeyUse, keyTypes, keyUses } from '../keys/signing-key.ts'
import { operator } from './admin.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { keyFacts, keyLines } from './keys-list.ts'
import { print, printJson } from './service-input.ts'

const stageUsage = `Usage: propylaia keys stage --use saml|oidc|saml-encryption [--type TYPE] [--days N] [--json]

Makes a key that is published from now on and signs once it is promoted: services read it meanwhile.

  --type TYPE   ${keyTypes.join(', ')}; the one of the settings when not given
  --days N      how long its certificate is valid (SAML); SAML_CERTIFICATE_DAYS when not given
`

const retireUsage = `Usage: propylaia keys retire KID [--force] [--json]

Takes a retiring key out of metadata or JWKS and erases its private half. Refused while something
that it signed may not have been checked yet, or may still be encrypted for it.

  --force   all the same
`

const discardUsage = `Usage: propylaia keys discard KID [--json]

Takes back a staged key that never signed.
`

/** @returns the use, or exit code 2 */
export function readUse(given: string | undefined, usage: string): KeyUse | 2 {
  const use = keyUses.find((known) => known === given)
  return (
    use ??
    usageError(
      given === undefined
        ? `--use is missing: one of ${keyUses.join(', ')}`
        : `--use must be one of ${keyUses.join(', ')}, got "${given}"`,
      usage,
    )
  )
}

/** @returns the days, or exit code 2 */
export function readDays(given: string | undefined, usage: string): number | 2 | undefined {
  if (given === undefined) return undefined
  const days = Number(given)
  if (/^\d{1,5}$/.test(given) && days >= 30 && days <= 7300) return days
  return usageError(`--days must be a whole number from 30 to 7300, got "${given}"`, usage)
}

/** `keys stage`: see the usage above. */
export async function stageCommand(context: CliContext, args: string[]): Promise<number> {
  const options = {
    json: { type: 'boolean' },
    use: { type: 'string' },
    type: { type: 'string' },
    days: { type: 'string' },
  } as const
  const read = readArguments(args, options, stageUsage)
  if (typeof read === 'number') return read
  const { values, positionals } = read
  if (positionals.length > 0) return usageError(`what is "${positionals[0]}"?`, stageUsage)
  const use = readUse(values.use, stageUsage)
  if (use === 2) return use
  const type = keyTypes.find((known) => known === values.type) as KeyType | undefined
  if (values.type !== undefined && !type) {
    return usageError(
      `--type must be one of ${keyTypes.join(', ')}, got "${values.type}"`,
      stageUsage,
    )
  }
  const certificateDays = readDays(values.days, stageUsage)
  if (certificateDays === 2) return certificateDays
  return show(
    context,
    values.json,
    await stageKey(context, { use, type, certificateDays, by: operator() }),
  )
}

/** `keys retire`: see the usage above. */
export async function retireCommand(context: CliContext, args: string[]): Promise<number> {
  const options = { json: { type: 'boolean' }, force: { type: 'boolean' } } as const
  const read = readArguments(args, options, retireUsage)
  if (typeof read === 'number') return read
  const [kid, ...more] = read.positionals
  if (kid === undefined || more.length > 0)
    return usageError('expected: keys retire KID', retireUsage)
  const { json, force } = read.values
  return show(context, json, await retireKey(context, kid, { by: operator(), force }))
}

/** `keys discard`: see the usage above. */
export async function discardCommand(context: CliContext, args: string[]): Promise<number> {
  const read = readArguments(args, { json: { type: 'boolean' } }, discardUsage)
  if (typeof read === 'number') return read
  const [kid, ...more] = read.positionals
  if (kid === undefined || more.length > 0)
    return usageError('expected: keys discard KID', discardUsage)
  return show(context, read.values.json, await discardKey(context, kid, { by: operator() }))
}

function show(context: CliContext, json: boolean | undefined, key: KeyRecord): number {
  if (json) printJson(keyFacts(key))
  else print(keyLines(key, context.now()))
  return 0
}
