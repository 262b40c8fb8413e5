import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeEnvironment } from '../../src/attributes/attribute-environment.ts'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import { decideRelease } from '../../src/attributes/release.ts'
import type { AttributeSubject, ReleaseTarget } from '../../src/attributes/release-types.ts'
import { unknownRequestedAttributes } from '../../src/attributes/targets.ts'
import type { Institution } from '../../src/institution.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { environment, samlTarget, student, studentRole, subjectWith } from './example-people.ts'

const role = (changes: Partial<PersonRole>): PersonRole => ({ ...studentRole, ...changes })
const employeeRole = role({
  source: 'hr',
  sourceId: 'E77',
  role: 'faculty',
  registrationNumber: 'E77',
  contractType: 'permanent',
  attendanceType: 'full-time',
  position: 'professor',
})
const employee = subjectWith([employeeRole])

const valuesOf = (
  name: string,
  subject: AttributeSubject,
  changes: Partial<Institution> = {},
  target: ReleaseTarget = samlTarget([]),
) => [
  ...attributeByName(name)!.values(
    subject,
    { ...environment, institution: { ...environment.institution, ...changes } },
    target,
  ),
]

describe('schGrAcPersonalLinkageID (URN registry of GUnet)', () => {
  const start = 'urn:mace:gunet.gr:schgrac:personalLinkageID:gr:uni.example.gr'
  const linkage = {
    sis: { category: 'SIS', identifier: 'studentID' },
    'sis-master': { category: 'SIS', identifier: 'studentID', sequence: 2 },
  }

  it('has category, number, name and value of the key in its places', () => {
    const [value] = valuesOf('schGrAcPersonalLinkageID', student, { attributes: { linkage } })
    assert.equal(value, `${start}:SIS:1:studentID:10125`)
    assert.deepEqual(value?.split(':').slice(5), [
      'gr',
      'uni.example.gr',
      'SIS',
      '1',
      'studentID',
      '10125',
    ])
  })

  it('is one for each role in a system that the institution lists', () => {
    const subject = subjectWith([
      studentRole,
      role({ source: 'sis-master', sourceId: '9' }),
      employeeRole,
    ])
    assert.deepEqual(valuesOf('schGrAcPersonalLinkageID', subject, { attributes: { linkage } }), [
      `${start}:SIS:1:studentID:10125`,
      `${start}:SIS:2:studentID:9`,
    ])
  })

  it('has the name of the source while the institution lists none', () => {
    assert.deepEqual(valuesOf('schGrAcPersonalLinkageID', employee), [`${start}:hr:1:sourceId:E77`])
  })

  it('is left out when a part holds ":", or the role has ended', () => {
    for (const changes of [{ sourceId: '10:125' }, { status: 'ended' }] as const) {
      assert.deepEqual(valuesOf('schGrAcPersonalLinkageID', subjectWith([role(changes)])), [])
    }
  })
})

describe('posts of employees', () => {
  it('are contract, attendance and department in schGrAcEmployment', () => {
    assert.deepEqual(valuesOf('schGrAcEmployment', employee), [
      'urn:mace:gunet.gr:schgrac:employment:gr:uni.example.gr:permanent:full-time:CS',
    ])
    assert.deepEqual(valuesOf('schGrAcEmployment', student), [])
    const partial = subjectWith([{ ...employeeRole, contractType: undefined }])
    assert.deepEqual(valuesOf('schGrAcEmployment', partial), [])
  })

  it('are positions under our domain', () => {
    assert.deepEqual(valuesOf('schacPersonalPosition', employee), [
      'urn:schac:personalPosition:gr:uni.example.gr:professor',
    ])
    assert.deepEqual(valuesOf('schacPersonalPosition', student), [])
  })

  it('give the employee number of the first post that has one', () => {
    const subject = subjectWith([{ ...employeeRole, registrationNumber: undefined }, employeeRole])
    assert.deepEqual(valuesOf('employeeNumber', subject), ['E77'])
  })
})

