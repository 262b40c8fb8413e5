import type { Institution } from '../institution.ts'
import { departmentNameOf, ministryCodeOf } from '../people/departments.ts'
import { orcidUrl } from '../people/orcid.ts'
import type { Person, PersonRole } from '../people/person.ts'
import { isUrnPart } from './attribute-values.ts'
import { birthDateOf, citizenshipsOf, mobileOf, vouchedNumbersOf } from './person-facts.ts'
import type {
  AttributeDefinition,
  AttributeEnvironment,
  AttributeFact,
  AttributeSubject,
  ReleaseTarget,
} from './release-types.ts'
import { isEmployee } from './role-facts.ts'
import { esiFacts, esiRole } from './student-identifier.ts'
import { codeRole, subjectFacts } from './subject-facts.ts'
import { valueForms } from './value-forms.ts'

/** Facts of one role, in a form that values can be made of. */
const roleHas: Partial<
  Record<AttributeFact, (role: PersonRole, institution: Institution) => boolean>
> = {
  ministryCode: (role, institution) => ministryCodeOf(role, institution) !== undefined,
  departmentCode: ({ departmentCode }) => isUrnPart(departmentCode),
  departmentName: (role, institution) => departmentNameOf(role, institution) !== undefined,
  registrationNumber: ({ registrationNumber }) => isUrnPart(registrationNumber),
  enrollment: (role) => [role.enrollmentTerm, role.attendanceType].every(isUrnPart),
  inscription: (role) =>
    [role.inscriptionTerm, role.inscriptionYear, role.inscriptionMethod].every(isUrnPart),
  employment: (role) => [role.contractType, role.attendanceType].every(isUrnPart),
  position: ({ position }) => isUrnPart(position),
  mobile: (role) => mobileOf(role) !== undefined,
}

const personHas: Partial<Record<AttributeFact, (person: Person) => boolean>> = {
  birthDate: (person) => birthDateOf(person) !== undefined,
  citizenship: (person) => citizenshipsOf(person).length > 0,
  nationalNumber: (person) => vouchedNumbersOf(person).length > 0,
  amka: (person) => vouchedNumbersOf(person).some(({ country }) => country === 'GR'),
  taxNumber: ({ taxNumber }) => taxNumber?.country === 'GR',
  orcid: ({ orcid }) => orcidUrl(orcid) !== undefined,
  academicId: ({ academicId }) => academicId !== undefined,
}

/**
 * Which facts an attribute lacks that has no value for this person at this service, so that they can
 * be told what to ask for and whom. Without a role of the right kind nothing else is asked for; of
 * several roles the one that lacks least counts. Empty where a fact is there but cannot be written,
 * such as a source's key with a `:`.
 */
export function missingFacts(
  definition: AttributeDefinition,
  subject: AttributeSubject,
  environment: AttributeEnvironment,
  target: ReleaseTarget,
): readonly AttributeFact[] {
  if (definition.values(subject, environment, target).length > 0) return []
  const { institution } = environment
  const facts = factsFor(definition, institution, target)
  const lacking = facts.filter((fact) => personHas[fact]?.(subject.person) === false)
  const [roleFact] = facts
  if (roleFact === undefined || personHas[roleFact]) return lacking
  const roles = rolesBehind(definition.name, subject, environment, target)
  if (roles.length === 0) return [roleFact]
  // An employee's number needs a post, not its contract.
  const needed = definition.name === 'employeeNumber' ? facts.slice(1) : facts
  const perRole = roles.map((role) =>
    needed.filter((fact) => roleHas[fact]?.(role, institution) === false),
  )
  perRole.sort((a, b) => a.length - b.length)
  return [...(perRole[0] ?? []), ...lacking]
}

/** The table's facts, as far as the form that this service reads is made of them. */
function factsFor(
  { name, facts = [] }: AttributeDefinition,
  institution: Institution,
  target: ReleaseTarget,
): readonly AttributeFact[] {
  const { uniqueCode, codeRoles } = valueForms(target)
  const isCode = name === 'schacPersonalUniqueCode'
  if (isCode && uniqueCode === 'esi') return ['studentRole', ...esiFacts(institution)]
  if (!isCode && name !== 'grEduPersonUndergraduateBranch') return facts
  const whose = codeRoles?.some((role) => role !== 'student') ? 'role' : 'studentRole'
  return isCode ? [whose, 'ministryCode', 'registrationNumber'] : [whose, 'ministryCode']
}

/** The roles that could give the value. */
function rolesBehind(
  name: string,
  subject: AttributeSubject,
  environment: AttributeEnvironment,
  target: ReleaseTarget,
): readonly PersonRole[] {
  const { roles } = subjectFacts(subject, environment)
  const some = (role: PersonRole | undefined) => (role ? [role] : [])
  switch (name) {
    case 'schacPersonalUniqueCode':
      if (valueForms(target).uniqueCode === 'esi') {
        return some(esiRole(subject.person, subject.now))
      }
      return some(codeRole(subject, environment, target))
    case 'grEduPersonUndergraduateBranch':
      return some(codeRole(subject, environment, target))
    case 'schGrAcEnrollment':
    case 'schGrAcInscription':
      return roles.filter(({ role }) => role === 'student')
    case 'schGrAcEmployment':
    case 'employeeNumber':
      return roles.filter(isEmployee)
    default:
      return roles
  }
}
