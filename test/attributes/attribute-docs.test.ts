import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { attributeDocs } from '../../src/attributes/attribute-docs.ts'
import { attributeTable } from '../../src/attributes/attribute-table.ts'

describe('docs/attributes.md', () => {
  it('is up to date; if not, run node src/attributes/write-attribute-docs.ts', () => {
    const file = readFileSync(new URL('../../docs/attributes.md', import.meta.url), 'utf8')
    assert.equal(file, attributeDocs())
  })

  it('has every attribute', () => {
    for (const { name } of attributeTable) assert.ok(attributeDocs().includes(`| ${name} |`), name)
  })
})
