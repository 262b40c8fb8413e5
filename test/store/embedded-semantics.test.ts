import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { BSONRegExp, Decimal128, type Document, Double, Int32, Long, Timestamp } from 'mongodb'
import { accumulatorNames } from '../../src/store/embedded/aggregation/accumulators.ts'
import { expressionOperators } from '../../src/store/embedded/aggregation/expression.ts'
import { stageNames } from '../../src/store/embedded/aggregation/pipeline.ts'
import { commands } from '../../src/store/embedded/engine.ts'
import { compileRegex } from '../../src/store/embedded/query/regex.ts'
import { updateOperators } from '../../src/store/embedded/update/operators.ts'
import { mongodbUri, useTestStore } from './support.ts'

type Item = Document & { _id: number }
const raw = { promoteValues: false, promoteLongs: false } as const

describe('embedded store: what MongoDB does in corners', { skip: mongodbUri !== undefined }, () => {
  const store = useTestStore()

  it('keeps the order of keys that look like numbers', async () => {
    const items = store().collection()
    const document = new Map<string, unknown>([
      ['b', 1],
      ['2', 1],
      ['a', 1],
      ['1', 1],
    ])
    await items.insertOne({ document })
    await items.updateOne({}, { $set: { 'document.0': 1 } })
    const [row] = await items
      .aggregate([
        {
          $project: { keys: { $map: { input: { $objectToArray: '$document' }, in: '$$this.k' } } },
        },
      ])
      .toArray()
    assert.deepEqual(row?.keys, ['b', '2', 'a', '1', '0'])
  })

  it('answers as a server without sessions, so that no driver relies on them', async () => {
    const hello = await store().db.command({ hello: 1 })
    assert.equal(hello.logicalSessionTimeoutMinutes, undefined)
    assert.equal(hello.setName, undefined)
    const write = { insert: 'x', documents: [{}], txnNumber: Long.fromNumber(1) }
    await assert.rejects(store().db.command(write), { code: 20 })
  })

  it('refuses options and fields it does not know instead of leaving them out', async () => {
    const items = store().collection<Item>()
    await items.insertOne({ _id: 1 })
    const find = { find: items.collectionName, filter: {} }
    await assert.rejects(store().db.command({ ...find, tailable: true }), { code: 115 })
    await assert.rejects(store().db.command({ ...find, collation: { locale: 'el' } }), {
      code: 115,
    })
    await assert.rejects(store().db.command({ ...find, nonsense: 1 }), { code: 40415 })
    await assert.rejects(items.createIndex({ a: 'text' }), { code: 115 })
    await assert.rejects(items.aggregate([{ $project: { x: { $nope: 1 } } }]).toArray(), {
      code: 168,
    })
    // Names that every JavaScript object has are no operators.
    await assert.rejects(items.aggregate([{ constructor: {} }]).toArray(), { code: 40324 })
    await assert.rejects(
      items.updateOne({}, { $set: { a: 1 }, constructor: { b: 1 } } as Document),
      { code: 9 },
    )
    await assert.rejects(items.updateOne({}, { $nope: { a: 1 } } as Document), { code: 9 })
  })

  it('adds decimals exactly and widens numbers as they need', async () => {
    const items = store().collection<Item>()
    await items.insertOne({
      _id: 1,
      d: Decimal128.fromString('0.1'),
      i: new Int32(2),
      l: Long.MAX_VALUE,
    })
    await items.updateOne(
      { _id: 1 },
      { $inc: { d: Decimal128.fromString('0.20') }, $mul: { i: new Double(1.5) } },
    )
    const found = (await items.findOne({ _id: 1 }, raw))!
    assert.equal(found.d.toString(), '0.30')
    assert.deepEqual(found.i, new Double(3))
    await assert.rejects(items.updateOne({ _id: 1 }, { $inc: { l: Long.fromNumber(1) } }), {
      code: 2,
    })
  })

  it('counts a number of another type as a change but an equal one as none', async () => {
    const items = store().collection<Item>()
    await items.insertOne({ _id: 1, n: new Int32(1) })
    assert.equal(
      (await items.updateOne({ _id: 1 }, { $set: { n: new Int32(1) } })).modifiedCount,
      0,
    )
    assert.equal(
      (await items.updateOne({ _id: 1 }, { $set: { n: new Double(1) } })).modifiedCount,
      1,
    )
  })

  it('finds regular expressions by value and by what they match', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ v: 1 })
    await items.insertMany([
      { _id: 1, v: 'abc' },
      { _id: 2, v: new BSONRegExp('^ab', '') },
      { _id: 3, v: 'xab' },
      { _id: 4, v: ['q', 'abd'] },
    ])
    const found = await items.find({ v: /^ab/ }).sort({ _id: 1 }).toArray()
    assert.deepEqual(
      found.map(({ _id }) => _id),
      [1, 2, 4],
    )
  })

  it('changes expiry by collMod and lists it', async () => {
    const items = store().collection()
    await items.createIndex({ at: 1 }, { expireAfterSeconds: 10 })
    await store().db.command({
      collMod: items.collectionName,
      index: { name: 'at_1', expireAfterSeconds: 20 },
    })
    assert.equal((await items.indexes())[1]?.expireAfterSeconds, 20)
  })

  it('goes on with a cursor over data that changes, and ends one whose collection is dropped', async () => {
    const items = store().collection<Item>()
    await items.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id, n: 1 })))
    const cursor = items.find().sort({ _id: 1 }).batchSize(10)
    await cursor.next()
    await items.deleteMany({ _id: { $gte: 20, $lt: 90 } })
    await items.updateMany({}, { $set: { n: 2 } })
    const rest = await cursor.toArray()
    assert.deepEqual(
      rest.map(({ n }) => n),
      [...Array(9).fill(1), ...Array(20).fill(2)],
    )
    const other = items.find().batchSize(5)
    await other.next()
    await items.drop()
    await assert.rejects(other.toArray(), { code: 175 })
  })

  it('does not take a partial index for documents of another number type', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ k: 1 }, { partialFilterExpression: { k: { $type: 'int' } } })
    await items.insertMany([
      { _id: 1, k: new Int32(5) },
      { _id: 2, k: new Double(5) },
    ])
    assert.equal(await items.countDocuments({ k: 5 }), 2)
  })

  it('refuses a compound index over two arrays', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ a: 1, b: 1 })
    await assert.rejects(items.insertOne({ _id: 1, a: [1], b: [2] }), { code: 171 })
    assert.equal(await items.countDocuments({}), 0)
  })

  const expressions: [string, unknown, unknown][] = [
    ['$cond', { $cond: [{ $gt: ['$n', 3] }, 'yes', 'no'] }, 'yes'],
    ['$ifNull', { $ifNull: ['$missing', '$n'] }, 5],
    [
      '$switch',
      // biome-ignore lint/suspicious/noThenProperty: MongoDB's name for it
      { $switch: { branches: [{ case: { $eq: ['$n', 5] }, then: 'five' }], default: '?' } },
      'five',
    ],
    ['$let', { $let: { vars: { x: 2 }, in: { $multiply: ['$$x', '$n'] } } }, 10],
    ['$round half to even', { $round: [2.5] }, 2],
    ['$subtract of dates', { $subtract: ['$at', new Date(0)] }, 86_400_000],
    ['$filter', { $filter: { input: '$list', as: 'x', cond: { $gte: ['$$x', 2] } } }, [2, 3]],
    [
      '$reduce',
      { $reduce: { input: '$list', initialValue: 0, in: { $add: ['$$value', '$$this'] } } },
      6,
    ],
    ['$setIntersection', { $setIntersection: ['$list', [3, 4]] }, [3]],
    ['$mergeObjects', { $mergeObjects: [{ a: 1 }, { b: 2 }] }, { a: 1, b: 2 }],
    ['$split', { $split: ['a,b', ','] }, ['a', 'b']],
    ['$trim', { $trim: { input: '  x ' } }, 'x'],
    ['$regexMatch', { $regexMatch: { input: 'Νίκος', regex: 'ίκ' } }, true],
    ['$toString', { $toString: '$n' }, '5'],
    ['$type of missing', { $type: '$missing' }, 'missing'],
    ['$isoWeek', { $isoWeek: new Date('2027-01-03T00:00:00Z') }, 53],
    [
      '$hour in Athens',
      { $hour: { date: new Date('2026-07-01T21:30:00Z'), timezone: 'Europe/Athens' } },
      0,
    ],
    [
      '$dateTrunc to weeks',
      {
        $dateTrunc: { date: new Date('2026-11-21T10:00:00Z'), unit: 'week', startOfWeek: 'monday' },
      },
      new Date('2026-11-16T00:00:00Z'),
    ],
    ['a path through an array', '$docs.k', [1, 2]],
    ['$literal', { $literal: '$n' }, '$n'],
  ]
  for (const [name, expression, expected] of expressions) {
    it(`computes ${name}`, async () => {
      const items = store().collection()
      await items.insertOne({
        n: 5,
        at: new Date(86_400_000),
        list: [1, 2, 3],
        docs: [{ k: 1 }, { k: 2 }],
      })
      const [row] = await items.aggregate([{ $project: { _id: 0, result: expression } }]).toArray()
      assert.deepEqual(row, { result: expected })
    })
  }

  it('has a README that lists every command, stage and operator', async () => {
    const readme = await readFile(
      new URL('../../src/store/embedded/README.md', import.meta.url),
      'utf8',
    )
    const names = [
      ...commands.keys(),
      ...Object.keys(updateOperators),
      ...stageNames,
      ...accumulatorNames,
      ...expressionOperators,
    ]
    assert.deepEqual(
      names.filter((name) => !readme.includes(`\`${name}\``)),
      [],
    )
  })

  it('stores a timestamp and a date under $currentDate', async () => {
    const items = store().collection<Item>()
    await items.updateOne(
      { _id: 1 },
      { $currentDate: { t: { $type: 'timestamp' }, d: true } } as Document,
      { upsert: true },
    )
    const found = (await items.findOne({ _id: 1 }))!
    assert.ok(found.t instanceof Timestamp)
    assert.ok(found.d instanceof Date)
  })
})

describe('embedded store: PCRE in JavaScript', () => {
  const matching: [string, string, string, boolean][] = [
    ['^a.c$', '', 'abc\n', true],
    ['^a.c\\z', '', 'abc\n', false],
    ['a\\-b', '', 'a-b', true],
    ['[\\w.-]+@', '', 'x.y-z@', true],
    ['(?i)ABC', '', 'abc', true],
    ['b$', 'm', 'ab\ncd', true],
    ['a.b', 's', 'a\nb', true],
    ['[]x]', '', ']', true],
    ['a{,2}', '', 'a{,2}', true],
    ['^\\p{Lu}\\p{Ll}{2,}$', '', 'Ωμέγα', true],
    ['\\x{3a9}', '', 'Ω', true],
  ]
  for (const [pattern, flags, text, expected] of matching) {
    it(`/${pattern}/${flags} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      assert.equal(compileRegex(pattern, flags).regex.test(text), expected)
    })
  }

  for (const pattern of ['[[:alpha:]]', '(?>a)', 'a++', '\\Qx\\E', '\\h', '(?R)', '(*UTF)']) {
    it(`refuses ${pattern}`, () => {
      assert.throws(() => compileRegex(pattern, ''), { name: 'CommandError' })
    })
  }
})
