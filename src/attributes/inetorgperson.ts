import { departmentNameOf } from '../people/departments.ts'
import { distinct, list } from './attribute-values.ts'
import { mobileOf } from './person-facts.ts'
import type { AttributeDefinition } from './release-types.ts'
import { isEmployee } from './role-facts.ts'
import { fullName, localized, subjectFacts } from './subject-facts.ts'

/** inetOrgPerson and X.520 (RFC 2798, RFC 4519, RFC 4524). */
export const inetOrgPersonAttributes: readonly AttributeDefinition[] = [
  {
    name: 'uid',
    samlName: 'urn:oid:0.9.2342.19200300.100.1.1',
    multiValued: true,
    sensitivity: 'personal',
    source: 'Username.',
    values: ({ account }) => [account.username],
  },
  {
    name: 'mail',
    samlName: 'urn:oid:0.9.2342.19200300.100.1.3',
    claim: 'email',
    multiValued: false,
    sensitivity: 'personal',
    source:
      'The institution’s mailbox: username, @, domain. Never the private address, which the person gave for password recovery.',
    values: ({ account }, { scope }) => [`${account.username}@${scope}`],
  },
  {
    name: 'mobile',
    samlName: 'urn:oid:0.9.2342.19200300.100.1.41',
    claim: 'phone_number',
    multiValued: false,
    sensitivity: 'personal',
    source:
      'The number that the Secretariat or HR holds. Never the one the person gave for password recovery.',
    facts: ['role', 'mobile'],
    values: (subject, environment) =>
      list(subjectFacts(subject, environment).roles.map(mobileOf).find(Boolean)),
  },
  {
    name: 'displayName',
    samlName: 'urn:oid:2.16.840.1.113730.3.1.241',
    claim: 'name',
    multiValued: false,
    sensitivity: 'personal',
    source: 'First and last name; Greek at home, Latin letters for international services.',
    values: ({ person }, _environment, target) => list(fullName(person, target)),
  },
  {
    name: 'cn',
    samlName: 'urn:oid:2.5.4.3',
    multiValued: true,
    sensitivity: 'personal',
    source: 'As displayName.',
    values: ({ person }, _environment, target) => list(fullName(person, target)),
  },
  {
    name: 'givenName',
    samlName: 'urn:oid:2.5.4.42',
    claim: 'given_name',
    multiValued: false,
    sensitivity: 'personal',
    source: 'First name, in the script of displayName.',
    values: ({ person }, _environment, target) => list(localized(person.firstName, target)),
  },
  {
    name: 'sn',
    samlName: 'urn:oid:2.5.4.4',
    claim: 'family_name',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Last name, in the script of displayName.',
    values: ({ person }, _environment, target) => list(localized(person.lastName, target)),
  },
  {
    name: 'preferredLanguage',
    samlName: 'urn:oid:2.16.840.1.113730.3.1.39',
    claim: 'locale',
    multiValued: false,
    sensitivity: 'public',
    source: 'The language the person reads our pages in.',
    values: ({ language }) => list(language),
  },
  {
    name: 'o',
    samlName: 'urn:oid:2.5.4.10',
    multiValued: true,
    sensitivity: 'public',
    source: 'Name of the institution, in the script of displayName.',
    values: (_subject, { institution }, target) => list(localized(institution.name, target)),
  },
  {
    name: 'ou',
    samlName: 'urn:oid:2.5.4.11',
    multiValued: true,
    sensitivity: 'public',
    source:
      'Names of the departments of the current roles, from the record or else the institution file.',
    facts: ['role', 'departmentName'],
    values: (subject, environment, target) =>
      distinct(
        subjectFacts(subject, environment).roles.map((role) =>
          localized(departmentNameOf(role, environment.institution), target),
        ),
      ),
  },
  {
    name: 'departmentNumber',
    samlName: 'urn:oid:2.16.840.1.113730.3.1.2',
    multiValued: true,
    sensitivity: 'public',
    source: 'The institution’s codes of the departments of the current roles.',
    facts: ['role', 'departmentCode'],
    values: (subject, environment) =>
      distinct(
        subjectFacts(subject, environment).roles.map(({ departmentCode }) => departmentCode),
      ),
  },
  {
    name: 'employeeNumber',
    samlName: 'urn:oid:2.16.840.1.113730.3.1.3',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Employee number of the current faculty or staff role.',
    facts: ['employment', 'registrationNumber'],
    values: (subject, environment) =>
      list(
        subjectFacts(subject, environment).roles.find(
          (role) => isEmployee(role) && role.registrationNumber !== undefined,
        )?.registrationNumber,
      ),
  },
]
