import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName, attributeTable } from '../../src/attributes/attribute-table.ts'
import { pairwiseValue } from '../../src/attributes/pairwise.ts'
import type { AttributeSubject, ReleaseTarget } from '../../src/attributes/release-types.ts'
import { esiCategory } from '../../src/attributes/value-forms.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { environment, samlTarget, student, studentRole, subjectWith } from './example-people.ts'

const target = samlTarget([])
const valuesOf = (
  name: string,
  subject: AttributeSubject = student,
  at: ReleaseTarget = target,
) => {
  const definition = attributeByName(name)
  assert.ok(definition, `${name} is in the table`)
  return [...definition.values(subject, environment, at)]
}
const role = (changes: Partial<PersonRole>): PersonRole => ({ ...studentRole, ...changes })

/** saml-subject-id-attr 1.0, both attributes. */
const subjectIdPattern = /^[a-z0-9][a-z0-9=-]{0,126}@[a-z0-9][a-z0-9.-]{0,126}$/i

describe('attribute table: names', () => {
  it('names every attribute, SAML name and claim once', () => {
    for (const key of ['name', 'samlName', 'claim'] as const) {
      const names = attributeTable.map((definition) => definition[key]).filter(Boolean)
      assert.equal(new Set(names).size, names.length, key)
    }
  })

  it('has the OIDs of eduPerson, SCHAC, inetOrgPerson, schGrAc and grEduPerson', () => {
    const oids = {
      eduPersonPrincipalName: '1.3.6.1.4.1.5923.1.1.1.6',
      eduPersonScopedAffiliation: '1.3.6.1.4.1.5923.1.1.1.9',
      eduPersonTargetedID: '1.3.6.1.4.1.5923.1.1.1.10',
      eduPersonUniqueId: '1.3.6.1.4.1.5923.1.1.1.13',
      eduPersonOrcid: '1.3.6.1.4.1.5923.1.1.1.16',
      schacPersonalUniqueCode: '1.3.6.1.4.1.25178.1.2.14',
      schacYearOfBirth: '1.3.6.1.4.1.25178.1.0.2.3',
      mail: '0.9.2342.19200300.100.1.3',
      sn: '2.5.4.4',
      displayName: '2.16.840.1.113730.3.1.241',
      schGrAcPersonID: '1.3.6.1.4.1.36215.1.2.3',
      grEduPersonUndergraduateBranch: '1.3.6.1.4.1.16515.2.3.2.1',
    }
    for (const [name, oid] of Object.entries(oids)) {
      assert.equal(attributeByName(name)?.samlName, `urn:oid:${oid}`)
    }
  })

  it('writes claims as REFEDS does: lower-case prefix, then snake case', () => {
    assert.equal(attributeByName('eduPersonPrincipalName')?.claim, 'eduperson_principal_name')
    assert.equal(attributeByName('schacHomeOrganization')?.claim, 'schac_home_organization')
  })
})

describe('affiliations (eduPerson 2.2.1, 2.2.9)', () => {
  const affiliations = (...roles: Partial<PersonRole>[]) =>
    valuesOf('eduPersonAffiliation', subjectWith(roles.map(role)))

  it('makes students members', () => assert.deepEqual(affiliations({}), ['student', 'member']))

  it('makes faculty and staff employees and members', () => {
    assert.deepEqual(affiliations({ role: 'faculty' }), ['faculty', 'employee', 'member'])
    assert.deepEqual(affiliations({ role: 'staff' }), ['staff', 'employee', 'member'])
  })

  it('does not make an affiliate a member', () =>
    assert.deepEqual(affiliations({ role: 'affiliate' }), ['affiliate']))

  it('joins several roles without repeating', () =>
    assert.deepEqual(affiliations({}, { role: 'staff', sourceId: '2' }), [
      'staff',
      'employee',
      'student',
      'member',
    ]))

  it('gives nothing for roles that ended, are suspended, or lie in the past or future', () => {
    assert.deepEqual(
      affiliations(
        { status: 'ended' },
        { status: 'suspended' },
        { validTo: '2026-11-19' },
        { validFrom: '2026-11-21' },
      ),
      [],
    )
  })

  it('takes the primary affiliation from the list, what one does for the institution first', () => {
    const subject = subjectWith([studentRole, role({ role: 'faculty', sourceId: '2' })])
    assert.deepEqual(valuesOf('eduPersonPrimaryAffiliation', subject), ['faculty'])
    assert.deepEqual(valuesOf('eduPersonPrimaryAffiliation', subjectWith([])), [])
  })

  it('scopes every affiliation with our domain', () =>
    assert.deepEqual(valuesOf('eduPersonScopedAffiliation'), [
      'student@uni.example.gr',
      'member@uni.example.gr',
    ]))
})

