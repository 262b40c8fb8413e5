import type { PersonRole } from '../people/person.ts'
import { distinct, list, urn } from './attribute-values.ts'
import type { AttributeDefinition, AttributeSubject } from './release-types.ts'
import { subjectFacts } from './subject-facts.ts'

const arc = 'urn:oid:1.3.6.1.4.1.36215.1.2'
const prefix = 'urn:mace:gunet.gr:schgrac'

/** The Greek academic schema of GUnet. Readers split on ":" and count: see urn(). */
export const schGrAcAttributes: readonly AttributeDefinition[] = [
  {
    name: 'schGrAcPersonID',
    samlName: `${arc}.3`,
    claim: 'schgrac_person_id',
    multiValued: false,
    sensitivity: 'personal',
    source: 'AcademicID: one for life at all Greek institutions, from the AcademicID registry.',
    values: ({ person }) => list(person.academicId),
  },
  {
    name: 'schGrAcPersonSSN',
    samlName: `${arc}.1`,
    claim: 'schgrac_person_ssn',
    multiValued: false,
    sensitivity: 'sensitive',
    source: 'AMKA.',
    values: ({ person }, { openNationalNumber }) => {
      const amka = person.nationalNumbers.find(({ country }) => country === 'GR')
      return amka ? [openNationalNumber(amka)] : []
    },
  },
  {
    name: 'schGrAcPersonTIN',
    samlName: `${arc}.2`,
    claim: 'schgrac_person_tin',
    multiValued: false,
    sensitivity: 'sensitive',
    source: 'AFM.',
    values: ({ person }, { openNationalNumber }) =>
      person.taxNumber?.country === 'GR' ? [openNationalNumber(person.taxNumber)] : [],
  },
  {
    name: 'schGrAcEnrollment',
    samlName: `${arc}.5`,
    claim: 'schgrac_enrollment',
    multiValued: true,
    sensitivity: 'personal',
    source: 'Term and attendance type of each enrolment, with the department’s code.',
    values: (subject, { scope }) =>
      studentUrns(subject, `${prefix}:enrollment:gr:${scope}`, (role) => [
        role.enrollmentTerm,
        role.attendanceType,
        role.departmentCode,
      ]),
  },
  {
    name: 'schGrAcInscription',
    // Its OID is in no schema that we could read, so it goes over OpenID Connect alone.
    samlName: '',
    claim: 'schgrac_inscription',
    multiValued: true,
    sensitivity: 'personal',
    source: 'Term, year and way of each admission, with the department’s code.',
    values: (subject, { scope }) =>
      studentUrns(subject, `${prefix}:inscription:gr:${scope}`, (role) => [
        role.inscriptionTerm,
        role.inscriptionYear,
        role.departmentCode,
        role.inscriptionMethod,
      ]),
  },
]

/** One URN for each student role that has all its parts. */
function studentUrns(
  subject: AttributeSubject,
  start: string,
  partsOf: (role: PersonRole) => readonly (string | undefined)[],
): readonly string[] {
  const students = subjectFacts(subject).roles.filter(({ role }) => role === 'student')
  return distinct(students.map((role) => urn(start, ...partsOf(role))))
}
