import { createPublicKey } from 'node:crypto'
import { IdpError } from '../errors.ts'
import { certificatePem } from '../keys/certificate.ts'
import { findKey } from '../keys/key-records.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { print } from './service-input.ts'

const usage = `Usage: propylaia keys export-public KID [--json]

For services that pin a key: the certificate of a SAML key in PEM, the JWK of an OpenID Connect key.
--json: always the JWK.
`

/** `keys export-public`: see the usage above. */
export async function exportCommand(_context: CliContext, args: string[]): Promise<number> {
  const read = readArguments(args, { json: { type: 'boolean' } }, usage)
  if (typeof read === 'number') return read
  const [kid, ...more] = read.positionals
  if (kid === undefined || more.length > 0) {
    return usageError('expected: keys export-public KID', usage)
  }
  const key = await findKey(kid)
  if (key.certificate && !read.values.json) {
    process.stdout.write(certificatePem(key.certificate.base64))
    return 0
  }
  const publicKey = key.publicKey
    ? createPublicKey({ key: Buffer.from(key.publicKey, 'base64'), type: 'spki', format: 'der' })
    : key.certificate && createPublicKey(certificatePem(key.certificate.base64))
  if (!publicKey) {
    throw new IdpError(
      'KEY_UNKNOWN',
      `the public half of ${kid} is in the JWKS only: it was made by an older version`,
    )
  }
  const jwk = {
    ...publicKey.export({ format: 'jwk' }),
    kid,
    use: key.use === 'saml-encryption' ? 'enc' : 'sig',
    alg: key.algorithm,
  }
  print([JSON.stringify(jwk, null, 2)])
  return 0
}
