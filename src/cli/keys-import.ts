import { readFileSync, statSync } from 'node:fs'
import { IdpError } from '../errors.ts'
import { type ImportedKey, importKey, importSignerKey, isEncryptedKey } from '../keys/key-import.ts'
import type { KeyUse } from '../keys/signing-key.ts'
import { operator } from './admin.ts'
import { readArguments, usageError } from './arguments.ts'
import { askHidden } from './ask-hidden.ts'
import type { CliContext } from './cli-context.ts'
import { keyFacts, keyLines } from './keys-list.ts'
import { readDays, readUse } from './keys-stage.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia keys import FILE --use saml|oidc|saml-encryption [--cert FILE] [--activate] [--json]
       propylaia keys import --signer LABEL --use saml|oidc [--cert FILE] [--activate] [--json]

Takes a private key made elsewhere (PEM: PKCS#8, PKCS#1 or SEC 1), with the certificate that services
know it by: they need not change anything (docs/keys.md). With --signer the key stays where it is, and
KEY_SIGNER_COMMAND signs with it.

  --cert FILE              its certificate; looked for in FILE, else made, when not given
  --passphrase-file FILE   of an encrypted key; asked for on a terminal when not given
  --days N                 how long a certificate that is made is valid
  --activate               signs from now on; the key that did so is retiring. Only where services
                           know the key already: staged otherwise
`

const options = {
  json: { type: 'boolean' },
  use: { type: 'string' },
  cert: { type: 'string' },
  signer: { type: 'string' },
  days: { type: 'string' },
  activate: { type: 'boolean' },
  'passphrase-file': { type: 'string' },
} as const

/** Bytes; a key with its certificates has a few thousand. */
const maxFileBytes = 262_144

/** `keys import`: see the usage above. */
export async function importCommand(context: CliContext, args: string[]): Promise<number> {
  const read = readArguments(args, options, usage)
  if (typeof read === 'number') return read
  const { values, positionals } = read
  const [file, ...more] = positionals
  if (more.length > 0) return usageError(`what is "${more[0]}"?`, usage)
  if ((file === undefined) === (values.signer === undefined)) {
    return usageError('expected a FILE or --signer LABEL', usage)
  }
  const use = readUse(values.use, usage)
  if (use === 2) return use
  const certificateDays = readDays(values.days, usage)
  if (certificateDays === 2) return certificateDays
  const wanted = {
    use,
    certificateDays,
    certificatePem: values.cert === undefined ? undefined : readSmallFile(values.cert),
    as: values.activate ? ('active' as const) : ('staged' as const),
    by: operator(),
  }
  const imported =
    file === undefined
      ? await importSignerKey(context, { ...wanted, label: values.signer! })
      : await importFile(context, file, wanted, values['passphrase-file'])
  for (const warning of imported.warnings) process.stderr.write(`propylaia: ${warning}\n`)
  if (values.json) printJson({ ...keyFacts(imported.key), warnings: imported.warnings })
  else print(keyLines(imported.key, context.now()))
  return 0
}

async function importFile(
  context: CliContext,
  file: string,
  wanted: { use: KeyUse; as: 'staged' | 'active'; by: string; certificatePem?: string },
  passphraseFile: string | undefined,
): Promise<ImportedKey> {
  const privateKeyPem = readSmallFile(file)
  let passphrase: string | undefined
  if (passphraseFile !== undefined) passphrase = readSmallFile(passphraseFile).replace(/\r?\n$/, '')
  else if (isEncryptedKey(privateKeyPem)) passphrase = await askHidden(`Passphrase of ${file}: `)
  return importKey(context, { ...wanted, privateKeyPem, passphrase })
}

function readSmallFile(file: string): string {
  try {
    const { size } = statSync(file)
    if (size > maxFileBytes)
      throw new Error(`it has ${size} bytes, at most ${maxFileBytes} are read`)
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new IdpError('KEY_IMPORT_INVALID', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    })
  }
}
