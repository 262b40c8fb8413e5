import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import {
  addFederation,
  listFederations,
  removeFederation,
} from '../src/federation/aggregates/federations.ts'
import { refreshFederation } from '../src/federation/aggregates/refresh.ts'
import { clearServiceCache, findServiceProvider } from '../src/federation/service-store.ts'
import { openStore } from '../src/store/connection.ts'
import { entityIdOf, makeAggregate, metadataRoot } from './synthetic-aggregate.ts'

/**
 * What a federation of eduGAIN's size costs: `npm run bench:metadata -- [ENTITIES]`, 10,000 by
 * default, in the embedded store or MONGODB_URI. Needs xmlsec1 and openssl. Beside xmlsec1's
 * verification of the same file, in turns; the memory is that of this whole process, the embedded
 * store and the reader's thread included, with V8's young generation kept small (package.json):
 * otherwise it grows as it pleases and the number says nothing. On a busy machine look at CPU times:
 * ours needs a second processor.
 */
const count = Number(process.argv[2] ?? 10_000)
const rounds = 5
const limits = { ratio: 2, residentMiB: 300, lookUpMs: 5 }
const folder = mkdtempSync(join(tmpdir(), 'propylaia-bench-'))
const { file, key, bytes } = makeAggregate(folder, count)
console.log(`${count} synthetic entities, ${(bytes / 1e6).toFixed(1)} MB, signed with RSA-SHA256\n`)

const store = await openStore(
  { mongodbUri: process.env.MONGODB_URI || undefined, dataDir: join(folder, 'data') },
  { embedded: 'own' },
)
const context = {
  now: () => new Date(),
  log: pino({ level: 'silent' }),
  audit: { record: () => undefined, close: async () => {} },
  config: { clockSkewSeconds: 180 },
}
let peakResident = 0
const watch = setInterval(() => {
  peakResident = Math.max(peakResident, process.memoryUsage.rss())
}, 5)
try {
  const reference: number[] = []
  const ours: number[] = []
  const cpu = { reference: 0, ours: 0 }
  for (let round = 0; round < rounds; round++) {
    const before = childrenCpuMs()
    reference.push(await timed(verifyWithXmlsec))
    cpu.reference += childrenCpuMs() - before
    await startAfresh()
    const own = process.cpuUsage()
    ours.push(await timed(() => refreshFederation('bench', context)))
    const { user, system } = process.cpuUsage(own)
    cpu.ours += (user + system) / 1000
    console.log(
      `round ${round + 1}: xmlsec1 ${reference.at(-1)!.toFixed(0)} ms, verify and index ${ours.at(-1)!.toFixed(0)} ms`,
    )
  }
  console.log()
  const ratio = median(ours) / median(reference)
  report('verify and index, beside xmlsec1 --verify', ratio, limits.ratio, 'times')
  if (cpu.reference > 0) {
    const times = (cpu.ours / cpu.reference).toFixed(2)
    console.log(`the same in CPU time of all threads, store included:    ${times} times`)
  }
  console.log(
    `load of this machine, one minute: ${loadavg()[0]!.toFixed(1)} on ${cpus().length} processors`,
  )
  report('resident at most', peakResident / 1_048_576, limits.residentMiB, 'MiB')
  await reportLookUps()
} finally {
  clearInterval(watch)
  await store.close()
  rmSync(folder, { recursive: true, force: true })
}

/** Starts from an empty index; removing the old one is no part of what is measured. */
async function startAfresh(): Promise<void> {
  if ((await listFederations()).length > 0) await removeFederation('bench')
  await addFederation(
    {
      name: 'bench',
      source: { kind: 'file', file },
      keysPem: readFileSync(key, 'utf8'),
      filters: { roles: ['sp', 'idp', 'aa'] },
      maxValidityDays: 28,
    },
    new Date(),
  )
}

function verifyWithXmlsec(): void {
  const arguments_ = ['--verify', '--pubkey-pem', key, '--id-attr:ID', metadataRoot, file]
  execFileSync('xmlsec1', arguments_, { stdio: 'ignore' })
}

/** CPU time of programs that ran and ended, where the system says it; ticks of a hundredth of a second. */
function childrenCpuMs(): number {
  if (process.platform !== 'linux') return 0
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}

/** One entity after another, each for the first time; then one that is cached. */
async function reportLookUps(): Promise<void> {
  const times: number[] = []
  for (let look = 0; look < 300; look++) {
    clearServiceCache()
    const entityId = entityIdOf((look * 7919) % count)
    times.push(
      await timed(async () => {
        const found = await findServiceProvider(entityId)
        if (found?.entityId !== entityId) throw new Error(`${entityId} is not found`)
      }),
    )
  }
  times.sort((a, b) => a - b)
  report('look-up of one entity, cold: median', median(times), limits.lookUpMs, 'ms')
  report(
    'look-up of one entity, cold: 99 %',
    times[Math.floor(times.length * 0.99)]!,
    limits.lookUpMs,
    'ms',
  )
  const cached = await timed(async () => {
    for (let look = 0; look < 1000; look++) await findServiceProvider(entityIdOf(0))
  })
  console.log(`look-up of one entity, cached: ${(cached / 1000).toFixed(4)} ms`)
}

async function timed(work: () => unknown): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!
}

function report(what: string, value: number, limit: number, unit: string): void {
  const isOver = value > limit
  if (isOver) process.exitCode = 1
  console.log(
    `${what.padEnd(44)} ${value.toFixed(2)} ${unit} (limit ${limit})${isOver ? '  OVER THE LIMIT' : ''}`,
  )
}
