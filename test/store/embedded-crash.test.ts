import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Document, MongoClient } from 'mongodb'
import { checkIntegrity } from '../../src/store/embedded/storage/integrity.ts'
import { chooseSeed, mongodbUri, randomFrom, temporaryDirectory } from './support.ts'

async function startChild(dataDir: string) {
  const child = fork(new URL('./embedded-child.ts', import.meta.url).pathname, [dataDir], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const [{ uri }] = (await once(child, 'message')) as [{ uri: string }]
  return { child, uri }
}

describe('embedded store: kill -9', { skip: mongodbUri !== undefined }, () => {
  it('loses no acknowledged write and leaves no torn document or index', async () => {
    const seed = chooseSeed()
    const random = randomFrom(seed)
    const dataDir = temporaryDirectory()
    const acknowledged = new Map<number, number>()
    const deleted = new Set<number>()
    let next = 0
    for (let round = 0; round < 4; round++) {
      // The socket the killed server left is replaced.
      const { child, uri } = await startChild(dataDir)
      const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 500 }).connect()
      const items = client.db('crash').collection<Document & { _id: number; v: number }>('items')
      if (round === 0) {
        await items.createIndex({ v: 1 }, { unique: true })
        await items.createIndex({ tags: 1, v: -1 })
      }
      let isDown = false
      const killAfter = 150 + random.below(250)
      const burst = async () => {
        while (!isDown) {
          const _id = next++
          const tags = [`t${_id % 5}`, `u${_id % 7}`]
          try {
            await items.insertOne({
              _id,
              v: _id * 10,
              tags,
              filler: 'x'.repeat(random.below(3000)),
            })
            acknowledged.set(_id, _id * 10)
            if (_id % 3 === 0) {
              await items.updateOne({ _id }, {
                $inc: { v: 1 },
                $push: { tags: 'changed' },
              } as Document)
              acknowledged.set(_id, _id * 10 + 1)
            }
            if (_id % 7 === 0) {
              // In doubt until it is answered: either state is right.
              acknowledged.delete(_id)
              await items.deleteOne({ _id })
              deleted.add(_id)
            }
          } catch {
            isDown = true
          }
          if (next > killAfter * (round + 1)) child.kill('SIGKILL')
        }
      }
      const gone = once(child, 'exit')
      await Promise.all(Array.from({ length: 16 }, burst))
      await gone
      await client.close(true)
      assert.deepEqual(checkIntegrity(dataDir), [], `seed ${seed}`)
    }
    assert.ok(acknowledged.size > 100)
    const { child, uri } = await startChild(dataDir)
    const client = await new MongoClient(uri).connect()
    const found = new Map<number, number>()
    for await (const { _id, v } of client.db('crash').collection('items').find()) {
      found.set(_id as unknown as number, v)
    }
    for (const [_id, v] of acknowledged) {
      // An update may have reached the disk without its answer reaching us.
      assert.ok(found.get(_id)! >= v, `seed ${seed}: document ${_id} is lost or old`)
    }
    for (const _id of deleted) assert.equal(found.has(_id), false, `seed ${seed}: ${_id} is back`)
    await client.close()
    child.send('stop')
    await once(child, 'exit')
    rmSync(dataDir, { recursive: true, force: true })
  })
})
