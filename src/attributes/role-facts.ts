import type { Institution, LocalizedText } from '../institution.ts'
import type { PersonRole } from '../people/person.ts'
import { isUrnPart } from './attribute-values.ts'

type Departments = Pick<Institution, 'departments'>

/**
 * The Ministry's code of the department: the record's own, else that of the institution's table.
 * Digits only, as all its readers demand (APELLA refuses anything else).
 */
export function ministryCodeOf(role: PersonRole, institution: Departments): string | undefined {
  const code = role.ministryCode ?? departmentOf(role, institution)?.ministryCode
  return code !== undefined && /^\d+$/.test(code) ? code : undefined
}

export function departmentNameOf(
  role: PersonRole,
  institution: Departments,
): LocalizedText | undefined {
  return role.departmentName ?? departmentOf(role, institution)?.name
}

function departmentOf({ departmentCode }: PersonRole, { departments = {} }: Departments) {
  if (departmentCode === undefined || !Object.hasOwn(departments, departmentCode)) return undefined
  return departments[departmentCode]
}

/** Whether the role has what Greek readers of student numbers want together. */
export function hasBothCodes(role: PersonRole, institution: Departments): boolean {
  return ministryCodeOf(role, institution) !== undefined && isUrnPart(role.registrationNumber)
}

export function isEmployee({ role }: Pick<PersonRole, 'role'>): boolean {
  return role === 'faculty' || role === 'staff'
}
