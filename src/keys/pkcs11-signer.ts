import { execFile } from 'node:child_process'
import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'

/**
 * A key signer (signer-process.ts) for a PKCS#11 token, by OpenSC's pkcs11-tool:
 *
 *     KEY_SIGNER_COMMAND="node src/keys/pkcs11-signer.ts --module /usr/lib/softhsm/libsofthsm2.so
 *       --token-label propylaia --pin-file /etc/propylaia/token.pin"
 *
 * Each signature is a run of pkcs11-tool, some tens of milliseconds: fit for a university's evening,
 * not for its registration day. A program that keeps its session open can take its place.
 */
const run = promisify(execFile)

const { values } = parseArgs({
  options: {
    tool: { type: 'string', default: 'pkcs11-tool' },
    module: { type: 'string' },
    'token-label': { type: 'string' },
    'pin-file': { type: 'string' },
  },
})
const { tool, module: library } = values
const tokenLabel = values['token-label']
const pinFile = values['pin-file']
if (!library || !tokenLabel || !pinFile) {
  process.stderr.write('expected: --module FILE --token-label LABEL --pin-file FILE\n')
  process.exit(2)
}
// In the environment of pkcs11-tool, not among its arguments, which everybody can list.
const environment = { ...process.env, PROPYLAIA_TOKEN_PIN: readFileSync(pinFile, 'utf8').trim() }
const common = ['--module', library, '--token-label', tokenLabel]
const login = ['--login', '--pin', 'env:PROPYLAIA_TOKEN_PIN']
const folder = mkdtempSync(join(tmpdir(), 'propylaia-signer-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

let last: Promise<unknown> = Promise.resolve()

/**
 * One run at a time: SoftHSM does not find its token, or refuses the login, while another process
 * has it open, and several at a time are hardly faster.
 */
function token(...args: string[]): Promise<string> {
  const mine = last.then(() => runTool(args))
  last = mine.catch(() => undefined)
  return mine
}

/** What SoftHSM says while a process of another worker has the token open. */
const isBusy = /No slot with token named|CKR_GENERAL_ERROR|CKR_DEVICE_ERROR/
const maxTries = 20

async function runTool(args: readonly string[]): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      const options = { env: environment, timeout: 20_000 }
      return (await run(tool, [...common, ...args], options)).stdout
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string }
      if (tries === maxTries || !isBusy.test(stderr)) throw error
      await setTimeout(5 + Math.random() * 40)
    }
  }
}

/** CKA_ID by label: pkcs11-tool signs with the first key it finds unless it is given an id. */
async function identifiers(): Promise<Map<string, string>> {
  const listed = await token('--list-objects', '--type', 'pubkey')
  const found = new Map<string, string>()
  for (const object of listed.split(/^Public Key Object/m).slice(1)) {
    const label = /^\s*label:\s*(.*)$/m.exec(object)?.[1]?.trim()
    const id = /^\s*ID:\s*([0-9a-f]+)\s*$/im.exec(object)?.[1]
    if (label && id) found.set(label, id)
  }
  return found
}

let known = new Map<string, string>()

async function idOf(label: string): Promise<string> {
  if (!known.has(label)) known = await identifiers()
  const id = known.get(label)
  if (id === undefined) throw new Error(`the token has no key with the label "${label}" and an id`)
  return id
}

async function publicKey(label: string): Promise<string> {
  const file = join(folder, randomBytes(8).toString('hex'))
  await token('--read-object', '--type', 'pubkey', '--id', await idOf(label), '--output-file', file)
  const key = createPublicKey({ key: readFileSync(file), type: 'spki', format: 'der' })
  rmSync(file)
  return key.export({ type: 'spki', format: 'pem' }) as string
}

async function sign(label: string, algorithm: string, data: Buffer): Promise<string> {
  const name = join(folder, randomBytes(8).toString('hex'))
  const isEc = algorithm === 'ES256'
  // Many tokens have the bare ECDSA mechanism only, which takes the digest.
  writeFileSync(`${name}.in`, isEc ? createHash('sha256').update(data).digest() : data)
  const mechanism = isEc ? ['ECDSA', '--signature-format', 'rs'] : ['SHA256-RSA-PKCS']
  try {
    await token(
      ...login,
      '--sign',
      '--id',
      await idOf(label),
      '--mechanism',
      ...mechanism,
      '--input-file',
      `${name}.in`,
      '--output-file',
      `${name}.out`,
    )
    return readFileSync(`${name}.out`).toString('base64')
  } finally {
    rmSync(`${name}.in`, { force: true })
    rmSync(`${name}.out`, { force: true })
  }
}

interface Question {
  readonly id: unknown
  readonly op: string
  readonly label?: string
  readonly algorithm?: string
  readonly data?: string
}

async function answer({ op, label = '', algorithm = '', data = '' }: Question): Promise<object> {
  if (op === 'list') return { labels: [...(await identifiers()).keys()] }
  if (op === 'public-key') return { publicKey: await publicKey(label) }
  if (op === 'sign') return { signature: await sign(label, algorithm, Buffer.from(data, 'base64')) }
  throw new Error(`there is no operation "${op}"`)
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as Question
  // Not waited for here: what asks for the token waits its turn (token()).
  answer(question).then(
    (result) => write({ id: question.id, ...result }),
    (error: Error & { stderr?: string }) =>
      write({ id: question.id, error: (error.stderr || error.message).trim().slice(-300) }),
  )
}

function write(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
