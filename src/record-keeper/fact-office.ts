import type { AttributeFact } from '../attributes/release-types.ts'
import { currentRoles, type Person, type PersonRole } from '../people/person.ts'
import { type RoleChoice, roleChoiceOf } from '../people/role-choice.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'
import { type NamedRecordKeeper, recordKeeperFor } from './record-keeper.ts'

/** Whose office keeps a fact, for recordKeeperFor. */
export interface FactOffice {
  readonly role: RoleChoice
  readonly departmentCode?: string
}

const ofStudies: readonly AttributeFact[] = ['studentRole', 'enrollment', 'inscription']
const ofPosts: readonly AttributeFact[] = ['employment', 'position']

/**
 * Whom somebody asks to have a fact put on record: the office of the role that it belongs to, else
 * of their first role, of those that run before those that are over.
 *
 * @param person with all their roles
 * @returns undefined where nobody can help: the AcademicID comes by itself, and an employee who never
 *   studied here lacks no record because a service is for students
 */
export function officeFor(
  fact: AttributeFact,
  person: Pick<Person, 'roles'>,
  now: Date,
): FactOffice | undefined {
  if (fact === 'academicId') return undefined
  const roles = [...new Set([...currentRoles(person, now), ...person.roles])]
  const isStudent = ({ role }: PersonRole) => role === 'student'
  if (fact === 'studentRole' && roles.length > 0 && !roles.some(isStudent)) return undefined
  if (ofStudies.includes(fact)) return office(roles.find(isStudent), 'student')
  if (ofPosts.includes(fact))
    return office(
      roles.find(({ role }) => role !== 'student'),
      'staff',
    )
  return office(roles[0], 'student')
}

/** @param otherwise for somebody without such a role, who may be asking for one */
function office(role: PersonRole | undefined, otherwise: RoleChoice): FactOffice {
  if (role === undefined) return { role: otherwise }
  const { departmentCode } = role
  return {
    role: roleChoiceOf(role.role),
    ...(departmentCode === undefined ? {} : { departmentCode }),
  }
}

/** Everybody to ask for the facts, each once, in the page's language. */
export function keepersOf(
  facts: readonly AttributeFact[],
  person: Pick<Person, 'roles'>,
  context: {
    readonly institution: Parameters<typeof recordKeeperFor>[0]
    readonly now: Date
    readonly language: Language
    readonly t: Translate
  },
): readonly NamedRecordKeeper[] {
  const { institution, now, language, t } = context
  const keepers = facts.flatMap((fact) => {
    const found = officeFor(fact, person, now)
    return found
      ? [recordKeeperFor(institution, found.role, found.departmentCode, language, t)]
      : []
  })
  return [...new Map(keepers.map((keeper) => [keeper.name, keeper])).values()]
}
