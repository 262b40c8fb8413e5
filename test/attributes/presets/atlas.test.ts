import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AttributeSubject } from '../../../src/attributes/release-types.ts'
import { assertNothingElse, people, shibbolethHeaders } from './example-services.ts'

/** All that ATLAS reads, and the unscoped affiliation beside the scoped one. */
const atlasReads = [
  'cn',
  'givenName',
  'sn',
  'mail',
  'affiliation',
  'unscoped-affiliation',
  'schacHomeOrganization',
  'eppn',
  'grEduPersonUndergraduateBranch',
  'schacPersonalUniqueCode',
]

/**
 * ATLAS's own reading: the number is what is left of schacPersonalUniqueCode when two pieces of
 * plain text are taken out, in capital and small letters as they are.
 */
function readByAtlas(headers: Record<string, string | undefined>) {
  const { schacHomeOrganization: home = '', grEduPersonUndergraduateBranch: branch = '' } = headers
  return {
    name: headers.cn,
    home,
    branch,
    studentNumber: headers.schacPersonalUniqueCode
      ?.replace(`urn:mace:terena.org:schac:personalUniqueCode:gr:${home}:`, '')
      .replace(`${branch}:`, ''),
  }
}

/** Services without a public list get ATLAS's, so its reading must work for them too. */
for (const preset of ['atlas', 'eudoxus', 'academic-id', 'transfers', 'iky']) {
  const read = (subject: AttributeSubject) => readByAtlas(shibbolethHeaders(preset, subject))

  describe(`preset ${preset}: the student number as ATLAS takes it out`, () => {
    it('a student comes with name, university, department and number', () => {
      assert.deepEqual(read(people.student), {
        name: 'Μαρία Δοκιμαστική',
        home: 'uni.example.gr',
        branch: '267',
        studentNumber: '10125',
      })
    })

    it('a student of two departments comes with one of them, department and number of the same', () => {
      const { branch, studentNumber } = read(people.twoDepartments)
      assert.deepEqual([branch, studentNumber], ['267', '10125'])
    })

    it('a doctoral candidate on the staff comes with the number of the studies, not of the post', () => {
      assert.equal(read(people.staffDoctorate).studentNumber, '90001')
    })

    it('a foreign student comes with the name there is', () => {
      const { name, studentNumber } = read(people.foreignStudent)
      assert.deepEqual([name, studentNumber], ['Jürgen Mustermann', '10125'])
    })

    it('a professor and a graduate come without a student number', () => {
      for (const subject of [people.professor, people.alumnus]) {
        const { branch, studentNumber } = read(subject)
        assert.deepEqual([branch, studentNumber], ['', undefined])
      }
    })

    it('nobody comes with a national number, or with anything that ATLAS does not read', () => {
      for (const subject of Object.values(people)) {
        assertNothingElse(shibbolethHeaders(preset, subject), atlasReads)
      }
    })
  })
}
