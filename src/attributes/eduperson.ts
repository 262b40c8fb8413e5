import { ministryCodeOf } from '../people/departments.ts'
import { orcidUrl } from '../people/orcid.ts'
import { assuranceOf } from './assurance.ts'
import { distinct, list } from './attribute-values.ts'
import { pairwiseValue } from './pairwise.ts'
import type { AttributeDefinition } from './release-types.ts'
import { codeRole, subjectFacts } from './subject-facts.ts'

const arc = 'urn:oid:1.3.6.1.4.1.5923.1.1.1'

/** eduPerson 202208 (v4.4.0). */
export const eduPersonAttributes: readonly AttributeDefinition[] = [
  {
    name: 'eduPersonAffiliation',
    samlName: `${arc}.1`,
    claim: 'eduperson_affiliation',
    multiValued: true,
    sensitivity: 'public',
    source:
      'Current roles: faculty and staff are also employee, all but affiliates also member; studies that ended with a degree make alum.',
    facts: ['role'],
    values: (subject, environment) => subjectFacts(subject, environment).affiliations,
  },
  {
    name: 'eduPersonPrimaryAffiliation',
    samlName: `${arc}.5`,
    claim: 'eduperson_primary_affiliation',
    multiValued: false,
    sensitivity: 'public',
    source: 'The first of the affiliations in the order of the institution file.',
    facts: ['role'],
    values: (subject, environment) => list(subjectFacts(subject, environment).primaryAffiliation),
  },
  {
    name: 'eduPersonScopedAffiliation',
    samlName: `${arc}.9`,
    claim: 'eduperson_scoped_affiliation',
    multiValued: true,
    sensitivity: 'public',
    source: 'Every affiliation with @ and the institution’s domain.',
    facts: ['role'],
    values: (subject, environment) =>
      subjectFacts(subject, environment).affiliations.map(
        (affiliation) => `${affiliation}@${environment.scope}`,
      ),
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
    source:
      'How the account was activated, and what the institution vouches for (REFEDS Assurance Framework 2.0): see below.',
    values: assuranceOf,
  },
  {
    name: 'eduPersonOrcid',
    samlName: `${arc}.16`,
    claim: 'eduperson_orcid',
    multiValued: true,
    sensitivity: 'personal',
    source: 'ORCID iD of the person, in its https form.',
    facts: ['orcid'],
    values: ({ person }) => distinct([orcidUrl(person.orcid)]),
  },
  {
    name: 'grEduPersonUndergraduateBranch',
    samlName: 'urn:oid:1.3.6.1.4.1.16515.2.3.2.1',
    claim: 'gr_eduperson_undergraduate_branch',
    multiValued: false,
    sensitivity: 'personal',
    source:
      'The Ministry’s code of the department that the person studies in; for services that ask it of staff too, of the department that they belong to.',
    facts: ['studentRole', 'ministryCode'],
    // The same department as in schacPersonalUniqueCode.
    values: (subject, environment, target) => {
      const role = codeRole(subject, environment, target)
      return list(role && ministryCodeOf(role, environment.institution))
    },
  },
]
