import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { openStore, type Store } from '../../src/store/connection.ts'
import { bumpVersion, watchVersions } from '../../src/store/versions.ts'
import { mongodbUri, temporaryDirectory } from './support.ts'

describe('store: versions that caches watch', { skip: mongodbUri !== undefined }, () => {
  const dataDir = temporaryDirectory()
  let store: Store
  before(async () => {
    store = await openStore({ mongodbUri: undefined, dataDir }, { embedded: 'own' })
  })
  after(async () => {
    await store.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('tells this process of its own bump at once', async () => {
    const names: string[] = []
    const watch = watchVersions((name) => names.push(name), { intervalMs: 60_000 })
    await bumpVersion('keys')
    await bumpVersion('keys')
    watch.stop()
    await bumpVersion('keys')
    assert.deepEqual(names, ['keys', 'keys'])
  })

  it('notices what another process bumps, and not what was bumped before', async () => {
    await bumpVersion('old')
    const noticed = new Promise<string>((resolve) => {
      const watch = watchVersions(
        (name) => {
          watch.stop()
          resolve(name)
        },
        { intervalMs: 5 },
      )
    })
    // Straight in the store, as the bump of another process arrives. Several, because the first
    // may come before the watch has seen the counters once.
    const counters = store.client.db().collection<{ _id: string; counter: number }>('versions')
    let bumping = true
    const bumps = (async () => {
      while (bumping)
        await counters.updateOne({ _id: 'theirs' }, { $inc: { counter: 1 } }, { upsert: true })
    })()
    assert.equal(await noticed, 'theirs')
    bumping = false
    await bumps
  })

  it('counts concurrent bumps of a new name one by one', async () => {
    await Promise.all(Array.from({ length: 10 }, () => bumpVersion('many')))
    const found = await store.client
      .db()
      .collection<{ _id: string }>('versions')
      .findOne({ _id: 'many' })
    assert.equal((found as unknown as { counter: number }).counter, 10)
  })
})
