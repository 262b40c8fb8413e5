import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { openStore, type Store } from '../../src/store/connection.ts'

/** In a test file: an embedded store of its own for the tests that follow, removed afterwards. */
export function useStore(): { current: () => Store } {
  let store: Store | undefined
  let dataDir = ''
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'propylaia-test-'))
    store = await openStore({ mongodbUri: undefined, dataDir }, { embedded: 'own' })
  })
  after(async () => {
    await store?.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  return {
    current: () => {
      if (!store) throw new Error('the store opens in before(): use it inside a test')
      return store
    },
  }
}
