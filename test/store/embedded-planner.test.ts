import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BSON, Decimal128, type Document, Double, Int32, Long, ObjectId } from 'mongodb'
import { compareValues } from '../../src/store/embedded/bson/compare.ts'
import { encodeKey } from '../../src/store/embedded/bson/key.ts'
import { documentValue, field } from '../../src/store/embedded/bson/value.ts'
import { chooseSeed, mongodbUri, randomFrom, useTestStore } from './support.ts'

type Random = ReturnType<typeof randomFrom>
type Item = Document & { _id: number }

function randomNumber(random: Random): unknown {
  return random.pick([
    () => new Int32(random.below(7) - 3),
    () => new Double((random.below(9) - 4) / 2),
    () => new Double(random.pick([0.1, 1e300, -1e-300, Number.NaN, Number.POSITIVE_INFINITY, -0])),
    () => Long.fromString(random.pick(['9007199254740993', '-9223372036854775808', '2', '-3'])),
    () =>
      Decimal128.fromString(
        random.pick(['1.0', '0.1', '-2.50', '1E+100', 'NaN', '9007199254740993']),
      ),
  ])()
}

function randomValue(random: Random, depth = 0): unknown {
  const scalars = [
    () => randomNumber(random),
    () => randomNumber(random),
    () => random.pick(['', 'a', 'ab', 'a\0', 'b', 'Ω']),
    () => null,
    () => random.next() < 0.5,
    () => new Date(random.below(5) - 2),
    () => new ObjectId(`00000000000000000000000${random.below(4)}`),
  ]
  const nested = [
    () => Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1)),
    () => ({ b: randomValue(random, depth + 1) }),
    () => Array.from({ length: random.below(3) }, () => ({ b: randomValue(random, depth + 1) })),
  ]
  return random.pick(depth < 2 ? [...scalars, ...nested] : scalars)()
}

function randomDocument(random: Random, _id: number): Item {
  const document: Item = { _id }
  for (const name of ['a', 'c', 'd']) {
    if (random.next() < 0.8) document[name] = randomValue(random)
  }
  return document
}

const paths = ['a', 'a.b', 'c', 'd']

function randomTest(random: Random): Document {
  const value = () => randomValue(random, 1)
  return random.pick([
    () => ({ $eq: value() }),
    () => ({ $gt: value() }),
    () => ({ $gte: value() }),
    () => ({ $lt: value() }),
    () => ({ $lte: value(), $gt: value() }),
    () => ({ $in: [value(), value(), value()] }),
    () => ({ $ne: value() }),
    () => ({ $exists: random.next() < 0.5 }),
    () => ({ $elemMatch: { $gte: randomNumber(random), $lt: randomNumber(random) } }),
    () => ({ $elemMatch: { b: value() } }),
    () => ({ $all: [value(), value()] }),
    () => ({ $regex: '^a' }),
    () => ({ $not: { $gt: value() } }),
  ])()
}

function randomFilter(random: Random, depth = 0): Document {
  const filter: Document = {}
  for (let i = random.below(3); i >= 0; i--) filter[random.pick(paths)] = randomTest(random)
  if (depth < 2 && random.next() < 0.3) {
    filter[random.pick(['$or', '$and'])] = [
      randomFilter(random, depth + 1),
      randomFilter(random, depth + 1),
    ]
  }
  return filter
}

const indexSets: [Document, Document][][] = [
  [],
  [[{ a: 1 }, {}]],
  [
    [{ a: -1, c: 1 }, {}],
    [{ c: 1 }, { sparse: true }],
  ],
  [
    [{ 'a.b': 1 }, {}],
    [{ d: -1, a: 1 }, { sparse: true }],
  ],
  [[{ c: 1, d: -1, a: 1 }, {}]],
  [
    [{ a: 1 }, { partialFilterExpression: { c: { $gt: 0 } } }],
    [{ d: 1, 'a.b': -1 }, {}],
  ],
]

