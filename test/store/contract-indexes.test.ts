import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Document } from 'mongodb'
import { duplicateKey, notOnFerretDb, useTestStore } from './support.ts'

const store = useTestStore()
type Item = Document & { _id: number }

describe('store contract: indexes', () => {
  it('refuses a second document with the same unique key and says which', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ email: 1 }, { unique: true })
    await items.insertOne({ _id: 1, email: 'a@example.gr' })
    await assert.rejects(items.insertOne({ _id: 2, email: 'a@example.gr' }), (error: Document) => {
      assert.equal(error.code, 11000)
      assert.match(error.message, /^E11000 duplicate key error/)
      if (!store().isFerretDb) {
        assert.deepEqual(error.keyPattern, { email: 1 })
        assert.deepEqual(error.keyValue, { email: 'a@example.gr' })
        assert.match(error.message, /index: email_1 dup key: \{ email: "a@example.gr" \}$/)
      }
      return true
    })
  })

  it('refuses an update into a taken unique key and changes nothing', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ k: 1 }, { unique: true })
    await items.insertMany([
      { _id: 1, k: 'a', n: 1 },
      { _id: 2, k: 'b', n: 1 },
    ])
    await assert.rejects(
      items.updateOne({ _id: 2 }, { $set: { k: 'a', n: 2 } }),
      duplicateKey(store()),
    )
    assert.deepEqual(await items.findOne({ _id: 2 }), { _id: 2, k: 'b', n: 1 })
    await items.updateOne({ _id: 1 }, { $set: { k: 'c' } })
    await items.updateOne({ _id: 2 }, { $set: { k: 'a' } })
    assert.equal(await items.countDocuments({ k: 'a' }), 1)
  })

  it('gives back a unique key when its document is deleted', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ k: 1 }, { unique: true })
    await items.insertOne({ _id: 1, k: 'a' })
    await items.deleteOne({ _id: 1 })
    await items.insertOne({ _id: 2, k: 'a' })
    assert.deepEqual(await items.find({ k: 'a' }).toArray(), [{ _id: 2, k: 'a' }])
  })

  it('holds a compound unique key as a whole', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ issuer: 1, subject: 1 }, { unique: true })
    await items.insertMany([
      { _id: 1, issuer: 'a', subject: 'x' },
      { _id: 2, issuer: 'a', subject: 'y' },
      { _id: 3, issuer: 'b', subject: 'x' },
    ])
    await assert.rejects(items.insertOne({ _id: 4, issuer: 'b', subject: 'x' }), { code: 11000 })
  })

  it('refuses a unique index over documents that already collide', async () => {
    const items = store().collection<Item>()
    await items.insertMany([
      { _id: 1, k: 'a' },
      { _id: 2, k: 'a' },
    ])
    await assert.rejects(items.createIndex({ k: 1 }, { unique: true }), duplicateKey(store()))
    assert.deepEqual(
      (await items.indexes()).map(({ name }) => name),
      ['_id_'],
    )
  })

  it('makes the same index again without complaint and lists it once', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ a: 1, b: -1 })
    assert.equal(await items.createIndex({ a: 1, b: -1 }), 'a_1_b_-1')
    const listed = (await items.indexes()).map(({ name, key }) => [name, key])
    assert.deepEqual(listed, [
      ['_id_', { _id: 1 }],
      ['a_1_b_-1', { a: 1, b: -1 }],
    ])
    await items.dropIndex('a_1_b_-1')
    assert.equal((await items.indexes()).length, 1)
  })

  it('refuses another index under a name that is taken', async () => {
    const items = store().collection<Item>()
    await items.createIndex({ a: 1 }, { name: 'mine' })
    await assert.rejects(items.createIndex({ b: 1 }, { name: 'mine' }), { code: 86 })
  })

  it('lets any number of documents lack a sparse unique field', async (test) => {
    await notOnFerretDb(test, store(), 'sparse is ignored', async () => {
      const items = store().collection<Item>()
      await items.createIndex({ k: 1 }, { unique: true, sparse: true })
      await items.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3, k: 'a' }])
      await assert.rejects(items.insertOne({ _id: 4, k: 'a' }), { code: 11000 })
      assert.equal(await items.countDocuments({}), 3)
      assert.equal(await items.countDocuments({ k: null }), 2)
    })
  })

  it('counts a missing field as null in a plain unique index', async (test) => {
    await notOnFerretDb(test, store(), 'missing fields do not collide', async () => {
      const items = store().collection<Item>()
      await items.createIndex({ k: 1 }, { unique: true })
      await items.insertOne({ _id: 1 })
      await assert.rejects(items.insertOne({ _id: 2, k: null }), { code: 11000 })
    })
  })

  it('holds a partial unique index among the documents it covers', async (test) => {
    await notOnFerretDb(test, store(), 'partial indexes are not implemented', async () => {
      const items = store().collection<Item>()
      await items.createIndex(
        { mail: 1 },
        { unique: true, partialFilterExpression: { verified: true } },
      )
      await items.insertMany([
        { _id: 1, mail: 'a' },
        { _id: 2, mail: 'a' },
        { _id: 3, mail: 'a', verified: true },
      ])
      await assert.rejects(items.updateOne({ _id: 1 }, { $set: { verified: true } }), {
        code: 11000,
      })
      assert.equal(await items.countDocuments({ mail: 'a' }), 3)
      assert.equal(await items.countDocuments({ mail: 'a', verified: true }), 1)
    })
  })

  it('holds a unique index over the elements of arrays', async (test) => {
    await notOnFerretDb(test, store(), 'arrays are indexed as a whole', async () => {
      const items = store().collection<Item>()
      await items.createIndex({ mails: 1 }, { unique: true })
      await items.insertOne({ _id: 1, mails: ['a', 'b', 'a'] })
      await assert.rejects(items.insertOne({ _id: 2, mails: ['c', 'b'] }), { code: 11000 })
      await items.insertOne({ _id: 3, mails: ['c'] })
      assert.deepEqual((await items.findOne({ mails: 'c' }))?._id, 3)
    })
  })

  it('keeps the expiry of a TTL index as it was asked for', async (test) => {
    await notOnFerretDb(test, store(), 'TTL indexes are not implemented', async () => {
      const items = store().collection<Item>()
      await items.createIndex({ at: 1 }, { expireAfterSeconds: 3600 })
      const index = (await items.indexes()).find(({ name }) => name === 'at_1')
      assert.equal(index?.expireAfterSeconds, 3600)
    })
  })
})
