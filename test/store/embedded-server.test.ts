import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { BSON, type Document, MongoClient } from 'mongodb'
import {
  openStore,
  StoreFormatError,
  StoreInUseError,
  startEmbeddedServer,
} from '../../src/store/connection.ts'
import { databaseFile } from '../../src/store/embedded/storage/database.ts'
import { checkIntegrity } from '../../src/store/embedded/storage/integrity.ts'
import { chooseSeed, mongodbUri, randomFrom, temporaryDirectory } from './support.ts'

const directories: string[] = []
function directory(): string {
  const path = temporaryDirectory()
  directories.push(path)
  return path
}

describe('embedded store: the server', { skip: mongodbUri !== undefined }, () => {
  after(() => {
    for (const path of directories) rmSync(path, { recursive: true, force: true })
  })

  it('keeps socket, directory and data from other users', async () => {
    const dataDir = directory()
    const server = await startEmbeddedServer({ dataDir })
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
    assert.equal(mode(join(dataDir, 'store')), '700')
    assert.equal(mode(server.socketPath), '700')
    assert.equal(mode(databaseFile(dataDir)), '600')
    assert.equal(mode(`${databaseFile(dataDir)}-wal`), '600')
    await server.close()
  })

  it('leaves nothing but the database behind when it is closed', async () => {
    const dataDir = directory()
    const server = await startEmbeddedServer({ dataDir })
    await server.close()
    assert.deepEqual(readdirSync(join(dataDir, 'store')), ['store.sqlite'])
  })

  it('refuses a second server in the same process and in another, and names the holder', async () => {
    const dataDir = directory()
    const server = await startEmbeddedServer({ dataDir })
    await assert.rejects(
      openStore({ mongodbUri: undefined, dataDir }, { embedded: 'own' }),
      (error: StoreInUseError) => {
        assert.ok(error instanceof StoreInUseError)
        assert.equal(error.pid, process.pid)
        assert.match(error.message, new RegExp(`"${dataDir}" .*pid ${process.pid}`))
        return true
      },
    )
    const child = fork(new URL('./embedded-child.ts', import.meta.url).pathname, [dataDir], {
      silent: true,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    const [code] = await once(child, 'close')
    assert.notEqual(code, 0)
    assert.match(said, /StoreInUseError/)
    await server.close()
    await (await startEmbeddedServer({ dataDir })).close()
  })

  it('serves several clients that join it, and outlives them', async () => {
    const dataDir = directory()
    const server = await startEmbeddedServer({ dataDir })
    const joined = await openStore({ mongodbUri: undefined, dataDir }, { embedded: 'auto' })
    assert.equal(joined.uri, server.uri)
    await joined.client.db().collection('c').insertOne({ n: 1 })
    await joined.close()
    const again = await openStore({ mongodbUri: undefined, dataDir }, { embedded: 'join' })
    assert.equal(await again.client.db().collection('c').countDocuments(), 1)
    await again.close()
    await server.close()
  })

  it('puts the socket elsewhere when the data directory has a long path', async () => {
    const dataDir = join(directory(), 'x'.repeat(120))
    mkdirSync(dataDir)
    const server = await startEmbeddedServer({ dataDir })
    assert.ok(server.socketPath.length < 104)
    const joined = await openStore({ mongodbUri: undefined, dataDir }, { embedded: 'join' })
    await joined.client.db().collection('c').insertOne({ n: 1 })
    await joined.close()
    await server.close()
    assert.equal(existsSync(server.socketPath), false)
  })

  it('refuses a file that is not a database, and a database that is not ours', async () => {
    const dataDir = directory()
    mkdirSync(join(dataDir, 'store'))
    writeFileSync(
      databaseFile(dataDir),
      'not a database, but long enough to be taken for one'.repeat(50),
    )
    await assert.rejects(startEmbeddedServer({ dataDir }), StoreFormatError)
    const foreign = directory()
    mkdirSync(join(foreign, 'store'))
    const { DatabaseSync } = await import('node:sqlite')
    const other = new DatabaseSync(databaseFile(foreign))
    other.exec('CREATE TABLE theirs (x)')
    other.close()
    await assert.rejects(startEmbeddedServer({ dataDir: foreign }), StoreFormatError)
  })

  it('deletes what has expired, from dates and from the earliest of several', async () => {
    const dataDir = directory()
    const server = await startEmbeddedServer({ dataDir, sweepIntervalMs: 20 })
    const client = await new MongoClient(server.uri).connect()
    const items = client.db().collection<Document & { _id: string }>('expiring')
    await items.createIndex({ at: 1 }, { expireAfterSeconds: 60 })
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000)
    await items.insertMany([
      { _id: 'old', at: ago(61) },
      { _id: 'young', at: ago(30) },
      { _id: 'several', at: [ago(0), ago(100)] },
      { _id: 'text', at: 'not a date' },
      { _id: 'none' },
    ])
    while ((await items.countDocuments()) > 3)
      await new Promise((resolve) => setTimeout(resolve, 10))
    const left = (await items.find().toArray()).map(({ _id }) => _id)
    assert.deepEqual(left, ['young', 'text', 'none'])
    await client.close()
    await server.close()
    assert.deepEqual(checkIntegrity(dataDir), [])
  })

  it('takes the writes of several processes at once and loses none', async () => {
    const dataDir = directory()
    const server = await startEmbeddedServer({ dataDir })
    const script = new URL('./embedded-client-child.ts', import.meta.url).pathname
    const children = [1, 2, 3].map(() =>
      fork(script, [dataDir, '50'], { execArgv: ['--disable-warning=ExperimentalWarning'] }),
    )
    const exits = await Promise.all(children.map((child) => once(child, 'exit')))
    assert.deepEqual(
      exits.map(([code]) => code),
      [0, 0, 0],
    )
    const store = await openStore({ mongodbUri: undefined, dataDir }, { embedded: 'join' })
    assert.equal((await store.client.db().collection('counters').findOne({}))?.n, 150)
    await store.close()
    await server.close()
  })
})

/** A well-formed OP_MSG around a command. */
function message(command: Document): Buffer {
  const body = BSON.serialize(command)
  const bytes = Buffer.alloc(21 + body.length)
  bytes.writeInt32LE(bytes.length, 0)
  bytes.writeInt32LE(7, 4)
  bytes.writeInt32LE(2013, 12)
  bytes.set(body, 21)
  return bytes
}

describe('embedded store: hostile bytes', { skip: mongodbUri !== undefined }, () => {
  it('survives garbage, cut messages and flipped bits, and answers others meanwhile', async () => {
    const seed = chooseSeed()
    const random = randomFrom(seed)
    const dataDir = directory()
    const server = await startEmbeddedServer({ dataDir })
    const client = await new MongoClient(server.uri).connect()
    await client
      .db('t')
      .collection<Document & { _id: number }>('c')
      .insertOne({ _id: 1, a: [1, 2] })
    const samples = [
      message({ find: 'c', filter: { a: { $gt: 1 } }, $db: 't' }),
      message({ insert: 'c', documents: [{ a: 1, b: { c: [new Date(), 'x'] } }], $db: 't' }),
      message({ update: 'c', updates: [{ q: { _id: 1 }, u: { $set: { 'a.0': 2 } } }], $db: 't' }),
      message({ aggregate: 'c', pipeline: [{ $group: { _id: '$a' } }], cursor: {}, $db: 't' }),
      message({ hello: 1, $db: 'admin' }),
    ]
    for (let i = 0; i < 400; i++) {
      const bytes = Buffer.from(random.pick(samples))
      for (let flips = random.below(6); flips >= 0; flips--) {
        bytes[random.below(bytes.length)] = random.below(256)
      }
      const kept = random.next() < 0.3 ? bytes.subarray(0, random.below(bytes.length)) : bytes
      // The length usually stays right, so that what is inside gets looked at.
      if (random.next() < 0.8 && kept.length >= 4) kept.writeInt32LE(kept.length, 0)
      const socket = connect(server.socketPath)
      socket.on('error', () => {})
      socket.on('data', () => {})
      socket.end(kept)
      await once(socket, 'close')
    }
    assert.equal((await client.db('t').command({ ping: 1 })).ok, 1, `seed ${seed}`)
    assert.ok((await client.db('t').collection('c').countDocuments()) >= 1)
    await client.close()
    await server.close()
    assert.deepEqual(checkIntegrity(dataDir), [], `seed ${seed}`)
  })

  it('refuses nesting beyond its limit and documents that are too large', async () => {
    const server = await startEmbeddedServer({ dataDir: directory() })
    const client = await new MongoClient(server.uri).connect()
    const items = client.db().collection('c')
    const nested = (depth: number): Document => (depth === 0 ? {} : { d: nested(depth - 1) })
    await items.insertOne(nested(98))
    await assert.rejects(items.insertOne(nested(105)), { code: 22 })
    await assert.rejects(items.insertOne(nested(5000)))
    const half = 'x'.repeat(9 * 1024 * 1024)
    const { insertedId } = await items.insertOne({ half })
    await assert.rejects(items.updateOne({ _id: insertedId }, { $set: { more: half } }), {
      code: 10334,
    })
    assert.equal((await items.findOne({ _id: insertedId }))?.more, undefined)
    await client.close()
    await server.close()
  })
})
