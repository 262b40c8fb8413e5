/**
 * What the embedded store costs: microseconds of the server's own work for common requests, with
 * 200,000 documents, and what a client sees over the socket.
 *
 * node bench/store.ts [documents]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON, type Document, MongoClient } from 'mongodb'
import { startEmbeddedServer } from '../src/store/connection.ts'
import { Engine } from '../src/store/embedded/engine.ts'

const count = Number(process.argv[2] ?? 200_000)
const dataDir = mkdtempSync(join(tmpdir(), 'propylaia-bench-'))

function message(command: Document): Buffer {
  const body = BSON.serialize({ ...command, $db: 'bench' })
  const bytes = Buffer.alloc(21 + body.length)
  bytes.writeInt32LE(bytes.length, 0)
  bytes.writeInt32LE(2013, 12)
  bytes.set(body, 21)
  return bytes
}

function person(i: number): Document {
  return {
    _id: `person-${i}`,
    username: `user${(i * 7919) % count}`,
    mail: [`user${i}@uni.example.gr`],
    status: i % 10 === 0 ? 'pending' : 'active',
    names: {
      el: { given: 'Συνθετικό', family: `Πρόσωπο ${i}` },
      en: { given: 'Synthetic', family: `Person ${i}` },
    },
    roles: [{ kind: 'student', department: `d${i % 40}`, since: new Date(1e12 + i) }],
    createdAt: new Date(1.6e12 + i * 1000),
  }
}

/** Median and 99th percentile of one call, in microseconds. */
function measure(name: string, rounds: number, call: (i: number) => void) {
  for (let i = 0; i < rounds / 10; i++) call(i)
  const times = new Float64Array(rounds)
  for (let i = 0; i < rounds; i++) {
    const start = process.hrtime.bigint()
    call(rounds + i)
    times[i] = Number(process.hrtime.bigint() - start) / 1000
  }
  times.sort()
  const at = (part: number) => times[Math.floor(rounds * part)]!.toFixed(1).padStart(9)
  console.log(`${name.padEnd(58)} ${at(0.5)} us median ${at(0.99)} us p99`)
}

const engine = new Engine(dataDir, () => 0, console.error)
const run = (bytes: Buffer) => engine.run([{ bytes, answer() {} }])

run(
  message({
    createIndexes: 'people',
    indexes: [
      { key: { username: 1 }, name: 'username', unique: true },
      { key: { 'roles.department': 1, createdAt: -1 }, name: 'department' },
      { key: { status: 1, createdAt: -1 }, name: 'status' },
    ],
  }),
)
const start = performance.now()
for (let i = 0; i < count; i += 1000) {
  run(
    message({
      insert: 'people',
      documents: Array.from({ length: Math.min(1000, count - i) }, (_, k) => person(i + k)),
    }),
  )
}
const insertUs = ((performance.now() - start) * 1000) / count
console.log(
  `${count} documents, 4 indexes; bulk insert ${insertUs.toFixed(1)} us each\n\nin the server, request bytes to answer bytes:`,
)

const of = (i: number) => (i * 104_729) % count
const requests = (make: (i: number) => Document) =>
  Array.from({ length: 5000 }, (_, i) => message(make(of(i))))
const reads: [string, Buffer[]][] = [
  [
    'find by _id',
    requests((i) => ({
      find: 'people',
      filter: { _id: `person-${i}` },
      limit: 1,
      singleBatch: true,
      batchSize: 1,
    })),
  ],
  [
    'find by unique username',
    requests((i) => ({
      find: 'people',
      filter: { username: `user${i}` },
      limit: 1,
      singleBatch: true,
      batchSize: 1,
    })),
  ],
  [
    'find by username and a condition',
    requests((i) => ({
      find: 'people',
      filter: { username: `user${i}`, status: { $ne: 'locked' } },
      limit: 1,
      singleBatch: true,
    })),
  ],
  [
    'find 20 newest by status (sort by index)',
    requests((i) => ({
      find: 'people',
      filter: { status: 'active', createdAt: { $lt: new Date(1.6e12 + i * 1000) } },
      sort: { createdAt: -1 },
      limit: 20,
    })),
  ],
  [
    'count by status and date (index only)',
    requests((i) => ({
      count: 'people',
      query: {
        status: 'pending',
        createdAt: { $gt: new Date(1.6e12 + (count - (i % 1000)) * 1000) },
      },
    })),
  ],
]
for (const [name, bytes] of reads) measure(name, 20_000, (i) => run(bytes[i % bytes.length]!))

const updates = requests((i) => ({
  update: 'people',
  updates: [{ q: { _id: `person-${i}` }, u: { $set: { seen: new Date() } } }],
}))
let next = 0
measure('update by _id, committed to disk', 500, (i) => run(updates[i % updates.length]!))
measure('insert, committed to disk', 500, () =>
  run(message({ insert: 'log', documents: [{ n: next++ }] })),
)
const batch = () =>
  Array.from({ length: 50 }, () => ({
    bytes: message({ insert: 'log', documents: [{ n: next++ }] }),
    answer() {},
  }))
measure('50 inserts of 50 clients in one commit', 100, () => engine.run(batch()))
engine.close()

const server = await startEmbeddedServer({ dataDir })
const client = await new MongoClient(server.uri).connect()
const people = client.db('bench').collection<{ _id: string; username: string }>('people')
const clientRounds = 3000
for (let i = 0; i < 500; i++) await people.findOne({ username: `user${i}` })
const times: number[] = []
for (let i = 0; i < clientRounds; i++) {
  const begin = performance.now()
  await people.findOne({ username: `user${of(i)}` })
  times.push((performance.now() - begin) * 1000)
}
times.sort((a, b) => a - b)
console.log(
  `\nover the socket, driver included:\n${'findOne by username'.padEnd(58)} ${times[clientRounds / 2]!.toFixed(1).padStart(9)} us median ${times[Math.floor(clientRounds * 0.99)]!.toFixed(1).padStart(9)} us p99`,
)
await client.close()
await server.close()
rmSync(dataDir, { recursive: true, force: true })
