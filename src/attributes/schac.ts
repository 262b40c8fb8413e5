import { ministryCodeOf } from '../people/departments.ts'
import type { SealedNationalNumber } from '../people/person.ts'
import { distinct, list, urn } from './attribute-values.ts'
import { birthDateOf, citizenshipsOf, vouchedNumbersOf } from './person-facts.ts'
import type { AttributeDefinition, AttributeEnvironment, ReleaseTarget } from './release-types.ts'
import { europeanStudentIdentifier } from './student-identifier.ts'
import { codeRole, subjectFacts } from './subject-facts.ts'
import { valueForms } from './value-forms.ts'

const arc = 'urn:oid:1.3.6.1.4.1.25178.1.2'

/** SCHAC 1.6.0. */
export const schacAttributes: readonly AttributeDefinition[] = [
  {
    name: 'schacHomeOrganization',
    samlName: `${arc}.9`,
    claim: 'schac_home_organization',
    multiValued: false,
    sensitivity: 'public',
    source: 'The institution’s domain.',
    values: (_subject, { scope }) => [scope],
  },
  {
    name: 'schacHomeOrganizationType',
    samlName: `${arc}.10`,
    claim: 'schac_home_organization_type',
    multiValued: true,
    sensitivity: 'public',
    source: 'The institution file.',
    values: (_subject, { institution }) => distinct([institution.homeOrganizationType].flat()),
  },
  {
    name: 'schacPersonalUniqueCode',
    samlName: `${arc}.14`,
    claim: 'schac_personal_unique_code',
    multiValued: true,
    sensitivity: 'personal',
    source:
      'Student number: with the Ministry’s department code as Greek portals read it; as European Student Identifier for international services and those of the ESI category.',
    // One value, never both: ATLAS appends a second one to the student number, and the ESI category
    // allows nothing but the ESI.
    facts: ['studentRole', 'ministryCode', 'departmentCode', 'registrationNumber', 'academicId'],
    values: (subject, environment, target) => {
      if (valueForms(target).uniqueCode === 'esi') {
        return list(europeanStudentIdentifier(subject, environment))
      }
      const role = codeRole(subject, environment, target)
      if (!role) return []
      const { scope, institution } = environment
      return list(
        urn(
          'urn:mace:terena.org:schac:personalUniqueCode:gr',
          scope,
          ministryCodeOf(role, institution),
          role.registrationNumber,
        ),
      )
    },
  },
  {
    name: 'schacPersonalUniqueID',
    samlName: `${arc}.15`,
    claim: 'schac_personal_unique_id',
    multiValued: true,
    sensitivity: 'sensitive',
    source:
      'Social security and tax numbers (SSN, TIN); with the older urn:mace:terena.org prefix for Greek services, whose readers demand eight parts.',
    facts: ['nationalNumber', 'taxNumber'],
    values: ({ person }, environment, target) =>
      distinct([
        ...vouchedNumbersOf(person).map((number) =>
          personalUniqueId('SSN', number, environment, target),
        ),
        person.taxNumber && personalUniqueId('TIN', person.taxNumber, environment, target),
      ]),
  },
  {
    name: 'schacPersonalPosition',
    samlName: `${arc}.13`,
    claim: 'schac_personal_position',
    multiValued: true,
    sensitivity: 'personal',
    source: 'Positions of the current roles, under the institution’s domain.',
    facts: ['role', 'position'],
    values: (subject, environment) =>
      distinct(
        subjectFacts(subject, environment).roles.map(({ position }) =>
          urn('urn:schac:personalPosition:gr', environment.scope, position),
        ),
      ),
  },
  {
    name: 'schacDateOfBirth',
    samlName: `${arc}.3`,
    claim: 'schac_date_of_birth',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Birth date, YYYYMMDD.',
    facts: ['birthDate'],
    values: ({ person }) => list(birthDateOf(person)?.replaceAll('-', '')),
  },
  {
    name: 'schacYearOfBirth',
    // In the experimental arc, unlike the others.
    samlName: 'urn:oid:1.3.6.1.4.1.25178.1.0.2.3',
    claim: 'schac_year_of_birth',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Year of the birth date.',
    facts: ['birthDate'],
    values: ({ person }) => list(birthDateOf(person)?.slice(0, 4)),
  },
  {
    name: 'schacGender',
    samlName: `${arc}.2`,
    claim: 'schac_gender',
    multiValued: false,
    sensitivity: 'personal',
    source: 'ISO 5218 digit: 0 unknown, 1 male, 2 female, 9 not specified. Deprecated by SCHAC.',
    values: ({ person }) => [String(person.gender)],
  },
  {
    name: 'schacCountryOfCitizenship',
    samlName: `${arc}.5`,
    claim: 'schac_country_of_citizenship',
    multiValued: true,
    sensitivity: 'personal',
    source: 'Citizenships, ISO 3166-1 alpha-2 in lower case.',
    facts: ['citizenship'],
    values: ({ person }) => distinct(citizenshipsOf(person)),
  },
]

function personalUniqueId(
  type: 'SSN' | 'TIN',
  number: SealedNationalNumber,
  environment: AttributeEnvironment,
  target: ReleaseTarget,
): string | undefined {
  const prefix =
    valueForms(target).uniqueId === 'schac'
      ? 'urn:schac:personalUniqueID'
      : 'urn:mace:terena.org:schac:personalUniqueID'
  return urn(prefix, number.country.toLowerCase(), type, environment.openNationalNumber(number))
}
