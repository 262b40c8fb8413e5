import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import MongoStore from 'connect-mongo'
import type { SessionData } from 'express-session'
import { type Connection, createConnection, type Model, Schema } from 'mongoose'
import { duplicateKey, notOnFerretDb, useTestStore } from './support.ts'

const store = useTestStore()

interface Role {
  kind: string
  department?: string
  primary?: boolean
}

interface Person {
  username: string
  mails: string[]
  roles: Role[]
  age?: number
  picture?: Buffer
  expiresAt?: Date
  createdAt: Date
  updatedAt: Date
}

const personSchema = new Schema<Person>(
  {
    username: { type: String, required: true, unique: true },
    mails: [String],
    roles: [{ _id: false, kind: String, department: String, primary: Boolean }],
    age: Number,
    picture: Buffer,
    expiresAt: { type: Date, index: true },
  },
  { timestamps: true },
)

describe('store contract: mongoose models', () => {
  let connection: Connection
  let People: Model<Person>

  before(async () => {
    connection = await createConnection(store().uri).asPromise()
    People = connection.model<Person>('Person', personSchema)
    await People.init()
  })
  after(() => connection.close())

  it('creates, reads and saves with timestamps and versions', async () => {
    const person = await People.create({ username: 'anna', picture: Buffer.from([1, 2]) })
    assert.ok(person.createdAt instanceof Date)
    const found = (await People.findOne({ username: 'anna' }).orFail())!
    assert.deepEqual([...found.picture!], [1, 2])
    found.roles.push({ kind: 'student', department: 'cs' })
    found.age = 20
    await found.save()
    const again = await People.findById(found._id).lean().orFail()
    assert.deepEqual(again.roles, [{ kind: 'student', department: 'cs' }])
    assert.equal(again.age, 20)
    assert.ok(again.updatedAt >= again.createdAt)
  })

  it('reports a taken unique value as 11000', async () => {
    await People.create({ username: 'taken' })
    await assert.rejects(People.create({ username: 'taken' }), duplicateKey(store()))
    assert.equal(await People.countDocuments({ username: 'taken' }), 1)
  })

  it('upserts with $setOnInsert and returns the new document', async () => {
    const upsert = () =>
      People.findOneAndUpdate(
        { username: 'kostas' },
        { $set: { age: 30 }, $setOnInsert: { mails: ['k@example.gr'] } },
        { upsert: true, returnDocument: 'after' },
      )
    const first = await upsert()
    const second = await upsert()
    assert.equal(String(first?._id), String(second?._id))
    assert.deepEqual(second?.mails, ['k@example.gr'])
  })

  it('refuses a save over a change that somebody else made', async () => {
    await People.create({ username: 'eleni', roles: [{ kind: 'a' }, { kind: 'b' }] })
    const mine = await People.findOne({ username: 'eleni' }).orFail()
    const theirs = await People.findOne({ username: 'eleni' }).orFail()
    theirs.roles.splice(0, 1)
    await theirs.save()
    mine.roles.splice(1, 1)
    await assert.rejects(mine.save(), { name: 'VersionError' })
  })

  it('changes arrays in place', async () => {
    await People.create({ username: 'maria', roles: [{ kind: 'staff' }], mails: ['a', 'b'] })
    await People.updateOne(
      { username: 'maria' },
      { $addToSet: { mails: 'a' }, $push: { roles: { kind: 'student' } } },
    )
    await People.updateOne({ username: 'maria' }, { $pull: { mails: 'b' } })
    const maria = await People.findOne({ username: 'maria' }).lean().orFail()
    assert.deepEqual(maria.mails, ['a'])
    assert.deepEqual(
      maria.roles.map(({ kind }) => kind),
      ['staff', 'student'],
    )
  })

  it('changes one element of an array by what it matches', async (test) => {
    await notOnFerretDb(test, store(), 'no positional operator and no $elemMatch', async () => {
      await People.create({ username: 'yanna', roles: [{ kind: 'staff' }, { kind: 'student' }] })
      await People.updateOne(
        { username: 'yanna', roles: { $elemMatch: { kind: 'student' } } },
        { $set: { 'roles.$.primary': true } },
      )
      await People.updateOne({ username: 'yanna' }, { $pull: { roles: { kind: 'staff' } } })
      const yanna = await People.findOne({ 'roles.primary': true }).lean().orFail()
      assert.deepEqual(yanna.roles, [{ kind: 'student', primary: true }])
    })
  })

  it('writes in bulk and walks a cursor', async () => {
    await People.bulkWrite(
      Array.from({ length: 300 }, (_, i) => ({
        updateOne: {
          filter: { username: `bulk${i}` },
          update: { $set: { age: i } },
          upsert: true,
        },
      })),
    )
    let sum = 0
    for await (const { age } of People.find({ username: /^bulk/ })
      .sort({ age: 1 })
      .lean()
      .cursor({ batchSize: 50 })) {
      sum += age ?? 0
    }
    assert.equal(sum, (299 * 300) / 2)
  })
})

describe('store contract: connect-mongo sessions', () => {
  let sessions: MongoStore

  before(() => {
    sessions = MongoStore.create({
      // A client of its own: close() closes it.
      mongoUrl: store().uri,
      collectionName: 'sessions',
      ttl: 3600,
      // FerretDB v1 has no TTL indexes; get() compares the expiry itself.
      autoRemove: store().isFerretDb ? 'disabled' : 'native',
    })
  })
  after(() => sessions.close())

  const session = { cookie: { originalMaxAge: null }, user: 'anna' } as unknown as SessionData
  const get = (sid: string) =>
    new Promise<SessionData | null | undefined>((resolve, reject) => {
      sessions.get(sid, (error, found) => (error ? reject(error) : resolve(found)))
    })
  const set = (sid: string, data: SessionData) =>
    new Promise<void>((resolve, reject) => {
      sessions.set(sid, data, (error) => (error ? reject(error) : resolve()))
    })

  it('keeps, changes and destroys a session', async () => {
    await set('s1', session)
    assert.equal(((await get('s1')) as { user?: string } | null)?.user, 'anna')
    await set('s1', { ...session, user: 'eleni' } as unknown as SessionData)
    assert.equal(((await get('s1')) as { user?: string } | null)?.user, 'eleni')
    await new Promise((resolve) => sessions.destroy('s1', resolve))
    assert.equal(await get('s1'), null)
  })

  it('does not give an expired session', async () => {
    const expired = { ...session, cookie: { expires: new Date(Date.now() - 1000) } }
    await set('s2', expired as unknown as SessionData)
    assert.equal(await get('s2'), null)
  })
})
