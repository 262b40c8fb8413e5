import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { departments } from '../../demo/names.ts'
import { demoInstitutionFile } from '../../src/config.ts'
import { loadInstitution } from '../../src/institution.ts'

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

  it('says in its terms and its privacy policy that they are synthetic', () => {
    for (const policy of [institution.terms, institution.privacy]) {
      const [first] = policy?.sections ?? []
      assert.match(first?.text.el ?? '', /συνθετικό/)
      assert.match(first?.text.en ?? '', /synthetic/)
    }
  })
})
