import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeTable } from '../../src/attributes/attribute-table.ts'
import { viewsDir } from '../../src/web/render.ts'
import { loadTranslations } from '../../src/web/translate.ts'

const translations = loadTranslations(viewsDir, { strict: true })

describe('attributes in plain words', () => {
  for (const [language, t] of Object.entries(translations)) {
    it(`have a name in ${language}, every one of the table`, () => {
      for (const { name } of attributeTable) assert.ok(t.has(`attribute.${name}`), name)
    })

    it(`have a name in ${language} for every fact that they are made of`, () => {
      for (const { facts = [] } of attributeTable) {
        for (const fact of facts) assert.ok(t.has(`release.fact.${fact}`), fact)
      }
    })
  }
})
