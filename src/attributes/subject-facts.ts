import type { Institution, LocalizedText } from '../institution.ts'
import { currentRoles, type Person, type PersonRole, type RoleKind } from '../people/person.ts'
import { affiliationsOf } from './affiliations.ts'
import type {
  Affiliation,
  AttributeEnvironment,
  AttributeSubject,
  ReleaseTarget,
} from './release-types.ts'
import { hasBothCodes } from './role-facts.ts'
import { valueForms } from './value-forms.ts'

/** What several attributes need to know of one subject at one instant. */
export interface SubjectFacts {
  /** Those that run, in an order that does not hang on which file came in first. */
  readonly roles: readonly PersonRole[]
  /** The primary one first. */
  readonly affiliations: readonly Affiliation[]
  readonly primaryAffiliation: Affiliation | undefined
  /** The student role that student numbers and the department code come from. */
  readonly studentRole: PersonRole | undefined
}

type FactsEnvironment = Pick<AttributeEnvironment, 'institution'>

/** HR sees more of people than the Secretariat, as in the merge of records. */
const kinds: readonly RoleKind[] = ['faculty', 'staff', 'student', 'affiliate']

/** One subject is asked for many attributes during a release: its roles are worked out once. */
const known = new WeakMap<AttributeSubject, { institution: Institution; facts: SubjectFacts }>()

export function subjectFacts(
  subject: AttributeSubject,
  { institution }: FactsEnvironment,
): SubjectFacts {
  const before = known.get(subject)
  if (before?.institution === institution) return before.facts
  const roles = currentRoles(subject.person, subject.now).sort(
    (a, b) => kinds.indexOf(a.role) - kinds.indexOf(b.role) || compareSource(a, b),
  )
  const affiliations = affiliationsOf(
    subject.person,
    subject.now,
    institution.attributes?.primaryAffiliation,
  )
  const facts = {
    roles,
    affiliations,
    primaryAffiliation: affiliations[0],
    studentRole: chooseCodeRole(roles, ['student'], institution),
  }
  known.set(subject, { institution, facts })
  return facts
}

/** The role that the Greek unique code and the department's code come from, for this service. */
export function codeRole(
  subject: AttributeSubject,
  environment: FactsEnvironment,
  target: ReleaseTarget,
): PersonRole | undefined {
  const { roles, studentRole } = subjectFacts(subject, environment)
  const { codeRoles } = valueForms(target)
  return codeRoles ? chooseCodeRole(roles, codeRoles, environment.institution) : studentRole
}

/**
 * Services that read a student number take one (ATLAS breaks on two), so it comes from one role: of
 * the first kind that has one with both codes; undergraduate studies first, then the latest begun,
 * then by source so that it never wavers. When none has both, the first all the same: the half that
 * it has is true, and the other is reported as missing.
 */
function chooseCodeRole(
  roles: readonly PersonRole[],
  wanted: readonly RoleKind[],
  institution: Institution,
): PersonRole | undefined {
  const candidates = roles
    .filter(({ role }) => wanted.includes(role))
    .sort(
      (a, b) =>
        wanted.indexOf(a.role) - wanted.indexOf(b.role) ||
        degreeRank(a) - degreeRank(b) ||
        compare(b.validFrom ?? '', a.validFrom ?? '') ||
        compareSource(a, b),
    )
  return candidates.find((role) => hasBothCodes(role, institution)) ?? candidates[0]
}

function degreeRank({ degreeLevel }: PersonRole): number {
  return degreeLevel === 'doctorate' ? 2 : degreeLevel === 'master' ? 1 : 0
}

function compareSource(a: PersonRole, b: PersonRole): number {
  return compare(a.source, b.source) || compare(a.sourceId, b.sourceId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** In the script that the service reads; in the other when there is nothing in that one. */
export function localized(text: LocalizedText | undefined, target: ReleaseTarget): string {
  if (!text) return ''
  const [el, en] = [text.el.trim(), text.en.trim()]
  return valueForms(target).names === 'en' ? en || el : el || en
}

/** First name, last name. */
export function fullName(person: Person, target: ReleaseTarget): string {
  return `${localized(person.firstName, target)} ${localized(person.lastName, target)}`.trim()
}
