/** What every value of an attribute must look like, whoever it is of. The domain is the examples'. */

const domain = 'uni\\.example\\.gr'
const part = '[^:\\s]+'
const affiliation = '(faculty|staff|employee|student|affiliate|alum|member)'
const terena = 'urn:mace:terena\\.org:schac'
const gunet = 'urn:mace:gunet\\.gr:schgrac'
const identifier = `[A-Za-z0-9][A-Za-z0-9=-]{0,126}@${domain}`
const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`, 'u')
/** Of names nothing is asked but that there is one. */
const anything = /\S/u

const assurance = [
  '',
  '/version/2',
  '/ID/unique',
  '/ID/eppn-unique-no-reassign',
  '/IAP/(low|medium|high|local-enterprise)',
  '/ATP/ePA-1[dm]',
  '/profile/(cappuccino|espresso)',
].join('|')

export const valuePatterns: Readonly<Record<string, RegExp>> = {
  'subject-id': whole(identifier),
  'pairwise-id': whole(identifier),
  eduPersonAffiliation: whole(affiliation),
  eduPersonPrimaryAffiliation: whole(affiliation),
  eduPersonScopedAffiliation: whole(`${affiliation}@${domain}`),
  eduPersonPrincipalName: whole(`[a-z0-9._-]{3,32}@${domain}`),
  eduPersonUniqueId: whole(`[A-Za-z0-9]{1,64}@${domain}`),
  eduPersonTargetedID: whole('[a-z2-7]{32}'),
  eduPersonAssurance: whole(`https://refeds\\.org/assurance(${assurance})`),
  eduPersonOrcid: whole('https://orcid\\.org/(\\d{4}-){3}\\d{3}[\\dX]'),
  grEduPersonUndergraduateBranch: whole('\\d+'),
  uid: whole('[a-z0-9._-]{3,32}'),
  mail: whole(`[a-z0-9._-]{3,32}@${domain}`),
  mobile: whole('\\+[1-9]\\d{5,14}'),
  displayName: anything,
  cn: anything,
  givenName: anything,
  sn: anything,
  'displayName;lang-el': anything,
  'displayName;lang-en': anything,
  'cn;lang-el': anything,
  'cn;lang-en': anything,
  'givenName;lang-el': anything,
  'givenName;lang-en': anything,
  'sn;lang-el': anything,
  'sn;lang-en': anything,
  preferredLanguage: whole('el|en'),
  o: anything,
  ou: anything,
  departmentNumber: anything,
  employeeNumber: anything,
  schacHomeOrganization: whole(domain),
  schacHomeOrganizationType: whole(`urn:schac:homeOrganizationType:${part}:${part}`),
  schacPersonalUniqueCode: whole(
    `${terena}:personalUniqueCode:gr:${domain}:\\d+:${part}|` +
      `urn:schac:personalUniqueCode:int:esi:(${domain}|gr):[A-Za-z0-9()+,\\-.=@;$_!*']+`,
  ),
  schacPersonalUniqueID: whole(`(${terena}|urn:schac):personalUniqueID:[a-z]{2}:(SSN|TIN):${part}`),
  schacPersonalPosition: whole(`urn:schac:personalPosition:gr:${domain}:${part}`),
  schacDateOfBirth: whole('\\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\\d|3[01])'),
  schacYearOfBirth: whole('\\d{4}'),
  schacGender: whole('[0129]'),
  schacCountryOfCitizenship: whole('[a-z]{2}'),
  schGrAcPersonID: anything,
  schGrAcPersonSSN: whole('\\d{11}'),
  schGrAcPersonTIN: whole('\\d{9}'),
  schGrAcEnrollment: whole(`${gunet}:enrollment:gr:${domain}:${part}:${part}:${part}`),
  schGrAcInscription: whole(`${gunet}:inscription:gr:${domain}:${part}:${part}:${part}:${part}`),
  schGrAcEmployment: whole(`${gunet}:employment:gr:${domain}:${part}:${part}:${part}`),
  schGrAcPersonalLinkageID: whole(
    `${gunet}:personalLinkageID:gr:${domain}:${part}:\\d+:${part}:${part}`,
  ),
  preferredUsername: whole('[a-z0-9._-]{3,32}'),
  emailVerified: whole('true'),
  birthDate: whole('\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])'),
}
