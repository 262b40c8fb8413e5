import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { SigningKeyModel } from '../keys/signing-key-model.ts'
import type { CliContext } from './cli-context.ts'

const usage = 'Usage: propylaia keys list [--json]\n'

/** `keys list`: every signing key with state, age and certificate fingerprint. */
export async function keysCommand(context: CliContext, args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
    allowPositionals: true,
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  if (positionals.join(' ') !== 'list') {
    process.stderr.write(usage)
    return 2
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
      `${key.use}  ${key.state.padEnd(8)}  ${key.type}  ${key.ageDays} days  ${key.kid}\n`,
    )
  }
  return 0
}
