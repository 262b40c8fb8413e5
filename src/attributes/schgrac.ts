import type { Institution } from '../institution.ts'
import type { PersonRole, SealedNationalNumber } from '../people/person.ts'
import { distinct, list, urn } from './attribute-values.ts'
import { vouchedNumbersOf } from './person-facts.ts'
import type {
  AttributeDefinition,
  AttributeEnvironment,
  AttributeSubject,
} from './release-types.ts'
import { isEmployee } from './role-facts.ts'
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
    values: ({ person }, environment) =>
      greekNumbers(vouchedNumbersOf(person), environment, /^\d{11}$/).slice(0, 1),
  },
  {
    name: 'schGrAcPersonTIN',
    samlName: `${arc}.2`,
    claim: 'schgrac_person_tin',
    multiValued: false,
    sensitivity: 'sensitive',
    source: 'AFM.',
    facts: ['taxNumber'],
    values: ({ person }, environment) =>
      greekNumbers(person.taxNumber ? [person.taxNumber] : [], environment, /^\d{9}$/),
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
      roleUrns(subject, environment, 'enrollment', isStudent, (role) => [
        role.enrollmentTerm,
        role.attendanceType,
        role.departmentCode,
      ]),
  },
  {
    name: 'schGrAcEmployment',
    samlName: `${arc}.6`,
    claim: 'schgrac_employment',
    multiValued: true,
    sensitivity: 'personal',
    source:
      'Contract and attendance type of each post, with the department’s code; in this order by analogy, no public registry has it.',
    facts: ['employment', 'departmentCode'],
    values: (subject, environment) =>
      roleUrns(subject, environment, 'employment', isEmployee, (role) => [
        role.contractType,
        role.attendanceType,
        role.departmentCode,
      ]),
  },
  {
    name: 'schGrAcPersonalLinkageID',
    samlName: `${arc}.4`,
    claim: 'schgrac_personal_linkage_id',
    multiValued: true,
    sensitivity: 'personal',
    source:
      'Key of each current role in its source system, with the system’s category and number and the key’s name from the institution file.',
    facts: ['role'],
    values: (subject, environment) =>
      roleUrns(
        subject,
        environment,
        'personalLinkageID',
        () => true,
        (role) => linkageParts(role, environment.institution),
      ),
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
      roleUrns(subject, environment, 'inscription', isStudent, (role) => [
        role.inscriptionTerm,
        role.inscriptionYear,
        role.departmentCode,
        role.inscriptionMethod,
      ]),
  },
]

/** Not every number that is called Greek was checked as one: only those that look right go out. */
function greekNumbers(
  numbers: readonly SealedNationalNumber[],
  { openNationalNumber }: AttributeEnvironment,
  pattern: RegExp,
): readonly string[] {
  return numbers
    .filter(({ country }) => country === 'GR')
    .map(openNationalNumber)
    .filter((number) => pattern.test(number))
}

/** One URN for each current role of the kind that has all its parts. */
function roleUrns(
  subject: AttributeSubject,
  environment: AttributeEnvironment,
  name: string,
  isOfKind: (role: PersonRole) => boolean,
  partsOf: (role: PersonRole) => readonly (string | undefined)[],
): readonly string[] {
  const roles = subjectFacts(subject, environment).roles.filter(isOfKind)
  const start = `${prefix}:${name}:gr:${environment.scope}`
  return distinct(roles.map((role) => urn(start, ...partsOf(role))))
}

function isStudent({ role }: PersonRole): boolean {
  return role === 'student'
}

/**
 * Category and number of the source system, name and value of the key in it. They mean something
 * inside the institution only (GUnet's URN registry), so without a word of the institution the
 * source's own name will do; once it lists its systems, those that it leaves out are not told.
 */
function linkageParts({ source, sourceId }: PersonRole, { attributes }: Institution) {
  const linkage = attributes?.linkage ?? { [source]: { category: source, identifier: 'sourceId' } }
  const system = Object.hasOwn(linkage, source) ? linkage[source] : undefined
  return [system?.category, String(system?.sequence ?? 1), system?.identifier, sourceId]
}
