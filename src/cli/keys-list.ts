import { type KeyRecord, listKeys } from '../keys/key-records.ts'
import { athensTime } from './activation-texts.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia keys list [--json]

Every key there is or was: state, age, what was done with it and by whom, the fingerprints of its
certificate, and where it is published. Nothing in it is secret.
`

/** `keys list`: see the usage above. */
export async function listCommand(context: CliContext, args: string[]): Promise<number> {
  const read = readArguments(args, { json: { type: 'boolean' } }, usage)
  if (typeof read === 'number') return read
  if (read.positionals.length > 0) return usageError(`what is "${read.positionals[0]}"?`, usage)
  const keys = await listKeys()
  const now = context.now()
  if (read.values.json)
    printJson(keys.map((key) => ({ ...keyFacts(key), ageDays: ageDays(key, now) })))
  else for (const key of keys) print(keyLines(key, now))
  return 0
}

function ageDays(key: KeyRecord, now: Date): number {
  return Math.floor((now.getTime() - key.createdAt.getTime()) / 86_400_000)
}

/** A key for machines: instants as ISO 8601. */
export function keyFacts(key: KeyRecord) {
  const { certificate, publicKey: _, ...facts } = key
  return {
    ...facts,
    // As openssl writes it without colons, in lower case.
    certificateSha256: plainHex(certificate?.sha256),
    certificateSha1: plainHex(certificate?.sha1),
    certificateSubject: certificate?.subject,
    certificateNotBefore: certificate?.notBefore,
    certificateNotAfter: certificate?.notAfter,
  }
}

function plainHex(fingerprint: string | undefined): string | undefined {
  return fingerprint?.replaceAll(':', '').toLowerCase()
}

const places = {
  metadata: 'published in the SAML metadata',
  jwks: 'published in the JWKS',
} as const

/** A key for people, in a few lines. */
export function keyLines(key: KeyRecord, now: Date): string[] {
  const { certificate, publishedIn, keptBy } = key
  const kept = {
    store: `sealed under the master key ${key.masterKeyId}`,
    signer: `kept by the key signer as "${key.signerLabel}"`,
    erased: 'private half erased',
  }[keptBy]
  return [
    `${key.use}  ${key.state}  ${key.type} ${key.algorithm}  ${ageDays(key, now)} days old`,
    `  kid          ${key.kid}`,
    `  where        ${publishedIn ? places[publishedIn] : 'not published'}; ${kept}`,
    ...key.history.map(
      ({ event, at, by }) =>
        `  ${`${event.replace('key.', '')}            `.slice(0, 12)} ${athensTime(at)} by ${by}`,
    ),
    ...(key.revokedReason ? [`  reason       ${key.revokedReason}`] : []),
    ...(certificate
      ? [
          `  certificate  ${certificate.subject.replaceAll('\n', ', ')}, until ${certificate.notAfter.toISOString().slice(0, 10)}`,
          `  SHA-1        ${certificate.sha1}`,
          `  SHA-256      ${certificate.sha256}`,
        ]
      : []),
    '',
  ]
}
