import type { LegalGround } from './release-types.ts'
import { esiCategory } from './value-forms.ts'

/** Categories by which an institution may give attributes: names of `release.entityCategories`. */
export const entityCategoryNames = [
  'anonymous',
  'pseudonymous',
  'personalized',
  'research-and-scholarship',
  'code-of-conduct',
  'esi',
] as const

export type EntityCategory = (typeof entityCategoryNames)[number]

interface CategoryRule {
  /** Values of http://macedir.org/entity-category, matched byte for byte; the first is what we claim. */
  readonly values: readonly string[]
  /** Code of Conduct has no list: it gives what the service says that it requires. */
  readonly bundle: readonly string[] | 'required'
  /** As administrators read it. */
  readonly title: string
}

const anonymousBundle = ['schacHomeOrganization', 'eduPersonScopedAffiliation']
const person = ['displayName', 'givenName', 'sn', 'mail']

/**
 * REFEDS Research and Scholarship 1.3; Anonymous, Pseudonymous and Personalized Access v2; Code of
 * Conduct v1 and v2; European Student Identifier.
 */
export const categoryRules: Readonly<Record<EntityCategory, CategoryRule>> = {
  anonymous: {
    values: ['https://refeds.org/category/anonymous'],
    bundle: anonymousBundle,
    title: 'Anonymous Access',
  },
  pseudonymous: {
    values: ['https://refeds.org/category/pseudonymous'],
    bundle: [...anonymousBundle, 'pairwise-id', 'eduPersonAssurance'],
    title: 'Pseudonymous Access',
  },
  personalized: {
    values: ['https://refeds.org/category/personalized'],
    bundle: [...anonymousBundle, 'subject-id', ...person, 'eduPersonAssurance'],
    title: 'Personalized Access',
  },
  'research-and-scholarship': {
    values: ['http://refeds.org/category/research-and-scholarship'],
    bundle: ['eduPersonPrincipalName', ...person, 'eduPersonScopedAffiliation'],
    title: 'Research and Scholarship',
  },
  'code-of-conduct': {
    values: [
      'https://refeds.org/category/code-of-conduct/v2',
      'http://www.geant.net/uri/dataprotection-code-of-conduct/v1',
    ],
    bundle: 'required',
    title: 'Code of Conduct',
  },
  esi: {
    values: [esiCategory],
    bundle: ['schacPersonalUniqueCode'],
    title: 'European Student Identifier',
  },
}

/** The categories that the values of http://macedir.org/entity-category claim, known ones alone. */
export function claimedCategories(carried: readonly string[]): readonly EntityCategory[] {
  return entityCategoryNames.filter((name) =>
    categoryRules[name].values.some((value) => carried.includes(value)),
  )
}

/**
 * The categories that count for a service. Of the three Access categories the one that tells least
 * does; with Anonymous or Pseudonymous Access no other counts that could name the person, because a
 * service that can do without the name has said so, be that category honoured here or not. The
 * Student Identifier stands beside all of them.
 *
 * @param carried the service's values of http://macedir.org/entity-category
 * @param honoured the institution file's `release.entityCategories`
 * @param confirmed those that an administrator let count; absent: all
 */
export function appliedCategories(
  carried: readonly string[],
  honoured: readonly EntityCategory[] = [],
  confirmed?: readonly string[],
): readonly EntityCategory[] {
  const claimed = claimedCategories(carried)
  const nameless = (['anonymous', 'pseudonymous'] as const).find((name) => claimed.includes(name))
  return claimed
    .filter((name) => !nameless || name === nameless || name === 'esi')
    .filter((name) => honoured.includes(name) && (confirmed?.includes(name) ?? true))
}

/** The first of the categories that gives the attribute. */
export function categoryThatGives(
  attribute: string,
  categories: readonly EntityCategory[],
  { isRequired, isReassigned }: { isRequired: boolean; isReassigned: boolean },
): EntityCategory | undefined {
  return categories.find((name) => {
    const { bundle } = categoryRules[name]
    if (bundle === 'required') return isRequired
    // R&S 1.3 section 4: a name that may come to mean somebody else goes with one that never does.
    const alsoTargeted = name === 'research-and-scholarship' && isReassigned
    return bundle.includes(attribute) || (alsoTargeted && attribute === 'eduPersonTargetedID')
  })
}

/** Words for people who read on what ground a category gives their data; the kind is the same for all. */
export function categoryLegalGround(
  categories: readonly EntityCategory[],
): LegalGround | undefined {
  return categories.length === 0
    ? undefined
    : {
        basis: 'legitimate-interests',
        text: {
          el: 'Έννομο συμφέρον (ΓΚΠΔ, άρθρο 6 παρ. 1 στ΄): μπαίνετε σε υπηρεσία που οι ομοσπονδίες των πανεπιστημίων έχουν κατατάξει, με κοινούς όρους για τα στοιχεία που παίρνει.',
          en: 'Legitimate interest (GDPR, Article 6(1)(f)): you sign in to a service that the universities’ federations have put in a category, with common terms for the data that it gets.',
        },
      }
}
