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
import { measureLoaded } from './with-aggregate.ts'

/**
 * What a federation of eduGAIN's size costs: `npm run bench:metadata -- [ENTITIES]`, 10,000 by
 * default, in the embedded store or MONGODB_URI. Needs xmlsec1, openssl and Linux. Verification and
 * index stand beside xmlsec1's verification of the same file, in turns. The memory is what the
 * import's own process had resident, and what this one grew meanwhile, the embedded store in it,
 * together; flags are the product's. Then two servers, one with the aggregate and one without, answer
 * services in turns (with-aggregate.ts). On a busy machine look at CPU times: ours needs a second
 * processor.
 */
const count = Number(process.argv[2] ?? 10_000)
const rounds = 5
const limits = {
  ratio: 2,
  residentMiB: 300,
  lookUpMs: 5,
  /** Of a server that answers meanwhile, its embedded store included. */
  grownMiB: 150,
  /** Of CPU for each answer; two servers that do the same differ by a few percent. */
  signIn: 1.1,
}
/** A server looks things up all day: with its code compiled. */
const warmUpLooks = 300
const looks = 1000
const folder = mkdtempSync(join(tmpdir(), 'propylaia-bench-'))
const aggregate = makeAggregate(folder, count)
const { file, key, bytes } = aggregate
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
/** Of this process, in bytes; set back for each round. */
let mostResident = 0
const watch = setInterval(() => {
  mostResident = Math.max(mostResident, process.memoryUsage.rss())
}, 5)
try {
  const reference: number[] = []
  const ours: number[] = []
  let memory = { together: 0, importing: 0, grown: 0 }
  for (let round = 0; round < rounds; round++) {
    reference.push(await timed(verifyWithXmlsec))
    await startAfresh()
    const before = process.memoryUsage.rss()
    mostResident = before
    let importing = 0
    ours.push(
      await timed(async () => {
        importing = (await refreshFederation('bench', context)).peakResident ?? Number.NaN
      }),
    )
    const grown = mostResident - before
    const together = importing + grown
    if (!(together <= memory.together)) memory = { together, importing, grown }
    console.log(
      `round ${round + 1}: xmlsec1 ${reference.at(-1)!.toFixed(0)} ms, verify and index ${ours.at(-1)!.toFixed(0)} ms`,
    )
  }
  console.log()
  const ratio = median(ours) / median(reference)
  report('verify and index, beside xmlsec1 --verify', ratio, limits.ratio, 'times')
  console.log(
    `load of this machine, one minute: ${loadavg()[0]!.toFixed(1)} on ${cpus().length} processors`,
  )
  const inMiB = (size: number) => (size / 1_048_576).toFixed(0)
  report('resident for an import, at most', memory.together / 1_048_576, limits.residentMiB, 'MiB')
  console.log(
    `  of it ${inMiB(memory.importing)} in the import's process, and ${inMiB(memory.grown)} that this one grew, store included`,
  )
  // Reading it every few milliseconds is no part of a look-up.
  clearInterval(watch)
  await reportLookUps()
  await reportSignIns()
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

/** One entity after another, each for the first time; then one that is cached. */
async function reportLookUps(): Promise<void> {
  const times: number[] = []
  for (let look = 0; look < warmUpLooks + looks; look++) {
    clearServiceCache()
    const entityId = entityIdOf((look * 7919) % count)
    const time = await timed(async () => {
      const found = await findServiceProvider(entityId)
      if (found?.entityId !== entityId) throw new Error(`${entityId} is not found`)
    })
    if (look >= warmUpLooks) times.push(time)
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

async function reportSignIns(): Promise<void> {
  const { localRatio, federatedRatio, growthMiB, p99Ratio } = await measureLoaded(aggregate)
  const { signIn, grownMiB } = limits
  report('CPU of an answer, aggregate loaded by not', localRatio, signIn, 'times')
  report('the same to a service of the aggregate', federatedRatio, signIn, 'times')
  report('a serving process grows meanwhile, at most', growthMiB, grownMiB, 'MiB')
  console.log(
    `while it comes in, the slowest hundredth of answers takes ${p99Ratio.toFixed(1)} times as long`,
  )
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
