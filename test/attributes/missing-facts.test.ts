import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import { missingFacts } from '../../src/attributes/missing-facts.ts'
import type {
  AttributeEnvironment,
  AttributeSubject,
  ReleaseTarget,
} from '../../src/attributes/release-types.ts'
import type { AttributeRules } from '../../src/institution.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { environment, samlTarget, student, studentRole, subjectWith } from './example-people.ts'

const role = (changes: Partial<PersonRole>): PersonRole => ({ ...studentRole, ...changes })
const withRules = (attributes: AttributeRules): AttributeEnvironment => ({
  ...environment,
  institution: { ...environment.institution, attributes },
})
const missing = (
  name: string,
  subject: AttributeSubject,
  forms: ReleaseTarget['forms'] = {},
  at = environment,
) => [...missingFacts(attributeByName(name)!, subject, at, samlTarget([], { forms }))]

describe('what an attribute without a value lacks', () => {
  it('is nothing where there is a value', () => {
    for (const name of ['schacPersonalUniqueCode', 'schGrAcEnrollment', 'ou', 'schacGender']) {
      assert.deepEqual(missing(name, student), [], name)
    }
  })

  it('is the role first: without one nothing else is asked for', () => {
    const nobody = subjectWith([])
    assert.deepEqual(missing('eduPersonAffiliation', nobody), ['role'])
    assert.deepEqual(missing('departmentNumber', nobody), ['role'])
    const professor = subjectWith([role({ role: 'faculty' })])
    for (const name of ['schacPersonalUniqueCode', 'grEduPersonUndergraduateBranch']) {
      assert.deepEqual(missing(name, professor), ['studentRole'], name)
    }
    assert.deepEqual(missing('schGrAcInscription', professor), ['studentRole'])
    assert.deepEqual(missing('employeeNumber', student), ['employment'])
  })

  it('is every fact that the student’s record lacks', () => {
    const bare = subjectWith([role({ ministryCode: undefined, registrationNumber: undefined })])
    assert.deepEqual(missing('schacPersonalUniqueCode', bare), [
      'ministryCode',
      'registrationNumber',
    ])
    assert.deepEqual(missing('grEduPersonUndergraduateBranch', bare), ['ministryCode'])
    const noTerm = subjectWith([role({ enrollmentTerm: undefined, departmentCode: undefined })])
    assert.deepEqual(missing('schGrAcEnrollment', noTerm), ['enrollment', 'departmentCode'])
  })

  it('is the number alone for an employee without one, whatever the contract', () => {
    const employee = subjectWith([
      role({ role: 'staff', registrationNumber: undefined, attendanceType: undefined }),
    ])
    assert.deepEqual(missing('employeeNumber', employee), ['registrationNumber'])
    assert.deepEqual(missing('schGrAcEmployment', employee), ['employment'])
  })

  it('counts the role that lacks least', () => {
    const subject = subjectWith([
      role({ enrollmentTerm: undefined, departmentCode: undefined }),
      role({ sourceId: '2', departmentCode: undefined }),
    ])
    assert.deepEqual(missing('schGrAcEnrollment', subject), ['departmentCode'])
  })

  it('depends on the form that the service reads', () => {
    const bare = subjectWith([
      role({ ministryCode: undefined, departmentCode: undefined, registrationNumber: undefined }),
    ])
    const esi = (code: 'department-and-registration-number' | 'academic-id', form: 'national') =>
      missing(
        'schacPersonalUniqueCode',
        bare,
        { uniqueCode: 'esi' },
        withRules({ europeanStudentIdentifier: { form, code } }),
      )
    assert.deepEqual(missing('schacPersonalUniqueCode', bare, { uniqueCode: 'esi' }), [
      'registrationNumber',
    ])
    assert.deepEqual(esi('department-and-registration-number', 'national'), [
      'ministryCode',
      'registrationNumber',
    ])
    assert.deepEqual(esi('academic-id', 'national'), ['academicId'])
  })

  it('is any role, and its codes, where the service takes codes of staff too', () => {
    const codeRoles = ['student', 'faculty', 'staff'] as const
    const professor = subjectWith([role({ role: 'faculty', registrationNumber: undefined })])
    assert.deepEqual(missing('schacPersonalUniqueCode', professor, { codeRoles }), [
      'registrationNumber',
    ])
    assert.deepEqual(missing('schacPersonalUniqueCode', subjectWith([]), { codeRoles }), ['role'])
  })

  it('is a fact of the person', () => {
    const nobody = subjectWith([], {
      birthDate: undefined,
      citizenship: [],
      nationalNumbers: [],
      taxNumber: undefined,
    })
    assert.deepEqual(missing('schacPersonalUniqueID', nobody), ['nationalNumber', 'taxNumber'])
    assert.deepEqual(missing('schGrAcPersonSSN', nobody), ['amka'])
    assert.deepEqual(missing('schGrAcPersonTIN', nobody), ['taxNumber'])
    assert.deepEqual(missing('schGrAcPersonID', nobody), ['academicId'])
    assert.deepEqual(missing('schacDateOfBirth', nobody), ['birthDate'])
    assert.deepEqual(missing('schacCountryOfCitizenship', nobody), ['citizenship'])
    assert.deepEqual(missing('eduPersonOrcid', nobody), ['orcid'])
  })
})