describe('embedded store: the planner', { skip: mongodbUri !== undefined }, () => {
  const store = useTestStore()
  const seed = chooseSeed()

  it('orders keys by their bytes as values compare', () => {
    const random = randomFrom(seed)
    const values = Array.from({ length: 300 }, () => {
      const bytes = Buffer.from(BSON.serialize({ v: randomValue(random) }))
      return field(documentValue(bytes), 'v')!
    })
    const keys = values.map(encodeKey)
    for (const [i, a] of values.entries()) {
      for (const [j, b] of values.entries()) {
        assert.equal(
          Math.sign(Buffer.compare(keys[i]!, keys[j]!)),
          Math.sign(compareValues(a, b)),
          `seed ${seed}: values ${i} and ${j}`,
        )
      }
    }
  })

  it('finds with an index exactly what reading everything finds, in the same order', async () => {
    const random = randomFrom(seed)
    for (const indexes of indexSets) {
      const items = store().collection<Item>()
      for (const [key, options] of indexes) await items.createIndex(key, options)
      for (let i = 0; i < 150; i++) {
        // Two arrays under one compound index are refused; such a document is left out.
        await items.insertOne(randomDocument(random, i)).catch((error) => {
          assert.equal(error.code, 171, error.message)
        })
      }
      for (let round = 0; round < 120; round++) {
        const filter = randomFilter(random)
        const sort: [string, 1 | -1][] = [
          [random.pick(paths), random.pick([1, -1] as const)],
          ['_id', 1],
        ]
        const find = (options: Document) =>
          items.find(filter, { projection: { _id: 1 }, batchSize: 7, ...options }).toArray()
        const context = `seed ${seed} indexes ${JSON.stringify(indexes)} filter ${BSON.EJSON.stringify(filter)} sort ${sort}`
        const wanted = await find({ hint: { $natural: 1 }, sort })
        assert.deepEqual(await find({ sort }), wanted, context)
        const unsorted = (await find({})).map(({ _id }) => _id).sort((a, b) => a - b)
        assert.deepEqual(
          unsorted,
          wanted.map(({ _id }) => _id).sort((a, b) => a - b),
          context,
        )
        assert.equal(await items.countDocuments(filter), wanted.length, context)
      }
      assert.deepEqual((await store().db.command({ validate: items.collectionName })).errors, [])
    }
  })

  it('keeps the indexes true through random updates and deletes', async () => {
    const random = randomFrom(seed + 1)
    const items = store().collection<Item>()
    await items.createIndex({ a: 1, d: -1 })
    await items.createIndex({ 'a.b': 1 }, { sparse: true })
    await items.createIndex({ c: 1 }, { partialFilterExpression: { d: { $exists: true } } })
    for (let i = 0; i < 400; i++) {
      const _id = random.below(60)
      const change = random.pick([
        () => items.replaceOne({ _id }, randomDocument(random, _id), { upsert: true }),
        () => items.updateOne({ _id }, { $set: { [random.pick(paths)]: randomValue(random) } }),
        () => items.updateMany({ a: randomTest(random) }, { $unset: { [random.pick(paths)]: 1 } }),
        () => items.updateOne({ _id }, { $push: { a: randomValue(random, 1) } } as Document),
        () => items.deleteOne({ _id }),
      ])
      // Refusals (a path through a scalar, $push to no array) are as good a test as successes.
      await change().catch((error) => assert.ok([2, 28, 171].includes(error.code), error.message))
    }
    assert.deepEqual((await store().db.command({ validate: items.collectionName })).errors, [])
  })

  const stageOf = async (filter: Document, sort: Document = {}, name = 'explained') => {
    const plan = await store()
      .db.collection(name)
      .find(filter)
      .sort(sort as never)
      .explain('queryPlanner')
    return plan.queryPlanner.winningPlan
  }

  it('uses the index that fits: _id, prefix, range, sort, $or', async () => {
    const items = store().db.collection<Item>('explained')
    await items.createIndex({ type: 1, at: -1 })
    await items.createIndex({ mail: 1 }, { unique: true, sparse: true })
    await items.insertMany(
      Array.from({ length: 50 }, (_, i) => ({ _id: i, type: i % 3, at: i, mail: `m${i}` })),
    )

    const byId = await stageOf({
      _id: 1,
      $or: [{ expires: { $exists: false } }, { expires: { $gt: new Date() } }],
    })
    assert.equal(byId.inputStage.indexName, '_id_')
    assert.equal((await stageOf({ mail: 'm1' })).inputStage.indexName, 'mail_1')
    assert.equal((await stageOf({ mail: null })).stage, 'COLLSCAN')
    const sorted = await stageOf({ type: 1, at: { $gt: 5 } }, { at: 1 })
    assert.equal(sorted.inputStage.indexName, 'type_1_at_-1')
    assert.equal(sorted.inputStage.direction, 'backward')
    assert.equal(sorted.hasResidualFilter, false)
    const either = await stageOf({ $or: [{ mail: 'm1' }, { type: 2 }] })
    assert.equal(either.stage, 'OR')
    assert.equal((await stageOf({ other: 1 }, { other: 1 })).stage, 'SORT')
  })

  it('reads no more than the answer needs', async () => {
    const { executionStats } = await store()
      .db.collection('explained')
      .find({ type: 1 })
      .sort({ at: -1 })
      .limit(5)
      .explain('executionStats')
    assert.equal(executionStats.nReturned, 5)
    assert.ok(executionStats.totalDocsExamined <= 6)
  })
})
