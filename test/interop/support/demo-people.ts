import { type AttributeId, attributeNames } from './attribute-map.ts'
import type { Credentials } from './browser.ts'

const password = 'Demo!Athena.27'

const demo = (username: string) => ({ username, password, eppn: `${username}@uni.example.gr` })

/** A synthetic undergraduate of the demo. */
export const student: Credentials & { readonly eppn: string } = demo('dpapadopoulou')

/** A synthetic student of two departments. */
export const studentTwice = demo('akaragianni')

/** Staff and doctoral candidate, synthetic. */
export const staffAndStudent = demo('eantoniou')

/** A synthetic contractor, whom a test disables. */
export const affiliate = demo('mkonstantinou')

/** Synthetic people with a password who may not sign in, and what their own page is about. */
export const shutOut: readonly (Credentials & { readonly title: RegExp })[] = [
  { ...demo('kvlachos'), title: /not (yet )?(been )?activated|activate/i },
  { ...demo('stheodorou'), title: /locked/i },
  { ...demo('pgeorgiadis'), title: /disabled|deactivated/i },
  { ...demo('iioannidou'), title: /expired/i },
]

/** What a service at home that asks for everything must see of the student: no more, no less. */
export const studentAttributes: Partial<Record<AttributeId, string>> = {
  eppn: 'dpapadopoulou@uni.example.gr',
  affiliation: 'student@uni.example.gr;member@uni.example.gr',
  'unscoped-affiliation': 'student;member',
  'primary-affiliation': 'student',
  eduPersonAssurance:
    'https://refeds.org/assurance;https://refeds.org/assurance/version/2;https://refeds.org/assurance/ID/unique;https://refeds.org/assurance/IAP/low',
  uid: 'dpapadopoulou',
  mail: 'dpapadopoulou@uni.example.gr',
  cn: 'Δήμητρα Παπαδοπούλου',
  sn: 'Παπαδοπούλου',
  'sn-el': 'Παπαδοπούλου',
  'sn-en': 'Papadopoulou',
  givenName: 'Δήμητρα',
  displayName: 'Δήμητρα Παπαδοπούλου',
  o: 'Πανεπιστήμιο Παραδείγματος',
  ou: 'Τμήμα Πληροφορικής',
  schacHomeOrganization: 'uni.example.gr',
  schacPersonalUniqueCode:
    'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:9201:20220001',
  schacDateOfBirth: '20040308',
  grEduPersonUndergraduateBranch: '9201',
  schGrAcPersonalLinkageID:
    'urn:mace:gunet.gr:schgrac:personalLinkageID:gr:uni.example.gr:SIS:1:studentID:20220001',
  schGrAcEnrollment: 'urn:mace:gunet.gr:schgrac:enrollment:gr:uni.example.gr:7:full-time:1201',
}

/** Identifiers are made at import, so that only their form and their relations can be foreseen. */
export const identifierAttributes: readonly AttributeId[] = [
  'subject-id',
  'pairwise-id',
  'eduPersonUniqueId',
  'eduPersonTargetedID',
  'schGrAcPersonID',
]

/** National numbers: asked for below, never released without an administrator's word. */
export const sensitiveAttributes: readonly AttributeId[] = [
  'schacPersonalUniqueID',
  'schGrAcPersonSSN',
]

/** The same of the student in claims, by the scopes that `claimScopes` asks for. */
export const studentClaims: Readonly<Record<string, unknown>> = {
  name: 'Δήμητρα Παπαδοπούλου',
  given_name: 'Δήμητρα',
  family_name: 'Παπαδοπούλου',
  preferred_username: 'dpapadopoulou',
  email: 'dpapadopoulou@uni.example.gr',
  email_verified: true,
  eduperson_principal_name: 'dpapadopoulou@uni.example.gr',
  eduperson_affiliation: ['student', 'member'],
  eduperson_primary_affiliation: 'student',
  eduperson_scoped_affiliation: ['student@uni.example.gr', 'member@uni.example.gr'],
  eduperson_assurance: [
    'https://refeds.org/assurance',
    'https://refeds.org/assurance/version/2',
    'https://refeds.org/assurance/ID/unique',
    'https://refeds.org/assurance/IAP/low',
  ],
  schac_home_organization: 'uni.example.gr',
  schac_personal_unique_code: [
    'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:9201:20220001',
  ],
  schgrac_enrollment: ['urn:mace:gunet.gr:schgrac:enrollment:gr:uni.example.gr:7:full-time:1201'],
}

export const claimScopes =
  'openid profile email eduperson schac_personal_unique_code schgrac_enrollment'

export const everyAttribute = Object.keys(attributeNames) as AttributeId[]
