import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Collection, Document } from 'mongodb'
import { useTestStore, whereSupported } from './support.ts'

const store = useTestStore()
let events: Collection<Document & { _id: number }>

const at = (day: number, hour: number) => new Date(Date.UTC(2026, 2, day, hour, 30))

describe('store contract: aggregation for statistics', () => {
  before(async () => {
    events = store().collection()
    await events.insertMany([
      { _id: 1, service: 'eclass', ok: true, ms: 10, at: at(1, 8), roles: ['student'] },
      { _id: 2, service: 'eclass', ok: true, ms: 30, at: at(1, 23), roles: ['student', 'staff'] },
      { _id: 3, service: 'eudoxus', ok: false, ms: 20, at: at(2, 9), roles: ['staff'] },
      { _id: 4, service: 'eclass', ok: false, ms: 40, at: at(2, 10), roles: [] },
      { _id: 5, service: 'atlas', ok: true, at: at(3, 10) },
    ])
  })

  it('counts by a field and sorts by the count', async () => {
    const rows = await events
      .aggregate([
        { $match: { at: { $lt: at(3, 0) } } },
        { $group: { _id: '$service', n: { $sum: 1 } } },
        { $sort: { n: -1, _id: 1 } },
        { $limit: 5 },
      ])
      .toArray()
    assert.deepEqual(rows, [
      { _id: 'eclass', n: 3 },
      { _id: 'eudoxus', n: 1 },
    ])
  })

  it('counts and sums everything', async () => {
    assert.deepEqual(
      await events.aggregate([{ $group: { _id: null, total: { $sum: '$ms' } } }]).toArray(),
      [{ _id: null, total: 100 }],
    )
    assert.deepEqual(
      await events.aggregate([{ $match: { ok: true } }, { $count: 'n' }]).toArray(),
      [{ n: 3 }],
    )
  })

  it('unwinds arrays', async () => {
    const rows = await events
      .aggregate([
        { $unwind: '$roles' },
        { $group: { _id: '$roles', n: { $sum: 1 } } },
        { $sort: { _id: 1 } },
      ])
      .toArray()
    assert.deepEqual(rows, [
      { _id: 'staff', n: 2 },
      { _id: 'student', n: 2 },
    ])
  })

  it('skips, limits and projects', async () => {
    const rows = await events
      .aggregate([
        { $sort: { _id: -1 } },
        { $skip: 1 },
        { $limit: 2 },
        { $project: { service: 1 } },
      ])
      .toArray()
    assert.deepEqual(rows, [
      { _id: 4, service: 'eclass' },
      { _id: 3, service: 'eudoxus' },
    ])
  })

  it('averages, takes extremes, collects and counts with conditions', async (test) => {
    await whereSupported(test, async () => {
      const [row] = await events
        .aggregate([
          { $match: { service: 'eclass' } },
          {
            $group: {
              _id: '$service',
              mean: { $avg: '$ms' },
              least: { $min: '$ms' },
              most: { $max: '$at' },
              failed: { $sum: { $cond: ['$ok', 0, 1] } },
              ids: { $push: '$_id' },
              kinds: { $addToSet: '$ok' },
            },
          },
        ])
        .toArray()
      assert.equal(row?.mean, 80 / 3)
      assert.equal(row?.least, 10)
      assert.deepEqual(row?.most, at(2, 10))
      assert.equal(row?.failed, 1)
      assert.deepEqual(row?.ids, [1, 2, 4])
      assert.equal(row?.kinds.length, 2)
    })
  })

  it('groups by the day of Athens', async (test) => {
    await whereSupported(test, async () => {
      const day = { $dateToString: { date: '$at', format: '%Y-%m-%d', timezone: 'Europe/Athens' } }
      const rows = await events
        .aggregate([{ $group: { _id: day, n: { $sum: 1 } } }, { $sort: { _id: 1 } }])
        .toArray()
      assert.deepEqual(rows, [
        { _id: '2026-03-01', n: 1 },
        { _id: '2026-03-02', n: 3 },
        { _id: '2026-03-03', n: 1 },
      ])
    })
  })

  it('truncates dates across the change to summer time', async (test) => {
    await whereSupported(test, async () => {
      const [row] = await events
        .aggregate([
          { $limit: 1 },
          {
            $project: {
              _id: 0,
              // 29 March 2026, 03:00 in Athens becomes 04:00.
              day: {
                $dateTrunc: {
                  date: new Date('2026-03-29T12:00:00Z'),
                  unit: 'day',
                  timezone: 'Europe/Athens',
                },
              },
              month: { $dateTrunc: { date: '$at', unit: 'month' } },
            },
          },
        ])
        .toArray()
      assert.deepEqual(row, {
        day: new Date('2026-03-28T22:00:00Z'),
        month: new Date('2026-03-01T00:00:00Z'),
      })
    })
  })

  it('runs several pipelines over the same documents', async (test) => {
    await whereSupported(test, async () => {
      const [row] = await events
        .aggregate([
          {
            $facet: {
              total: [{ $count: 'n' }],
              services: [{ $sortByCount: '$service' }, { $limit: 1 }],
            },
          },
        ])
        .toArray()
      assert.deepEqual(row, { total: [{ n: 5 }], services: [{ _id: 'eclass', count: 3 }] })
    })
  })

  it('joins another collection by equality', async (test) => {
    await whereSupported(test, async () => {
      const names = store().collection<Document & { _id: string }>()
      await names.insertMany([{ _id: 'eclass', name: 'e-Class' }])
      const rows = await events
        .aggregate([
          { $match: { _id: { $in: [1, 5] } } },
          {
            $lookup: {
              from: names.collectionName,
              localField: 'service',
              foreignField: '_id',
              as: 'found',
            },
          },
          { $sort: { _id: 1 } },
          { $project: { 'found.name': 1 } },
        ])
        .toArray()
      assert.deepEqual(rows, [
        { _id: 1, found: [{ name: 'e-Class' }] },
        { _id: 5, found: [] },
      ])
    })
  })

  it('computes fields', async (test) => {
    await whereSupported(test, async () => {
      const [row] = await events
        .aggregate([
          { $match: { _id: 2 } },
          {
            $addFields: {
              seconds: { $divide: ['$ms', 1000] },
              first: { $arrayElemAt: ['$roles', 0] },
            },
          },
          {
            $project: {
              _id: 0,
              seconds: 1,
              first: 1,
              label: { $concat: ['$service', '/', '$first'] },
            },
          },
        ])
        .toArray()
      assert.deepEqual(row, { seconds: 0.03, first: 'student', label: 'eclass/student' })
    })
  })

  it('refuses a stage that does not exist', async () => {
    // FerretDB v1 transposes two digits.
    const code = store().isFerretDb ? 40234 : 40324
    await assert.rejects(events.aggregate([{ $nope: {} }]).toArray(), { code })
  })
})
