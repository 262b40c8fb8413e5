import { athensDate, currentRoles, type Person, type PersonRole } from '../people/person.ts'
import type { Affiliation } from './release-types.ts'

/** What somebody does for the institution goes before what they do, or did, in it. */
export const defaultPrecedence: readonly Affiliation[] = [
  'faculty',
  'staff',
  'employee',
  'student',
  'affiliate',
  'alum',
  'member',
]

/**
 * The affiliations by eduPerson's rules: faculty, staff and student imply member; affiliate and alum
 * do not. Faculty and staff are both on the payroll here, so both are employees.
 *
 * @param first what the institution puts first; those that it does not name follow
 * @returns the primary one first
 */
export function affiliationsOf(
  person: Pick<Person, 'roles'>,
  now: Date,
  first: readonly Affiliation[] = [],
): readonly Affiliation[] {
  const found = new Set<Affiliation>()
  for (const { role } of currentRoles(person, now)) {
    found.add(role)
    if (role === 'faculty' || role === 'staff') found.add('employee')
    if (role !== 'affiliate') found.add('member')
  }
  const today = athensDate(now)
  if (person.roles.some((role) => isGraduate(role, today))) found.add('alum')
  return [...new Set([...first, ...defaultPrecedence])].filter((one) => found.has(one))
}

/**
 * Studies that are over, and with a degree: that they ended alone does not say so. A graduate whose
 * role still runs is a student until it ends.
 */
function isGraduate(role: PersonRole, today: string): boolean {
  const isOver =
    role.status === 'ended' ||
    (role.status === 'active' && role.validTo !== undefined && role.validTo < today)
  const { graduatedOn } = role
  return role.role === 'student' && isOver && graduatedOn !== undefined && graduatedOn <= today
}
