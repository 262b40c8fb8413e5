import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openMasterKeys } from '../../src/keys/master-key.ts'

/** As a first start does: made when there is none. */
function openMasterKey(certsDir: string) {
  const keys = openMasterKeys({ certsDir, masterKeys: [] })
  return keys.current() ?? keys.make()
}

describe('The master key in certs/', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'propylaia-certs-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is made on first start, for its owner alone, and stays the same', () => {
    const certs = join(folder, 'new', 'certs')
    const first = openMasterKey(certs)
    assert.equal(first.bytes.length, 32)
    assert.equal(statSync(join(certs, 'master.key')).mode & 0o777, 0o600)
    assert.deepEqual(openMasterKey(certs), first)
  })

  it('is refused when others can read it, with the command that mends it', () => {
    openMasterKey(folder)
    chmodSync(join(folder, 'master.key'), 0o644)
    assert.throws(() => openMasterKey(folder), { name: 'ConfigError', message: /chmod 600/ })
  })

  it('is refused and left untouched when damaged', () => {
    const file = join(folder, 'master.key')
    writeFileSync(file, 'damaged\n', { mode: 0o600 })
    assert.throws(() => openMasterKey(folder), {
      name: 'ConfigError',
      message: /restore it from your backup/,
    })
    assert.equal(readFileSync(file, 'utf8'), 'damaged\n')
  })
})
