import { createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { signWith } from '../../src/keys/local-key.ts'

/**
 * A key signer of a few lines, as an institution might write one: private keys are PEM files in the
 * folder that it is given, their names are the labels. What it does wrong on purpose is said by
 * files beside them: `mute` (no answer), `die` (ends at the next question), `mixed-up` (signs with
 * another key).
 */
const folder = process.argv[2]!
const has = (name: string) => existsSync(join(folder, name))
const keyOf = (label: string) => createPrivateKey(readFileSync(join(folder, `${label}.pem`)))

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, label, data } = JSON.parse(line) as Record<string, string>
  if (has('die')) process.exit(3)
  if (has('mute')) continue
  process.stdout.write(`${JSON.stringify({ id, ...answer(op!, label!, data) })}\n`)
}

function answer(op: string, label: string, data = ''): object {
  try {
    if (op === 'list') {
      const files = readdirSync(folder).filter((name) => name.endsWith('.pem'))
      return { labels: files.map((name) => name.slice(0, -'.pem'.length)) }
    }
    if (op === 'public-key') {
      return { publicKey: createPublicKey(keyOf(label)).export({ type: 'spki', format: 'pem' }) }
    }
    const key = keyOf(has('mixed-up') ? 'other' : label)
    return { signature: signWith(key, Buffer.from(data, 'base64')).toString('base64') }
  } catch (error) {
    return { error: (error as Error).message }
  }
}
