import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersonRole } from '../../src/people/person.ts'
import { officeFor } from '../../src/record-keeper/fact-office.ts'

const now = new Date('2026-11-20T10:00:00Z')
const role = (kind: PersonRole['role'], change: Partial<PersonRole> = {}): PersonRole => ({
  source: 'test',
  sourceId: kind,
  role: kind,
  status: 'active',
  departmentCode: `d-${kind}`,
  ...change,
})

describe('whom to ask for a fact that is not on record', () => {
  const person = { roles: [role('faculty'), role('student')] }

  it('is the Secretariat for studies and Human Resources for posts', () => {
    const secretariat = { role: 'student', departmentCode: 'd-student' }
    for (const fact of ['studentRole', 'enrollment', 'inscription'] as const) {
      assert.deepEqual(officeFor(fact, person, now), secretariat)
    }
    assert.deepEqual(officeFor('employment', person, now), {
      role: 'staff',
      departmentCode: 'd-faculty',
    })
  })

  it('is the office of the first role that runs for everything else', () => {
    const roles = [role('student', { status: 'ended' }), role('affiliate')]
    assert.equal(officeFor('birthDate', { roles }, now)?.role, 'affiliate')
    assert.equal(officeFor('ministryCode', { roles: roles.slice(0, 1) }, now)?.role, 'student')
  })

  it('is somebody also for people without any role', () => {
    assert.deepEqual(officeFor('role', { roles: [] }, now), { role: 'student' })
    assert.deepEqual(officeFor('position', { roles: [] }, now), { role: 'staff' })
  })

  it('is nobody for the studies of an employee who never studied here', () => {
    const roles = [role('faculty'), role('affiliate', { status: 'ended' })]
    assert.equal(officeFor('studentRole', { roles }, now), undefined)
    const graduate = { roles: [...roles, role('student', { status: 'ended' })] }
    assert.equal(officeFor('studentRole', graduate, now)?.departmentCode, 'd-student')
  })

  it('is nobody for the AcademicID, which comes by itself', () => {
    assert.equal(officeFor('academicId', person, now), undefined)
  })
})