describe('identifiers', () => {
  it('are legal subject identifiers although the username is not', () => {
    assert.match(valuesOf('subject-id')[0]!, subjectIdPattern)
    assert.match(valuesOf('pairwise-id')[0]!, subjectIdPattern)
    assert.deepEqual(valuesOf('eduPersonPrincipalName'), ['mdokim.2023@uni.example.gr'])
    assert.deepEqual(valuesOf('subject-id'), valuesOf('eduPersonUniqueId'))
  })

  it('differ between services and people, and stay the same for life', () => {
    const key = Buffer.alloc(32, 7)
    const value = pairwiseValue(key, 'a', 'https://sp.example.org')
    // A change of this value would make every service take everybody for a stranger.
    assert.equal(value, 'c6hpav7esequojssejfw5epdd6v3zdde')
    assert.notEqual(value, pairwiseValue(key, 'b', 'https://sp.example.org'))
    assert.notEqual(value, pairwiseValue(key, 'a', 'https://sp2.example.org'))
    assert.notEqual(value, pairwiseValue(Buffer.alloc(32, 8), 'a', 'https://sp.example.org'))
    assert.match(value, /^[a-z2-7]{32}$/)
  })

  it('use one computed value a service for pairwise-id and eduPersonTargetedID', () => {
    assert.deepEqual(valuesOf('pairwise-id'), [
      `${valuesOf('eduPersonTargetedID')[0]}@uni.example.gr`,
    ])
    assert.equal(attributeByName('eduPersonTargetedID')?.samlSyntax, 'name-id')
  })

  it('give ORCID in its https form only', () => {
    const orcid = (text: string) => valuesOf('eduPersonOrcid', subjectWith([], { orcid: text }))
    assert.deepEqual(orcid('0000-0002-1825-0097'), ['https://orcid.org/0000-0002-1825-0097'])
    assert.deepEqual(orcid('http://orcid.org/0000-0002-1694-233X'), [
      'https://orcid.org/0000-0002-1694-233X',
    ])
    assert.deepEqual(orcid('unknown'), [])
  })

  it('leave AcademicID out until it has been allocated', () => {
    assert.deepEqual(valuesOf('schGrAcPersonID'), [])
    const subject = subjectWith([], { academicId: '0f'.repeat(16) })
    assert.deepEqual(valuesOf('schGrAcPersonID', subject), ['0f'.repeat(16)])
  })
})

describe('names and contact', () => {
  it('are Greek at home and in Latin letters for services of other federations', () => {
    assert.deepEqual(valuesOf('displayName'), ['Μαρία Δοκιμαστική'])
    const abroad = samlTarget([], { audience: 'international' })
    assert.deepEqual(valuesOf('displayName', student, abroad), ['Maria Dokimastiki'])
    assert.deepEqual(valuesOf('sn', student, abroad), ['Dokimastiki'])
    assert.deepEqual(valuesOf('o', student, abroad), ['Example University'])
  })

  it('fall back to the other script', () => {
    const subject = subjectWith([], {
      firstName: { el: '', en: 'Ann' },
      lastName: { el: '', en: 'Example' },
    })
    assert.deepEqual(valuesOf('cn', subject), ['Ann Example'])
  })

  it('never give the address that was left for password recovery', () => {
    assert.deepEqual(valuesOf('mail'), ['mdokim.2023@uni.example.gr'])
    const given = attributeTable.flatMap(({ name }) => valuesOf(name))
    assert.ok(!given.some((value) => value.includes('private@mail.example')))
  })
})

