import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Document, ObjectId, type UpdateFilter } from 'mongodb'
import { notOnFerretDb, useTestStore, whereSupported } from './support.ts'

const store = useTestStore()

/** What a document is after an update, without its _id. */
async function updated(before: Document, change: Document, filter: Document = {}) {
  const items = store().collection()
  const { insertedId } = await items.insertOne({ ...before })
  const { matchedCount } = await items.updateOne(
    { _id: insertedId, ...filter },
    change as UpdateFilter<Document>,
  )
  assert.equal(matchedCount, 1)
  const { _id, ...after } = (await items.findOne({ _id: insertedId }))!
  return after
}

describe('store contract: update operators', () => {
  const cases: [string, Document, Document, Document][] = [
    ['$set makes the objects on its path', { a: 1 }, { $set: { 'b.c': 2 } }, { a: 1, b: { c: 2 } }],
    ['$unset removes', { a: 1, b: 2 }, { $unset: { b: '' } }, { a: 1 }],
    ['$unset of nothing is nothing', { a: 1 }, { $unset: { 'x.y': '' } }, { a: 1 }],
    ['$inc and $mul', { a: 1, b: 3 }, { $inc: { a: 2 }, $mul: { b: 2 } }, { a: 3, b: 6 }],
    ['$min and $max', { a: 5, b: 5 }, { $min: { a: 3 }, $max: { b: 9 } }, { a: 3, b: 9 }],
    ['$rename', { a: 1 }, { $rename: { a: 'b' } }, { b: 1 }],
    ['$push', { l: [1] }, { $push: { l: 2 } }, { l: [1, 2] }],
    ['$push makes the array', {}, { $push: { l: 2 } }, { l: [2] }],
    ['$push $each', { l: [1] }, { $push: { l: { $each: [2, 3] } } }, { l: [1, 2, 3] }],
    ['$addToSet', { l: [1, 2] }, { $addToSet: { l: { $each: [2, 3] } } }, { l: [1, 2, 3] }],
    ['$pull by value', { l: [1, 2, 1] }, { $pull: { l: 1 } }, { l: [2] }],
    ['$pullAll', { l: [1, 2, 3] }, { $pullAll: { l: [1, 3] } }, { l: [2] }],
    ['$pop at the end', { l: [1, 2] }, { $pop: { l: 1 } }, { l: [1] }],
    ['$pop at the start', { l: [1, 2] }, { $pop: { l: -1 } }, { l: [2] }],
    ['array elements by index', { l: [1, 2] }, { $set: { 'l.1': 9 } }, { l: [1, 9] }],
  ]
  for (const [name, before, change, after] of cases) {
    it(`applies: ${name}`, async () => {
      assert.deepEqual(await updated(before, change), after)
    })
  }

  const richCases: [string, Document, Document, Document][] = [
    [
      '$push with $slice keeps the last',
      { l: [1, 2] },
      { $push: { l: { $each: [3, 4], $slice: -3 } } },
      { l: [2, 3, 4] },
    ],
    [
      '$push with $position and $sort',
      { l: [3, 1] },
      { $push: { l: { $each: [2], $sort: 1 } } },
      { l: [1, 2, 3] },
    ],
    [
      '$pull by a condition on documents',
      { l: [{ p: 1 }, { p: 5 }] },
      { $pull: { l: { p: { $gt: 2 } } } },
      { l: [{ p: 1 }] },
    ],
    ['$pull by a condition on values', { l: [1, 5, 9] }, { $pull: { l: { $gte: 5 } } }, { l: [1] }],
    ['$[] changes every element', { l: [1, 2] }, { $inc: { 'l.$[]': 10 } }, { l: [11, 12] }],
  ]
  for (const [name, before, change, after] of richCases) {
    it(`applies: ${name}`, async (test) => {
      await notOnFerretDb(test, store(), 'modifiers of array updates are ignored', async () => {
        assert.deepEqual(await updated(before, change), after)
      })
    })
  }

  it('changes the element that matched with the positional $', async (test) => {
    await notOnFerretDb(test, store(), 'the positional $ is taken for a name', async () => {
      const before = {
        l: [
          { k: 'a', n: 1 },
          { k: 'b', n: 2 },
        ],
      }
      const change = { $set: { 'l.$.n': 9 } }
      const after = {
        l: [
          { k: 'a', n: 1 },
          { k: 'b', n: 9 },
        ],
      }
      assert.deepEqual(await updated(before, change, { 'l.k': 'b' }), after)
      assert.deepEqual(await updated(before, change, { l: { $elemMatch: { n: 2 } } }), after)
    })
  })

  it('changes the elements that array filters name', async (test) => {
    await whereSupported(test, async () => {
      const items = store().collection<Document & { _id: number }>()
      await items.insertOne({ _id: 1, l: [{ n: 1 }, { n: 5 }, { n: 9 }] })
      await items.updateOne(
        { _id: 1 },
        { $set: { 'l.$[big].big': true } },
        { arrayFilters: [{ 'big.n': { $gt: 3 } }] },
      )
      assert.deepEqual((await items.findOne({ _id: 1 }))?.l, [
        { n: 1 },
        { n: 5, big: true },
        { n: 9, big: true },
      ])
    })
  })

  it('sets the present date', async () => {
    const after = await updated({}, { $currentDate: { at: true } })
    assert.ok(Math.abs(after.at.getTime() - Date.now()) < 60_000)
  })

  it('counts a change that changes nothing as matched, not modified', async () => {
    const items = store().collection<Document & { _id: number }>()
    await items.insertOne({ _id: 1, a: 1 })
    const result = await items.updateOne({ _id: 1 }, { $set: { a: 1 } })
    assert.equal(result.matchedCount, 1)
    assert.equal(result.modifiedCount, 0)
  })

  it('replaces a document but keeps its _id', async () => {
    const items = store().collection<Document & { _id: number }>()
    await items.insertOne({ _id: 1, a: 1 })
    await items.replaceOne({ a: 1 }, { b: 2 })
    assert.deepEqual(await items.findOne({ _id: 1 }), { _id: 1, b: 2 })
  })

  it('refuses to change _id, to mix operators on one path, and to go through a scalar', async () => {
    const items = store().collection<Document & { _id: number }>()
    await items.insertOne({ _id: 1, a: 1 })
    await assert.rejects(items.updateOne({ _id: 1 }, { $set: { _id: 2 } }), { code: 66 })
    await assert.rejects(items.updateOne({ _id: 1 }, { $set: { a: 1 }, $inc: { a: 1 } }), {
      code: 40,
    })
    await assert.rejects(items.updateOne({ _id: 1 }, { $set: { 'a.b': 1 } }), { code: 28 })
    await assert.rejects(items.updateOne({ _id: 1 }, { $inc: { a: 'x' } as never }), { code: 14 })
    assert.deepEqual(await items.findOne({ _id: 1 }), { _id: 1, a: 1 })
  })

  it('inserts on upsert from the equalities of the filter, $setOnInsert and the change', async () => {
    const items = store().collection()
    const change = { $set: { seen: 1 }, $setOnInsert: { made: true } }
    const first = await items.updateOne({ key: 'k', n: { $gt: 3 } }, change, { upsert: true })
    assert.ok(first.upsertedId instanceof ObjectId)
    const { _id, ...document } = (await items.findOne({}))!
    assert.deepEqual(document, { key: 'k', seen: 1, made: true })
    const second = await items.updateOne(
      { key: 'k' },
      { ...change, $set: { seen: 2 } },
      { upsert: true },
    )
    assert.equal(second.upsertedCount, 0)
    assert.equal(second.modifiedCount, 1)
    assert.deepEqual(await items.findOne({}), { _id, key: 'k', seen: 2, made: true })
  })

  it('returns the upserted document from findOneAndUpdate', async () => {
    const items = store().collection<Document & { _id: string }>()
    const options = { upsert: true, returnDocument: 'after' } as const
    const made = await items.findOneAndUpdate({ _id: 'k' }, { $inc: { n: 1 } }, options)
    assert.deepEqual(made, { _id: 'k', n: 1 })
    const again = await items.findOneAndUpdate({ _id: 'k' }, { $inc: { n: 1 } }, options)
    assert.deepEqual(again, { _id: 'k', n: 2 })
  })

  it('makes one document from many concurrent upserts of one key', async (test) => {
    await notOnFerretDb(test, store(), 'an upsert is not atomic', async () => {
      const items = store().collection()
      await items.createIndex({ key: 1 }, { unique: true })
      const upsert = () => items.updateOne({ key: 'one' }, { $inc: { n: 1 } }, { upsert: true })
      const results = await Promise.allSettled(Array.from({ length: 20 }, upsert))
      const failed = results.filter((result) => result.status === 'rejected')
      for (const { reason } of failed) assert.equal(reason.code, 11000)
      const all = await items.find().toArray()
      assert.equal(all.length, 1)
      assert.equal(all[0]?.n, 20 - failed.length)
    })
  })

  it('updates by a pipeline', async (test) => {
    await notOnFerretDb(test, store(), 'a pipeline is refused as malformed', async () => {
      const items = store().collection<Document & { _id: number }>()
      await items.insertOne({ _id: 1, a: 2, b: 3 })
      await items.updateOne({ _id: 1 }, [
        { $set: { sum: { $add: ['$a', '$b'] } } },
        { $unset: 'b' },
      ])
      assert.deepEqual(await items.findOne({ _id: 1 }), { _id: 1, a: 2, sum: 5 })
    })
  })
})
