import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ObjectId } from 'mongodb'
import { notOnFerretDb, useTestStore } from './support.ts'

const store = useTestStore()

interface Item {
  _id: number
  n?: number
  s?: string
}

describe('store contract: documents', () => {
  it('inserts one document and finds it by _id', async () => {
    const items = store().collection()
    const { insertedId } = await items.insertOne({ name: 'Άννα' })
    assert.ok(insertedId instanceof ObjectId)
    assert.deepEqual(await items.findOne({ _id: insertedId }), { _id: insertedId, name: 'Άννα' })
    assert.equal(await items.findOne({ _id: new ObjectId() }), null)
  })

  it('refuses a second document with the same _id and keeps the first', async () => {
    const items = store().collection<Item>()
    await items.insertOne({ _id: 1, n: 1 })
    await assert.rejects(items.insertOne({ _id: 1, n: 2 }), { code: 11000 })
    assert.deepEqual(await items.findOne({ _id: 1 }), { _id: 1, n: 1 })
  })

  it('stops an ordered bulk at the first failure and names the statement', async () => {
    const items = store().collection<Item>()
    await items.insertOne({ _id: 2 })
    const documents = [{ _id: 1 }, { _id: 2 }, { _id: 3 }]
    await assert.rejects(
      items.insertMany(documents),
      (error: { writeErrors: { index: number }[] }) => {
        assert.deepEqual(
          error.writeErrors.map(({ index }) => index),
          [1],
        )
        return true
      },
    )
    assert.equal(await items.findOne({ _id: 3 }), null)
  })

  it('goes on after a failure in an unordered bulk and reports each', async () => {
    const items = store().collection<Item>()
    await items.insertMany([{ _id: 2 }, { _id: 4 }])
    const documents = [1, 2, 3, 4, 5].map((_id) => ({ _id }))
    await assert.rejects(
      items.insertMany(documents, { ordered: false }),
      (error: { writeErrors: { index: number; code: number }[] }) => {
        assert.deepEqual(
          error.writeErrors.map(({ index, code }) => [index, code]),
          [
            [1, 11000],
            [3, 11000],
          ],
        )
        return true
      },
    )
    assert.equal(await items.countDocuments(), 5)
  })

  it('runs a mixed bulk and counts what each part did', async () => {
    const items = store().collection<Item>()
    await items.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
      { _id: 3, n: 3 },
    ])
    const result = await items.bulkWrite([
      { insertOne: { document: { _id: 4 } } },
      { updateOne: { filter: { _id: 1 }, update: { $set: { n: 10 } } } },
      { updateMany: { filter: { n: { $gte: 3 } }, update: { $inc: { n: 1 } } } },
      { updateOne: { filter: { _id: 9 }, update: { $set: { n: 9 } }, upsert: true } },
      { replaceOne: { filter: { _id: 2 }, replacement: { s: 'new' } } },
      { deleteOne: { filter: { _id: 4 } } },
    ])
    assert.equal(result.insertedCount, 1)
    assert.equal(result.matchedCount, 4)
    assert.equal(result.modifiedCount, 4)
    assert.equal(result.upsertedCount, 1)
    assert.equal(result.deletedCount, 1)
    assert.deepEqual(await items.find().sort({ _id: 1 }).toArray(), [
      { _id: 1, n: 11 },
      { _id: 2, s: 'new' },
      { _id: 3, n: 4 },
      { _id: 9, n: 9 },
    ])
  })

  it('sorts, skips, limits and counts', async () => {
    const items = store().collection<Item>()
    await items.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: i, n: (i * 7) % 20 })))
    const page = await items
      .find({ n: { $lt: 15 } })
      .sort({ n: -1 })
      .skip(2)
      .limit(3)
      .toArray()
    assert.deepEqual(
      page.map(({ n }) => n),
      [12, 11, 10],
    )
    assert.equal(await items.countDocuments({ n: { $gte: 5 } }), 15)
    assert.equal(await items.countDocuments({ n: { $gte: 5 } }, { skip: 10, limit: 3 }), 3)
    assert.equal(await items.estimatedDocumentCount(), 20)
  })

  it('gives a large result in batches, each document once', async () => {
    const items = store().collection<Item>()
    await items.insertMany(Array.from({ length: 2500 }, (_, i) => ({ _id: i })))
    const seen = new Set<number>()
    for await (const { _id } of items.find().batchSize(100)) seen.add(_id)
    assert.equal(seen.size, 2500)
  })

  it('closes a cursor that is left early', async () => {
    const items = store().collection<Item>()
    await items.insertMany(Array.from({ length: 300 }, (_, i) => ({ _id: i })))
    const cursor = items.find().batchSize(10)
    await cursor.next()
    const id = cursor.id!
    await cursor.close()
    await assert.rejects(store().db.command({ getMore: id, collection: items.collectionName }), {
      code: 43,
    })
  })

  it('projects fields in, out, and below arrays', async () => {
    const items = store().collection()
    await items.insertOne({ a: 1, b: { c: 2, d: 3 }, list: [{ x: 1, y: 2 }, { x: 3 }] })
    const find = (projection: object) =>
      items.findOne({}, { projection: { _id: 0, ...projection } })
    assert.deepEqual(await find({ a: 1, 'b.c': 1 }), { a: 1, b: { c: 2 } })
    assert.deepEqual(await find({ b: 0, list: 0 }), { a: 1 })
    assert.deepEqual(await find({ 'list.x': 1 }), { list: [{ x: 1 }, { x: 3 }] })
  })

  it('lists distinct values, those inside arrays too', async () => {
    const items = store().collection()
    await items.insertMany([{ tags: ['b', 'a'] }, { tags: 'c' }, { tags: ['a'] }, {}])
    assert.deepEqual((await items.distinct('tags')).sort(), ['a', 'b', 'c'])
  })

  it('deletes one, many and all', async () => {
    const items = store().collection<Item>()
    await items.insertMany([1, 2, 3, 4, 5].map((_id) => ({ _id, n: _id % 2 })))
    assert.equal((await items.deleteOne({ n: 1 })).deletedCount, 1)
    assert.equal((await items.deleteMany({ n: 1 })).deletedCount, 2)
    assert.equal((await items.deleteMany({})).deletedCount, 2)
    assert.equal(await items.countDocuments(), 0)
  })

  it('finds, changes and returns in one step', async () => {
    const items = store().collection<Item>()
    await items.insertMany([
      { _id: 1, n: 5 },
      { _id: 2, n: 1 },
    ])
    const before = await items.findOneAndUpdate(
      { n: { $gt: 0 } },
      { $inc: { n: 10 } },
      { sort: { n: 1 } },
    )
    assert.deepEqual(before, { _id: 2, n: 1 })
    const after = await items.findOneAndReplace({ _id: 2 }, { s: 'x' }, { returnDocument: 'after' })
    assert.deepEqual(after, { _id: 2, s: 'x' })
    assert.deepEqual(await items.findOneAndDelete({ _id: 2 }), { _id: 2, s: 'x' })
    assert.equal(await items.findOneAndUpdate({ _id: 7 }, { $set: { n: 1 } }), null)
  })

  it('gives each of five to one of twenty concurrent takers', async (test) => {
    await notOnFerretDb(test, store(), 'findAndModify is not atomic', async () => {
      const items = store().collection<Item>()
      await items.insertOne({ _id: 1, n: 5 })
      const take = () => items.findOneAndUpdate({ _id: 1, n: { $gt: 0 } }, { $inc: { n: -1 } })
      const takers = await Promise.all(Array.from({ length: 20 }, take))
      assert.equal(takers.filter((taken) => taken !== null).length, 5)
      assert.equal((await items.findOne({ _id: 1 }))?.n, 0)
    })
  })

  it('answers an unknown command with CommandNotFound', async () => {
    await assert.rejects(store().db.command({ noSuchThing: 1 }), { code: 59 })
  })

  it('creates, lists and drops collections', async () => {
    const { db } = store()
    await db.createCollection('made')
    await assert.rejects(db.createCollection('made'), { code: 48 })
    const names = (await db.listCollections({ name: 'made' }).toArray()).map(({ name }) => name)
    assert.deepEqual(names, ['made'])
    await db.dropCollection('made')
    assert.deepEqual(await db.listCollections({ name: 'made' }).toArray(), [])
  })
})
