import type { Institution } from '../institution.ts'
import type { RoleChoice } from '../people/role-choice.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'

/** Whom to ask for a correction, in the page's language. */
export interface NamedRecordKeeper {
  readonly name: string
  readonly email?: string
  readonly phone?: string
  readonly url?: string
}

/**
 * Who corrects what the records hold about somebody in this role: for students their department's
 * entry in the institution file, else the role's entry, else the general name of that office. Only
 * the network operations centre has a mailbox that we know of without an entry.
 *
 * @param departmentCode of the student's role; undefined while we do not know who it is
 */
export function recordKeeperFor(
  institution: Pick<Institution, 'recordKeepers' | 'technicalContact'>,
  role: RoleChoice,
  departmentCode: string | undefined,
  language: Language,
  t: Translate,
): NamedRecordKeeper {
  const { departments = {}, ...byRole } = institution.recordKeepers ?? {}
  const isOfDepartment =
    role === 'student' && departmentCode !== undefined && Object.hasOwn(departments, departmentCode)
  const entry = (isOfDepartment && departments[departmentCode]) || byRole[role]
  if (entry !== undefined) return { ...entry, name: entry.name[language] }
  const name = t(`recordKeeper.${role}`)
  return role === 'affiliate' ? { name, email: institution.technicalContact.email } : { name }
}