describe('student codes as the national services read them', () => {
  it('let ATLAS strip home organization and department to the student number', () => {
    const [code, ...more] = valuesOf('schacPersonalUniqueCode')
    const [home] = valuesOf('schacHomeOrganization')
    const [branch] = valuesOf('grEduPersonUndergraduateBranch')
    assert.deepEqual(more, [], 'a second value would land in the student number')
    const rest = code!
      .replace(`urn:mace:terena.org:schac:personalUniqueCode:gr:${home}:`, '')
      .replace(`${branch}:`, '')
    assert.equal(rest, '10125')
  })

  it('give APELLA a department of digits only', () => {
    assert.match(valuesOf('grEduPersonUndergraduateBranch')[0]!, /^\d+$/)
    const subject = subjectWith([role({ ministryCode: '267A' })])
    assert.deepEqual(valuesOf('grEduPersonUndergraduateBranch', subject), [])
  })

  it('give one code to a student of two departments, that of the undergraduate studies', () => {
    const subject = subjectWith([
      role({
        degreeLevel: 'doctorate',
        sourceId: '9',
        ministryCode: '999',
        validFrom: '2025-01-01',
      }),
      studentRole,
    ])
    assert.deepEqual(valuesOf('schacPersonalUniqueCode', subject), [
      'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:267:10125',
    ])
    assert.deepEqual(valuesOf('grEduPersonUndergraduateBranch', subject), ['267'])
  })

  it('give none to people who do not study, so that Okeanos takes them for no student', () => {
    const subject = subjectWith([role({ role: 'faculty' })])
    assert.deepEqual(valuesOf('schacPersonalUniqueCode', subject), [])
    assert.deepEqual(valuesOf('grEduPersonUndergraduateBranch', subject), [])
  })

  it('give the European Student Identifier, and it alone, to services of its category', () => {
    const expected = ['urn:schac:personalUniqueCode:int:esi:uni.example.gr:10125']
    for (const at of [
      samlTarget([], { entityCategories: [esiCategory] }),
      samlTarget([], { audience: 'international' }),
    ]) {
      assert.deepEqual(valuesOf('schacPersonalUniqueCode', student, at), expected)
    }
  })

  it('give no ESI whose code has characters that it may not have', () => {
    const at = samlTarget([], { entityCategories: [esiCategory] })
    const subject = subjectWith([role({ registrationNumber: '10:125' })])
    assert.deepEqual(valuesOf('schacPersonalUniqueCode', subject, at), [])
  })
})

describe('values that readers split on ":"', () => {
  it('are eight parts in schacPersonalUniqueID for Greek services', () => {
    const values = valuesOf('schacPersonalUniqueID')
    assert.deepEqual(values, [
      'urn:mace:terena.org:schac:personalUniqueID:gr:SSN:01013099997',
      'urn:mace:terena.org:schac:personalUniqueID:gr:TIN:123456783',
    ])
    for (const value of values) assert.equal(value.split(':').length, 8)
  })

  it('have the modern prefix for others', () => {
    const abroad = samlTarget([], { audience: 'international' })
    assert.equal(
      valuesOf('schacPersonalUniqueID', student, abroad)[0],
      'urn:schac:personalUniqueID:gr:SSN:01013099997',
    )
  })

  it('have country, domain, terms and department in the places of schGrAc', () => {
    const enrollment = valuesOf('schGrAcEnrollment')[0]!.split(':')
    assert.deepEqual(enrollment.slice(5), ['gr', 'uni.example.gr', '2023-24-W', 'full-time', 'CS'])
    const inscription = valuesOf('schGrAcInscription')[0]!.split(':')
    assert.deepEqual(inscription.slice(5), ['gr', 'uni.example.gr', 'W', '2023', 'CS', '1'])
  })

  it('are left out when a part is missing or holds a ":" itself', () => {
    assert.deepEqual(
      valuesOf('schGrAcEnrollment', subjectWith([role({ attendanceType: undefined })])),
      [],
    )
    assert.deepEqual(
      valuesOf('schGrAcEnrollment', subjectWith([role({ departmentCode: 'C:S' })])),
      [],
    )
  })
})

describe('dates, gender, citizenship', () => {
  it('have the forms of SCHAC and of OpenID Connect', () => {
    assert.deepEqual(valuesOf('schacDateOfBirth'), ['20050325'])
    assert.deepEqual(valuesOf('schacYearOfBirth'), ['2005'])
    assert.deepEqual(valuesOf('birthDate'), ['2005-03-25'])
    assert.deepEqual(valuesOf('schacGender'), ['2'])
    assert.deepEqual(valuesOf('schacCountryOfCitizenship'), ['gr'])
  })

  it('claim assurance only for an activated account', () => {
    assert.ok(valuesOf('eduPersonAssurance').includes('https://refeds.org/assurance'))
    const pending = { ...student, account: { ...student.account, activatedAt: undefined } }
    assert.deepEqual(valuesOf('eduPersonAssurance', pending), [])
  })
})
