import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import type { AttributeSubject } from '../../src/attributes/release-types.ts'
import type { AttributeRules, Department } from '../../src/institution.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { environment, samlTarget, student, studentRole, subjectWith } from './example-people.ts'

const role = (changes: Partial<PersonRole>): PersonRole => ({ ...studentRole, ...changes })

function esi(
  subject: AttributeSubject,
  rules?: AttributeRules['europeanStudentIdentifier'],
  departments?: Record<string, Department>,
) {
  const attributes = { europeanStudentIdentifier: rules }
  return [
    ...attributeByName('schacPersonalUniqueCode')!.values(
      subject,
      { ...environment, institution: { ...environment.institution, attributes, departments } },
      samlTarget([], { forms: { uniqueCode: 'esi' } }),
    ),
  ]
}

describe('European Student Identifier 1.0', () => {
  const start = 'urn:schac:personalUniqueCode:int:esi'

  it('is under our domain with the registration number unless the institution says otherwise', () => {
    assert.deepEqual(esi(student), [`${start}:uni.example.gr:10125`])
  })

  it('can have the department before the number, where numbers begin anew in each', () => {
    const code = 'department-and-registration-number'
    assert.deepEqual(esi(student, { form: 'institution', code }), [
      `${start}:uni.example.gr:CS-10125`,
    ])
    // Under gr the department needs the code that the whole country knows it by.
    assert.deepEqual(esi(student, { form: 'national', code }), [`${start}:gr:267-10125`])
    const unknown = subjectWith([role({ ministryCode: undefined })])
    assert.deepEqual(esi(unknown, { form: 'national', code }), [])
    const departments = { CS: { name: { el: 'Π', en: 'I' }, ministryCode: '267' } }
    assert.deepEqual(esi(unknown, { form: 'national', code }, departments), [
      `${start}:gr:267-10125`,
    ])
  })

  it('can be the AcademicID, of students alone', () => {
    const academicId = '0f'.repeat(16)
    const rules = { form: 'national', code: 'academic-id' } as const
    assert.deepEqual(esi(subjectWith([studentRole], { academicId }), rules), [
      `${start}:gr:${academicId}`,
    ])
    assert.deepEqual(esi(student, rules), [], 'not allocated yet')
    assert.deepEqual(esi(subjectWith([role({ role: 'staff' })], { academicId }), rules), [])
  })

  it('is left out when its code has characters that it may not have', () => {
    for (const registrationNumber of ['10:125', '10 125', 'ΑΜ10125', '10/125', '']) {
      assert.deepEqual(esi(subjectWith([role({ registrationNumber })])), [], registrationNumber)
    }
    assert.deepEqual(esi(subjectWith([role({ registrationNumber: "(1)+,-.=@;$_!*'" })])), [
      `${start}:uni.example.gr:(1)+,-.=@;$_!*'`,
    ])
  })

  it('stays the same for the whole study, whatever further role begins', () => {
    const first = role({ degreeLevel: 'master', validFrom: '2023-10-01' })
    const before = esi(subjectWith([first]))
    for (const later of [
      // What Greek readers of one student number get instead: undergraduate studies first.
      role({ sourceId: '9', registrationNumber: '9', validFrom: '2025-10-01' }),
      role({
        sourceId: '9',
        registrationNumber: '9',
        degreeLevel: 'doctorate',
        validFrom: '2026-01-01',
      }),
      role({ sourceId: '0', source: 'a', registrationNumber: '9', validFrom: '2023-10-01' }),
      role({ sourceId: '9', role: 'staff', registrationNumber: 'E9', validFrom: '2001-01-01' }),
    ]) {
      assert.deepEqual(esi(subjectWith([first, later])), before)
    }
    const undated = role({ validFrom: undefined })
    assert.deepEqual(
      esi(subjectWith([undated, role({ sourceId: '9', registrationNumber: '9' })])),
      esi(subjectWith([undated])),
    )
  })

  it('follows the next studies when those it belonged to are over', () => {
    const ended = role({ status: 'ended' })
    const next = role({ sourceId: '9', registrationNumber: '9', validFrom: '2026-10-01' })
    assert.deepEqual(esi(subjectWith([ended, next])), [`${start}:uni.example.gr:9`])
  })

  it('belongs to the studies although the service wants codes of staff too', () => {
    const professor = subjectWith([role({ role: 'faculty', registrationNumber: 'E1' })])
    const target = samlTarget([], {
      forms: { uniqueCode: 'esi', codeRoles: ['student', 'faculty', 'staff'] },
    })
    const definition = attributeByName('schacPersonalUniqueCode')!
    assert.deepEqual(definition.values(professor, environment, target), [])
  })
})
