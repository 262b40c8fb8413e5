import type { Institution } from '../institution.ts'
import { ministryCodeOf } from '../people/departments.ts'
import type { PersonRole } from '../people/person.ts'
import { isUrnPart } from './attribute-values.ts'

/** Whether the role has what Greek readers of student numbers want together. */
export function hasBothCodes(
  role: PersonRole,
  institution: Pick<Institution, 'departments'>,
): boolean {
  return ministryCodeOf(role, institution) !== undefined && isUrnPart(role.registrationNumber)
}

export function isEmployee({ role }: Pick<PersonRole, 'role'>): boolean {
  return role === 'faculty' || role === 'staff'
}
