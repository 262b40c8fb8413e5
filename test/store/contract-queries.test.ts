import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Collection, Document, Filter } from 'mongodb'
import { notOnFerretDb, useTestStore, whereSupported } from './support.ts'

const store = useTestStore()
let items: Collection<Document & { _id: number }>

const documents = [
  { _id: 1, a: 1, tags: ['x', 'y'], sub: { k: 'v', n: 1 } },
  { _id: 2, a: 2.5, tags: ['y'], sub: { k: 'w' } },
  {
    _id: 3,
    a: 'text',
    list: [
      { p: 1, q: 'a' },
      { p: 2, q: 'b' },
    ],
  },
  { _id: 4, a: null, tags: [] },
  {
    _id: 5,
    list: [
      { p: 1, q: 'b' },
      { p: 2, q: 'a' },
    ],
    numbers: [1, 5, 9],
  },
  { _id: 6, a: [1, 2, 3], numbers: [4, 6] },
  { _id: 7, a: new Date(0), s: 'Νίκος' },
  { _id: 8, a: true, s: 'nikos' },
  { _id: 9, a: 10, s: 'Nikos' },
]

async function ids(filter: Document): Promise<number[]> {
  const found = await items.find(filter as Filter<Document & { _id: number }>).toArray()
  return found.map(({ _id }) => _id).sort((a, b) => a - b)
}

describe('store contract: filters', () => {
  before(async () => {
    items = store().collection()
    await items.insertMany(documents)
  })

  const cases: [string, Document, number[]][] = [
    ['equality enters arrays', { a: 1 }, [1, 6]],
    ['null matches null and missing', { a: null }, [4, 5]],
    ['$ne is everything else', { a: { $ne: null } }, [1, 2, 3, 6, 7, 8, 9]],
    ['ranges stay in their type', { a: { $gt: 1 } }, [2, 6, 9]],
    ['a date range sees only dates', { a: { $lte: new Date(1) } }, [7]],
    ['a string range sees only strings', { a: { $gte: '' } }, [3]],
    ['$in lists values', { a: { $in: [1, 'text', true] } }, [1, 3, 6, 8]],
    ['$nin is the rest', { a: { $nin: [1, null] } }, [2, 3, 7, 8, 9]],
    ['$exists true', { tags: { $exists: true } }, [1, 2, 4]],
    ['$exists false', { a: { $exists: false } }, [5]],
    ['dotted paths', { 'sub.k': 'v' }, [1]],
    ['a whole sub-document is compared in order', { sub: { k: 'v', n: 1 } }, [1]],
    ['another order of its keys is another value', { sub: { n: 1, k: 'v' } }, []],
    ['whole arrays', { tags: ['x', 'y'] }, [1]],
    ['an empty array', { tags: [] }, [4]],
    ['array positions', { 'tags.0': 'y' }, [2]],
    ['paths through arrays of documents', { 'list.p': 2 }, [3, 5]],
    ['tests on different elements', { 'list.p': 1, 'list.q': 'b' }, [3, 5]],
    ['a range over an array may use two elements', { numbers: { $gt: 6, $lt: 5 } }, [5]],
    ['$all', { tags: { $all: ['y', 'x'] } }, [1]],
    ['$size', { tags: { $size: 0 } }, [4]],
    ['$mod', { a: { $mod: [5, 0] } }, [9]],
    ['$not', { a: { $not: { $gt: 2 } } }, [1, 3, 4, 5, 7, 8]],
    ['$or', { $or: [{ a: 10 }, { tags: 'x' }] }, [1, 9]],
    ['$and', { $and: [{ tags: 'y' }, { 'sub.n': 1 }] }, [1]],
    ['$nor', { $nor: [{ a: { $exists: true } }, { _id: 7 }] }, [5]],
    ['a regular expression', { s: /^N/ }, [9]],
    ['a regular expression without case', { s: /^nikos$/i }, [8, 9]],
    ['a regular expression in Greek', { s: { $regex: '^Νί' } }, [7]],
    ['$type by name', { a: { $type: 'string' } }, [3]],
    ['$type number', { a: { $type: 'number' } }, [1, 2, 6, 9]],
  ]
  for (const [name, filter, expected] of cases) {
    it(`matches: ${name}`, async () => {
      assert.deepEqual(await ids(filter), expected)
    })
  }

  const elementCases: [string, Document, number[]][] = [
    ['$elemMatch on one element', { list: { $elemMatch: { p: 1, q: 'b' } } }, [5]],
    ['$elemMatch on values', { numbers: { $elemMatch: { $gt: 4, $lt: 6 } } }, [5]],
  ]
  for (const [name, filter, expected] of elementCases) {
    it(`matches: ${name}`, async (test) => {
      await notOnFerretDb(test, store(), '$elemMatch is answered wrongly', async () => {
        assert.deepEqual(await ids(filter), expected)
      })
    })
  }

  it('sorts values of different types in the order of MongoDB', async () => {
    const mixed = store().collection<{ _id: string; v?: unknown }>()
    await mixed.insertMany([
      { _id: 'date', v: new Date(0) },
      { _id: 'string', v: 'a' },
      { _id: 'missing' },
      { _id: 'number', v: 5 },
      { _id: 'true', v: true },
      { _id: 'object', v: { a: 1 } },
      { _id: 'false', v: false },
    ])
    const sorted = await mixed.find().sort({ v: 1 }).toArray()
    assert.deepEqual(
      sorted.map(({ _id }) => _id),
      ['missing', 'number', 'string', 'object', 'false', 'true', 'date'],
    )
  })

  it('refuses an operator it does not know', async () => {
    await assert.rejects(ids({ a: { $nope: 1 } }), { code: 2 })
    await assert.rejects(ids({ $nope: 1 }), { code: 2 })
  })

  it('slices and picks array elements in a projection', async (test) => {
    await whereSupported(test, async () => {
      const pick = (projection: object) =>
        items.findOne({ _id: 5 }, { projection: { _id: 0, numbers: 1, ...projection } })
      assert.deepEqual(await pick({ numbers: { $slice: 2 } }).then((one) => one?.numbers), [1, 5])
      const one = await items.findOne(
        { _id: 5, numbers: { $gt: 1 } },
        { projection: { _id: 0, 'numbers.$': 1 } },
      )
      assert.deepEqual(one, { numbers: [5] })
    })
  })

  it('picks the matching element with $elemMatch in a projection', async (test) => {
    await whereSupported(test, async () => {
      const one = await items.findOne(
        { _id: 5 },
        { projection: { _id: 0, list: { $elemMatch: { p: 2 } } } },
      )
      assert.deepEqual(one, { list: [{ p: 2, q: 'a' }] })
    })
  })

  it('compares fields with each other by $expr', async (test) => {
    await whereSupported(test, async () => {
      const pairs = store().collection<{ _id: number; used: number; limit: number }>()
      await pairs.insertMany([
        { _id: 1, used: 3, limit: 5 },
        { _id: 2, used: 5, limit: 5 },
      ])
      const found = await pairs.find({ $expr: { $lt: ['$used', '$limit'] } }).toArray()
      assert.deepEqual(
        found.map(({ _id }) => _id),
        [1],
      )
    })
  })
})
