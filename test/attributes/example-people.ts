import type {
  AttributeEnvironment,
  AttributeSubject,
  ReleaseTarget,
} from '../../src/attributes/release-types.ts'
import type { Institution } from '../../src/institution.ts'
import type { PersonRole } from '../../src/people/person.ts'

export const now = new Date('2026-11-20T10:00:00Z')

const text = (el: string, en: string) => ({ el, en })
const url = text('https://www.uni.example.gr/', 'https://www.uni.example.gr/en')

/** A synthetic institution. */
export const environment: AttributeEnvironment = {
  institution: {
    name: text('Πανεπιστήμιο Παραδείγματος', 'Example University'),
    tagline: text('', ''),
    description: text('', ''),
    url,
    helpdesk: { email: 'help@uni.example.gr' },
    technicalContact: { givenName: 'Synthetic', email: 'noc@uni.example.gr' },
    securityContact: { givenName: 'Synthetic', email: 'csirt@uni.example.gr' },
    informationUrl: url,
    privacyStatementUrl: url,
    termsUrl: url,
    accessibilityUrl: url,
    homeOrganizationType: 'urn:schac:homeOrganizationType:eu:higherEducationalInstitution',
    services: [],
  } satisfies Institution,
  scope: 'uni.example.gr',
  entityId: 'https://sso.uni.example.gr/saml/metadata',
  pairwiseKey: Buffer.alloc(32, 7),
  presets: [],
  openNationalNumber: ({ sealed }) => sealed.replace('sealed:', ''),
}

/** A synthetic student role. */
export const studentRole: PersonRole = {
  source: 'sis',
  sourceId: '10125',
  role: 'student',
  status: 'active',
  validFrom: '2023-09-01',
  departmentCode: 'CS',
  ministryCode: '267',
  departmentName: text('Πληροφορικής', 'Informatics'),
  registrationNumber: '10125',
  degreeLevel: 'bachelor',
  enrollmentTerm: '2023-24-W',
  attendanceType: 'full-time',
  inscriptionTerm: 'W',
  inscriptionYear: '2023',
  inscriptionMethod: '1',
  mobile: '+306940000001',
}

/** A synthetic student; the numbers are valid in form and belong to nobody. */
export function subjectWith(
  roles: readonly PersonRole[],
  person: Partial<AttributeSubject['person']> = {},
): AttributeSubject {
  return {
    person: {
      _id: '28c5353b8bb34984a8bd4169ba94c606',
      firstName: text('Μαρία', 'Maria'),
      lastName: text('Δοκιμαστική', 'Dokimastiki'),
      birthDate: '2005-03-25',
      gender: 2,
      citizenship: ['GR'],
      nationalNumbers: [{ country: 'GR', hmac: '00', sealed: 'sealed:01013099997' }],
      taxNumber: { country: 'GR', hmac: '00', sealed: 'sealed:123456783' },
      roles,
      ...person,
    },
    account: {
      _id: '28c5353b8bb34984a8bd4169ba94c606',
      username: 'mdokim.2023',
      email: 'private@mail.example',
      activatedAt: new Date('2023-09-10T10:00:00Z'),
    },
    now,
    language: 'el',
  }
}

export const student = subjectWith([studentRole])

export function samlTarget(
  samlNames: readonly string[],
  more: Partial<ReleaseTarget> = {},
): ReleaseTarget {
  return {
    protocol: 'saml',
    id: 'https://sp.example.org/shibboleth',
    requestedAttributes: samlNames.map((name) => ({ name, isRequired: false })),
    entityCategories: [],
    overrides: {},
    ...more,
  }
}
