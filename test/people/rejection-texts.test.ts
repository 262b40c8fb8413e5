import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkRegistryRow } from '../../src/people/registry-row.ts'
import { rejectionText, rejectionTexts } from '../../src/people/rejection-texts.ts'

const row = { source: 'sis', sourceId: '1', role: 'student', firstNameEn: 'A', lastNameEn: 'B' }
const options = { scope: 'uni.example.gr', today: '2026-10-01' }

describe('Why a row is rejected', () => {
  it('says what the column takes, not only that this is not it', () => {
    const wrong = {
      source: 'πηγή',
      role: 'pupil',
      status: 'on',
      gender: 'F',
      degreeLevel: 'phd',
      ministryCode: '92 01',
      departmentCode: '12:01',
      enrollmentTerm: '1:2',
      attendanceType: 'a:b',
      inscriptionTerm: '1:2',
      inscriptionMethod: '1:2',
      inscriptionYear: '24/25',
    }
    const problems = Object.entries(wrong).flatMap(
      ([column, value]) => checkRegistryRow({ ...row, [column]: value }, options).problems ?? [],
    )
    assert.deepEqual(
      problems.map(({ column }) => column),
      Object.keys(wrong),
    )
    for (const { column, reason } of problems) {
      assert.equal(reason, 'NOT_ALLOWED', column)
      assert.notEqual(rejectionText(column, reason), rejectionTexts.NOT_ALLOWED, column)
    }
    assert.equal(
      rejectionText('degreeLevel', 'NOT_ALLOWED'),
      'must be empty or bachelor, integrated-master, master or doctorate',
    )
    assert.equal(rejectionText('ministryCode', 'NOT_ALLOWED'), 'must be 1 to 10 digits')
  })

  it('is the same for every column where the reason says it all', () => {
    assert.equal(rejectionText('birthDate', 'DATE_INVALID'), rejectionTexts.DATE_INVALID)
  })
})
