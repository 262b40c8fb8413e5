import { distinct, list } from './attribute-values.ts'
import { pairwiseValue } from './pairwise.ts'
import type { AttributeDefinition } from './release-types.ts'
import { subjectFacts } from './subject-facts.ts'

const arc = 'urn:oid:1.3.6.1.4.1.5923.1.1.1'
const assurance = 'https://refeds.org/assurance'

/** eduPerson 202208 (v4.4.0). */
export const eduPersonAttributes: readonly AttributeDefinition[] = [
  {
    name: 'eduPersonAffiliation',
    samlName: `${arc}.1`,
    claim: 'eduperson_affiliation',
    multiValued: true,
    sensitivity: 'public',
    source: 'Current roles: faculty and staff are also employee, all but affiliates also member.',
    values: (subject) => subjectFacts(subject).affiliations,
  },
  {
    name: 'eduPersonPrimaryAffiliation',
    samlName: `${arc}.5`,
    claim: 'eduperson_primary_affiliation',
    multiValued: false,
    sensitivity: 'public',
    source: 'The first of faculty, staff, student, affiliate among the current roles.',
    values: (subject) => list(subjectFacts(subject).primaryAffiliation),
  },
  {
    name: 'eduPersonScopedAffiliation',
    samlName: `${arc}.9`,
    claim: 'eduperson_scoped_affiliation',
    multiValued: true,
    sensitivity: 'public',
    source: 'Every affiliation with @ and the institution’s domain.',
    values: (subject, { scope }) =>
      subjectFacts(subject).affiliations.map((affiliation) => `${affiliation}@${scope}`),
  },
  {
    name: 'eduPersonPrincipalName',
    samlName: `${arc}.6`,
    claim: 'eduperson_principal_name',
    multiValued: false,
    sensitivity: 'personal',
    source: 'Username with @ and the institution’s domain.',
    values: ({ account }, { scope }) => [`${account.username}@${scope}`],
  },
  {
    name: 'eduPersonUniqueId',
    samlName: `${arc}.13`,
    claim: 'eduperson_unique_id',
    multiValued: false,
    sensitivity: 'personal',
    source: 'The person’s number in this system (never reassigned) with @ and the domain.',
    values: ({ person }, { scope }) => [`${person._id}@${scope}`],
  },
  {
    name: 'eduPersonTargetedID',
    samlName: `${arc}.10`,
    samlSyntax: 'name-id',
    claim: 'eduperson_targeted_id',
    multiValued: true,
    sensitivity: 'personal',
    source: 'Computed for each service; deprecated in favour of pairwise-id.',
    values: ({ person }, { pairwiseKey }, target) => [
      pairwiseValue(pairwiseKey, person._id, target.id),
    ],
  },
  {
    name: 'eduPersonAssurance',
    samlName: `${arc}.11`,
    claim: 'eduperson_assurance',
    multiValued: true,
    sensitivity: 'public',
    source: 'How the person was identified (REFEDS Assurance Framework); activated accounts only.',
    // The lowest that holds for every activated account; higher levels need a record of how it was.
    values: ({ account }) =>
      account.activatedAt ? [assurance, `${assurance}/ID/unique`, `${assurance}/IAP/low`] : [],
  },
  {
    name: 'eduPersonOrcid',
    samlName: `${arc}.16`,
    claim: 'eduperson_orcid',
    multiValued: true,
    sensitivity: 'personal',
    source: 'ORCID iD of the person, in its https form.',
    values: ({ person }) => distinct([orcidUrl(person.orcid)]),
  },
  {
    name: 'grEduPersonUndergraduateBranch',
    samlName: 'urn:oid:1.3.6.1.4.1.16515.2.3.2.1',
    claim: 'gr_eduperson_undergraduate_branch',
    multiValued: false,
    sensitivity: 'personal',
    source: 'The Ministry’s code of the department that the person studies in.',
    // Readers demand digits only, and the same department as in schacPersonalUniqueCode.
    values: (subject) => {
      const code = subjectFacts(subject).studentRole?.ministryCode
      return code !== undefined && /^\d+$/.test(code) ? [code] : []
    },
  },
]

function orcidUrl(orcid: string | undefined): string | undefined {
  const digits = /(\d{4}-\d{4}-\d{4}-\d{3}[\dX])$/.exec(orcid ?? '')?.[1]
  return digits && `https://orcid.org/${digits}`
}
