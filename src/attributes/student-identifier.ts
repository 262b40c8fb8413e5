import type { Institution } from '../institution.ts'
import { ministryCodeOf } from '../people/departments.ts'
import { currentRoles, type Person, type PersonRole } from '../people/person.ts'
import { urn } from './attribute-values.ts'
import type { AttributeEnvironment, AttributeFact, AttributeSubject } from './release-types.ts'

type EsiRules = NonNullable<NonNullable<Institution['attributes']>['europeanStudentIdentifier']>

const defaultRules: EsiRules = { form: 'institution', code: 'registration-number' }

/** European Student Identifier 1.0: what RFC 2141 allows in a code, without `:` and `%`. */
const esiCharacters = /^[A-Za-z0-9()+,\-.=@;$_!*']+$/

export function esiRules({ attributes }: Institution): EsiRules {
  return attributes?.europeanStudentIdentifier ?? defaultRules
}

/**
 * The one European Student Identifier of a person (ESI 1.0): under our domain or under `gr`. The
 * same for every service and protocol, whatever the code's role is for Greek readers.
 */
export function europeanStudentIdentifier(
  subject: AttributeSubject,
  { institution, scope }: Pick<AttributeEnvironment, 'institution' | 'scope'>,
): string | undefined {
  const role = esiRole(subject.person, subject.now)
  if (!role) return undefined
  const rules = esiRules(institution)
  const code = esiCode(role, subject.person, rules, institution)
  if (code === undefined || !esiCharacters.test(code)) return undefined
  const place = rules.form === 'national' ? 'gr' : scope
  return urn('urn:schac:personalUniqueCode:int:esi', place, code)
}

/**
 * The studies that the identifier belongs to: of those that run, the ones begun first, whatever
 * their level; a record that does not say when counts as older than all that do, and of two such the
 * one that was in the registry first. So it stays when further studies begin, and changes only when
 * the studies it belongs to are over.
 */
export function esiRole(person: Pick<Person, 'roles'>, now: Date): PersonRole | undefined {
  let first: PersonRole | undefined
  for (const role of currentRoles(person, now)) {
    if (role.role !== 'student') continue
    if (first === undefined || (role.validFrom ?? '') < (first.validFrom ?? '')) first = role
  }
  return first
}

function esiCode(
  role: PersonRole,
  person: Person,
  { form, code }: EsiRules,
  institution: Institution,
): string | undefined {
  if (code === 'academic-id') return person.academicId
  if (code === 'registration-number') return role.registrationNumber
  // Only the Ministry's codes tell departments of different institutions apart.
  const department = form === 'national' ? ministryCodeOf(role, institution) : role.departmentCode
  if (!department || !role.registrationNumber) return undefined
  return `${department}-${role.registrationNumber}`
}

/** What the identifier is made of here, besides the studies. */
export function esiFacts(institution: Institution): readonly AttributeFact[] {
  const { form, code } = esiRules(institution)
  if (code === 'academic-id') return ['academicId']
  if (code === 'registration-number') return ['registrationNumber']
  return [form === 'national' ? 'ministryCode' : 'departmentCode', 'registrationNumber']
}
