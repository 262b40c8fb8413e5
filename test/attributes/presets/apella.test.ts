import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AttributeSubject } from '../../../src/attributes/release-types.ts'
import { subjectWith } from '../example-people.ts'
import { assertNothingElse, people, professorRole, shibbolethHeaders } from './example-services.ts'

const apellaReads = [
  'schacPersonalUniqueCode',
  'givenName',
  'sn',
  'affiliation',
  'mail',
  'grEduPersonUndergraduateBranch',
]

/** APELLA's own reading: 400 when anything lacks or the department is not digits from end to end. */
function signInToApella(subject: AttributeSubject): { status: number; department?: number } {
  const headers = shibbolethHeaders('apella', subject)
  if (apellaReads.some((name) => !headers[name])) return { status: 400 }
  const branch = headers.grEduPersonUndergraduateBranch!
  return /^\d+$/.test(branch) ? { status: 200, department: Number(branch) } : { status: 400 }
}

describe('preset apella', () => {
  it('lets a professor in with the department of the post', () => {
    assert.deepEqual(signInToApella(people.professor), { status: 200, department: 301 })
    const { schacPersonalUniqueCode } = shibbolethHeaders('apella', people.professor)
    assert.match(schacPersonalUniqueCode!, /:uni\.example\.gr:301:D0042$/)
  })

  it('lets a doctoral candidate on the staff in with the post, not with the studies', () => {
    assert.deepEqual(signInToApella(people.staffDoctorate), { status: 200, department: 301 })
  })

  it('lets students in too, with their department', () => {
    for (const subject of [people.student, people.twoDepartments, people.foreignStudent]) {
      assert.deepEqual(signInToApella(subject), { status: 200, department: 267 })
    }
  })

  it('is 400 for a graduate and for a post whose department has no code of digits', () => {
    assert.equal(signInToApella(people.alumnus).status, 400)
    for (const ministryCode of [undefined, 'MATH', '30 1']) {
      const subject = subjectWith([{ ...professorRole, ministryCode }])
      assert.equal(signInToApella(subject).status, 400)
    }
  })

  it('gives no identifier beyond the code, no national number and nothing else', () => {
    for (const subject of Object.values(people)) {
      const headers = shibbolethHeaders('apella', subject)
      assertNothingElse(headers, [...apellaReads, 'unscoped-affiliation'])
    }
  })
})
