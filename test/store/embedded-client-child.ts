/** A process that joins the store of another and counts up one counter (see the tests). */
import { openStore } from '../../src/store/connection.ts'

const [dataDir, rounds] = process.argv.slice(2)
const store = await openStore({ mongodbUri: undefined, dataDir: dataDir! }, { embedded: 'join' })
const counters = store.client.db().collection<{ _id: string; n: number }>('counters')
for (let i = 0; i < Number(rounds); i++) {
  await counters.updateOne({ _id: 'one' }, { $inc: { n: 1 } }, { upsert: true })
}
await store.close()
