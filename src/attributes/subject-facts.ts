import type { LocalizedText } from '../institution.ts'
import { currentRoles, type Person, type PersonRole } from '../people/person.ts'
import type { Affiliation, AttributeSubject, ReleaseTarget } from './release-types.ts'

/** What several attributes need to know of one subject at one instant. */
export interface SubjectFacts {
  readonly roles: readonly PersonRole[]
  readonly affiliations: readonly Affiliation[]
  readonly primaryAffiliation: Affiliation | undefined
  /** The student role that student numbers and the department code come from. */
  readonly studentRole: PersonRole | undefined
}

/** One subject is asked for many attributes during a release: its roles are worked out once. */
const known = new WeakMap<AttributeSubject, SubjectFacts>()

export function subjectFacts(subject: AttributeSubject): SubjectFacts {
  let facts = known.get(subject)
  if (!facts) {
    const roles = currentRoles(subject.person, subject.now)
    const affiliations = affiliationsOf(roles)
    facts = {
      roles,
      affiliations,
      primaryAffiliation: affiliations[0],
      studentRole: chooseStudentRole(roles),
    }
    known.set(subject, facts)
  }
  return facts
}

/**
 * In order of precedence; the first is the primary one: what somebody does for the institution goes
 * before what they do in it.
 */
const precedence: readonly Affiliation[] = [
  'faculty',
  'staff',
  'employee',
  'student',
  'affiliate',
  'member',
]

/**
 * Affiliations by eduPerson's rules: faculty, staff and student imply member; an affiliate is no
 * member. Faculty and staff are both on the payroll here, so both are employees. An ended student
 * role gives nothing: it does not say whether the person graduated, so it does not make an `alum`.
 */
function affiliationsOf(roles: readonly Pick<PersonRole, 'role'>[]): Affiliation[] {
  const found = new Set<Affiliation>()
  for (const { role } of roles) {
    found.add(role)
    if (role === 'faculty' || role === 'staff') found.add('employee')
    if (role !== 'affiliate') found.add('member')
  }
  return precedence.filter((affiliation) => found.has(affiliation))
}

/**
 * Services that read a student number take one (ATLAS breaks on two), so it comes from one role:
 * undergraduate studies first, then the latest begun, then by source so that it never wavers.
 */
function chooseStudentRole(roles: readonly PersonRole[]): PersonRole | undefined {
  const students = roles.filter(({ role }) => role === 'student')
  const rank = ({ degreeLevel }: PersonRole) =>
    degreeLevel === 'doctorate' ? 2 : degreeLevel === 'master' ? 1 : 0
  return students.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      compare(b.validFrom ?? '', a.validFrom ?? '') ||
      compare(`${a.source} ${a.sourceId}`, `${b.source} ${b.sourceId}`),
  )[0]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Greek for services at home, Latin letters for services of other countries' federations; the other
 * script when the person has no name in that one.
 */
export function localized(text: LocalizedText | undefined, target: ReleaseTarget): string {
  if (!text) return ''
  return target.audience === 'international' ? text.en || text.el : text.el || text.en
}

/** First name, last name. */
export function fullName(person: Person, target: ReleaseTarget): string {
  return `${localized(person.firstName, target)} ${localized(person.lastName, target)}`.trim()
}