describe('the institution’s table of departments', () => {
  const departments = {
    CS: {
      name: { el: 'Τμήμα Πληροφορικής', en: 'Department of Informatics' },
      ministryCode: '267',
    },
  }
  const bare = subjectWith([role({ ministryCode: undefined, departmentName: undefined })])

  it('stands in for what the record lacks', () => {
    assert.deepEqual(valuesOf('grEduPersonUndergraduateBranch', bare, { departments }), ['267'])
    assert.deepEqual(valuesOf('schacPersonalUniqueCode', bare, { departments }), [
      'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:267:10125',
    ])
    assert.deepEqual(valuesOf('ou', bare, { departments }), ['Τμήμα Πληροφορικής'])
    assert.deepEqual(valuesOf('ou', bare), [])
  })

  it('does not change what the record says', () => {
    const own = { CS: { ...departments.CS, ministryCode: '999' } }
    assert.deepEqual(valuesOf('grEduPersonUndergraduateBranch', student, { departments: own }), [
      '267',
    ])
    assert.deepEqual(valuesOf('ou', student, { departments }), ['Πληροφορικής'])
  })

  it('has no department of a name that every object has', () => {
    const odd = subjectWith([role({ departmentCode: 'constructor', ministryCode: undefined })])
    assert.deepEqual(valuesOf('grEduPersonUndergraduateBranch', odd, { departments }), [])
  })
})

describe('codes of staff, for services that ask them of everybody', () => {
  const codeRoles = ['student', 'faculty', 'staff'] as const
  const target = samlTarget([], { forms: { codeRoles } })
  const codes = (subject: AttributeSubject) => [
    ...valuesOf('schacPersonalUniqueCode', subject, {}, target),
    ...valuesOf('grEduPersonUndergraduateBranch', subject, {}, target),
  ]

  it('are of the post when there are no studies', () => {
    assert.deepEqual(codes(employee), [
      'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:267:E77',
      '267',
    ])
  })

  it('are of the first kind that has both codes', () => {
    const unnumbered = role({ registrationNumber: undefined, ministryCode: '100' })
    assert.match(codes(subjectWith([unnumbered, employeeRole]))[0]!, /:267:E77$/)
    assert.match(codes(subjectWith([studentRole, employeeRole]))[0]!, /:267:10125$/)
  })

  it('go to nobody else', () => {
    assert.deepEqual(valuesOf('schacPersonalUniqueCode', employee), [])
    assert.deepEqual(codes(subjectWith([{ ...employeeRole, role: 'affiliate' }])), [])
  })
})

describe('schGrAcInscription over SAML', () => {
  const name = 'urn:oid:1.3.6.1.4.1.36215.1.2.7'
  const target = () => samlTarget([name])

  it('goes once the institution has given its Name', () => {
    const named = { ...environment, samlNames: { schGrAcInscription: name } }
    const { attributes } = decideRelease(student, target(), named)
    assert.deepEqual(
      attributes.map(({ samlName, values }) => [samlName, values]),
      [[name, ['urn:mace:gunet.gr:schgrac:inscription:gr:uni.example.gr:W:2023:CS:1']]],
    )
    assert.deepEqual(decideRelease(student, target(), environment).attributes, [])
  })

  it('is then no unknown attribute to whoever registers a service that asks for it', () => {
    const requestedAttributes = [name, 'urn:oid:1.2.3'].map((one) => ({
      name: one,
      isRequired: false,
    }))
    const sp = {
      attributeConsumingServices: [
        { index: 0, isDefault: true, serviceName: {}, requestedAttributes },
      ],
    }
    const samlNames = { schGrAcInscription: name }
    assert.deepEqual(unknownRequestedAttributes(sp, { samlNames }), ['urn:oid:1.2.3'])
    assert.deepEqual(unknownRequestedAttributes(sp, {}), [name, 'urn:oid:1.2.3'])
  })

  it('has the Name that the institution file gives', () => {
    const institution = {
      ...environment.institution,
      attributes: { schGrAcInscriptionName: name },
    }
    const context = {
      config: { scope: 'uni.example.gr', baseUrl: 'https://sso.uni.example.gr' },
      institution,
      secrets: { get: () => Buffer.alloc(32) },
    }
    const { samlNames } = attributeEnvironment(context as never)
    assert.deepEqual(samlNames, { schGrAcInscription: name })
  })
})

describe('home organisation types', () => {
  it('are one or several', () => {
    const type = 'urn:schac:homeOrganizationType:eu:higherEducationalInstitution'
    const other = 'urn:schac:homeOrganizationType:int:university'
    assert.deepEqual(valuesOf('schacHomeOrganizationType', student), [type])
    assert.deepEqual(
      valuesOf('schacHomeOrganizationType', student, { homeOrganizationType: [type, other] }),
      [type, other],
    )
  })
})
