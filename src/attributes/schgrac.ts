import type { PersonRole } from '../people/person.ts'
import { distinct, list, urn } from './attribute-values.ts'
import type {
  AttributeDefinition,
  AttributeEnvironment,
  AttributeSubject,
} from './release-types.ts'
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
    facts: ['academicId'],
    values: ({ person }) => list(person.academicId),
  },
  {
    name: 'schGrAcPersonSSN',
    samlName: `${arc}.1`,
    claim: 'schgrac_person_ssn',
    multiValued: false,
    sensitivity: 'sensitive',
    source: 'AMKA.',
    facts: ['amka'],
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
    facts: ['taxNumber'],
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
    facts: ['studentRole', 'enrollment', 'departmentCode'],
    values: (subject, environment) =>
      studentUrns(subject, environment, 'enrollment', (role) => [
        role.enrollmentTerm,
        role.attendanceType,
        role.departmentCode,
      ]),
  },
  {
    name: 'schGrAcInscription',
    // Its OID is in no schema that we could read: over SAML it goes once the institution names it.
    samlName: '',
    claim: 'schgrac_inscription',
    multiValued: true,
    sensitivity: 'personal',
    source: 'Term, year and way of each admission, with the department’s code.',
    facts: ['studentRole', 'inscription', 'departmentCode'],
    values: (subject, environment) =>
      studentUrns(subject, environment, 'inscription', (role) => [
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
  environment: AttributeEnvironment,
  kind: string,
  partsOf: (role: PersonRole) => readonly (string | undefined)[],
): readonly string[] {
  const students = subjectFacts(subject, environment).roles.filter(({ role }) => role === 'student')
  const start = `${prefix}:${kind}:gr:${environment.scope}`
  return distinct(students.map((role) => urn(start, ...partsOf(role))))
}
