import { createHash } from 'node:crypto'
import { SigningKeyModel } from '../keys/signing-key-model.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = 'Usage: propylaia keys list [--json]\n'

/** `keys list`: every signing key with state, age and certificate fingerprint. */
export async function keysCommand(context: CliContext, args: string[]): Promise<number> {
  const read = readArguments(args, { json: { type: 'boolean' } }, usage)
  if (typeof read === 'number') return read
  const { values, positionals } = read
  if (positionals.join(' ') !== 'list') {
    return usageError(`keys has the action "list" only, got "${positionals.join(' ')}"`, usage)
  }
  const records = await SigningKeyModel.find().sort({ use: 1, generation: -1 }).lean()
  const keys = records.map((record) => ({
    kid: record._id,
    use: record.use,
    type: record.type,
    state: record.state,
    createdAt: record.createdAt.toISOString(),
    ageDays: Math.floor((context.now().getTime() - record.createdAt.getTime()) / 86_400_000),
    certificateSha256: record.certificate
      ? createHash('sha256').update(Buffer.from(record.certificate, 'base64')).digest('hex')
      : undefined,
  }))
  if (values.json) {
    process.stdout.write(`${JSON.stringify(keys, null, 2)}\n`)
    return 0
  }
  for (const key of keys) {
    process.stdout.write(
      `${key.use}  ${key.state.padEnd(8)}  ${key.type}  ${key.ageDays} days old  ${key.kid}\n`,
    )
  }
  return 0
}
