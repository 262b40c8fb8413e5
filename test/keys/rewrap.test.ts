import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it, mock } from 'node:test'
import { stageKey } from '../../src/keys/key-life.ts'
import { openMasterKeys, promoteNextKey, readKeyFile } from '../../src/keys/master-key.ts'
import { sealingKeyIds } from '../../src/keys/master-key-check.ts'
import { prepareNextKey, rewrapStore } from '../../src/keys/rewrap.ts'
import { SecretModel } from '../../src/keys/secrets-model.ts'
import { openSecrets } from '../../src/keys/secrets-store.ts'
import { SigningKeyModel } from '../../src/keys/signing-key-model.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())
afterEach(() => mock.restoreAll())

const by = 'niki'
const certsDir = () => app.context.config.certsDir
/** As another process sees the files now. */
const freshKeys = () => openMasterKeys({ certsDir: certsDir(), masterKeys: [] })

/** What a process that starts now can open: all of it, or it throws. */
async function opensAll(): Promise<void> {
  const secrets = await openSecrets(freshKeys(), new Date())
  assert.deepEqual(secrets.get('pairwise'), app.context.secrets.get('pairwise'))
  await app.context.keys.reload()
}

describe('a new master key', () => {
  it('takes over while the server runs, and the former one opens until it is removed', async () => {
    const former = freshKeys().current()!
    const report = await rewrapStore(app.context.keyVault.masterKeys)
    assert.equal(report.outcome, 'rotated')
    assert.deepEqual(report.from, [former.id])
    assert.notEqual(report.to, former.id)
    assert.deepEqual(await sealingKeyIds(), [report.to])
    await opensAll()
    assert.equal(readKeyFile(join(certsDir(), 'master.key.previous'))!.id, former.id)
    rmSync(join(certsDir(), 'master.key.previous'))
    await opensAll()
    // The running server seals under the new one.
    await stageKey(app.context, { use: 'oidc', type: 'rsa-2048', by })
    assert.deepEqual(await sealingKeyIds(), [report.to])
  })

  it('may be made elsewhere, and laid ready on every machine before', async () => {
    const file = join(certsDir(), 'mine')
    writeFileSync(file, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 })
    const { id } = prepareNextKey(freshKeys(), file)
    await opensAll()
    const report = await rewrapStore(freshKeys())
    assert.equal(report.to, id)
    assert.equal(existsSync(join(certsDir(), 'master.key.next')), false)
    await opensAll()
  })

  it('can be cut off before and after every write: all can be opened, and it goes on', async () => {
    const total = (await SecretModel.countDocuments()) + (await SigningKeyModel.countDocuments())
    for (let index = 0; index < total; index += 3) {
      for (const moment of ['before', 'after'] as const) {
        let writes = 0
        for (const model of [SecretModel, SigningKeyModel]) {
          const real = model.updateOne.bind(model) as (...args: unknown[]) => PromiseLike<unknown>
          mock.method(model, 'updateOne', async (...args: unknown[]) => {
            const isDue = writes++ === index
            if (isDue && moment === 'before') throw new Error('the power went')
            const result = await real(...args)
            if (isDue) throw new Error('the power went')
            return result
          })
        }
        await assert.rejects(rewrapStore(freshKeys()), /the power went/)
        mock.restoreAll()
        await opensAll()
        const report = await rewrapStore(freshKeys())
        assert.deepEqual(await sealingKeyIds(), [report.to], `${moment} ${index}`)
        await opensAll()
      }
    }
  })

  it('keeps the former one when two processes rotate at the same time', async () => {
    const former = freshKeys().current()!
    const files = freshKeys().files
    const next = prepareNextKey(freshKeys())
    const to = readKeyFile(files.next)!
    for (const _ of ['one', 'other']) promoteNextKey(files, { from: former, to })
    assert.equal(readKeyFile(files.current)!.id, next.id)
    assert.equal(readKeyFile(files.previous)!.id, former.id)
    await rewrapStore(freshKeys())
    await opensAll()
  })

  it('comes from MASTER_KEY where that is set: the first of several seals', async () => {
    const old = readFileSync(join(certsDir(), 'master.key'), 'utf8').trim()
    const masterKeys = [Buffer.alloc(32, 1), Buffer.from(old, 'base64url')]
    const keys = openMasterKeys({ certsDir: join(certsDir(), 'none'), masterKeys })
    const report = await rewrapStore(keys)
    assert.deepEqual(await sealingKeyIds(), [report.to])
    assert.throws(() => prepareNextKey(keys), { name: 'ConfigError', message: /MASTER_KEY/ })
    // And back, for the server of this test.
    const back = openMasterKeys({ certsDir: certsDir(), masterKeys: masterKeys.toReversed() })
    await rewrapStore(back)
    await opensAll()
  })
})

describe('a start with the wrong master key, or without it', () => {
  let before: string
  beforeEach(async () => {
    before = JSON.stringify([await SecretModel.find().lean(), await SigningKeyModel.find().lean()])
  })
  afterEach(async () => {
    const now = [await SecretModel.find().lean(), await SigningKeyModel.find().lean()]
    assert.equal(JSON.stringify(now), before)
  })

  it('is refused without making one', async () => {
    const empty = join(certsDir(), 'empty')
    await assert.rejects(
      openSecrets(openMasterKeys({ certsDir: empty, masterKeys: [] }), new Date()),
      {
        name: 'ConfigError',
        message:
          /master\.key is missing, and the store was sealed under the master key [0-9a-f]{16}; put it back.*No new one has been made/,
      },
    )
    assert.equal(existsSync(empty), false)
  })

  it('is refused before anything is written, even where a secret is yet to be made', async () => {
    await SecretModel.deleteOne({ _id: 'academicid' })
    before = JSON.stringify([await SecretModel.find().lean(), await SigningKeyModel.find().lean()])
    const wrong = openMasterKeys({
      certsDir: join(certsDir(), 'x'),
      masterKeys: [Buffer.alloc(32, 9)],
    })
    await assert.rejects(openSecrets(wrong, new Date()), {
      name: 'ConfigError',
      message:
        /was sealed under the master key [0-9a-f]{16}, but the master key here is [0-9a-f]{16}/,
    })
  })
})
