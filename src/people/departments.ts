import type { Department, Institution, LocalizedText } from '../institution.ts'
import type { PersonRole } from './person.ts'

type Departments = Pick<Institution, 'departments'>
type DepartmentRole = Pick<PersonRole, 'departmentCode' | 'ministryCode' | 'departmentName'>

/** The institution's entry, by the code in its own systems. */
export function departmentOf(
  { departmentCode }: Pick<PersonRole, 'departmentCode'>,
  { departments = {} }: Departments,
): Department | undefined {
  if (departmentCode === undefined || !Object.hasOwn(departments, departmentCode)) return undefined
  return departments[departmentCode]
}

/**
 * The Ministry's code of the department: the record's own, else that of the institution's table.
 * Digits only, as all its readers demand (APELLA refuses anything else).
 */
export function ministryCodeOf(role: DepartmentRole, institution: Departments): string | undefined {
  const code = role.ministryCode ?? departmentOf(role, institution)?.ministryCode
  return code !== undefined && /^\d+$/.test(code) ? code : undefined
}

export function departmentNameOf(
  role: DepartmentRole,
  institution: Departments,
): LocalizedText | undefined {
  return role.departmentName ?? departmentOf(role, institution)?.name
}
