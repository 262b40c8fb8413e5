import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { departments } from '../../demo/names.ts'
import { demoRegistryRows } from '../../demo/registry.ts'
import { demoInstitutionFile } from '../../src/config.ts'
import { loadInstitution } from '../../src/institution.ts'
import { checkRegistryRow } from '../../src/people/registry-row.ts'

describe('the institution of the demo', () => {
  const institution = loadInstitution(demoInstitutionFile)

  it('names an office with a mailbox for every department of its people', () => {
    const offices = institution.recordKeepers?.departments ?? {}
    assert.deepEqual(Object.keys(offices).sort(), departments.map(({ code }) => code).sort())
    for (const { code, el } of departments) {
      assert.equal(offices[code]?.name.el, `Γραμματεία ${el.replace('Τμήμα', 'Τμήματος')}`)
      assert.match(offices[code]?.email ?? '', /@uni\.example\.gr$/)
    }
  })

  it('gives the departments of its people the names and codes that their records have', () => {
    const table = institution.departments ?? {}
    assert.deepEqual(Object.keys(table).sort(), departments.map(({ code }) => code).sort())
    for (const { code, ministryCode, el, en } of departments) {
      assert.deepEqual(table[code], { name: { el, en }, ministryCode })
    }
    for (const row of demoRegistryRows()) {
      const checked = checkRegistryRow(row, {
        scope: 'uni.example.gr',
        today: '2026-11-21',
        departments: table,
      })
      assert.deepEqual(checked.problems, undefined)
    }
  })

  it('says how each of its source systems is named to services', () => {
    const sources = new Set(demoRegistryRows().map(({ source }) => source as string))
    assert.deepEqual(new Set(Object.keys(institution.attributes?.linkage ?? {})), sources)
  })

  it('says in its terms and its privacy policy that they are synthetic', () => {
    for (const policy of [institution.terms, institution.privacy]) {
      const [first] = policy?.sections ?? []
      assert.match(first?.text.el ?? '', /συνθετικό/)
      assert.match(first?.text.en ?? '', /synthetic/)
    }
  })
})
