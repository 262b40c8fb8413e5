import fc from 'fast-check'
import { attributeTable } from '../../src/attributes/attribute-table.ts'
import {
  appliedCategories,
  categoryRules,
  claimedCategories,
  entityCategoryNames,
} from '../../src/attributes/entity-categories.ts'
import type {
  Affiliation,
  AttributeEnvironment,
  AttributeSubject,
  ReleaseTarget,
  ValueForms,
} from '../../src/attributes/release-types.ts'
import type { AssuranceClaims, AttributeRules, Department } from '../../src/institution.ts'
import type { ActivationProof } from '../../src/people/account.ts'
import type { PersonRole, RoleKind, SealedNationalNumber } from '../../src/people/person.ts'
import { environment, now } from './example-people.ts'

/** Generators of synthetic people, institutions and services, far odder than an import lets in. */

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

/** Names in any script, and what never should be a name. */
const text = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('Μαρία', 'Δοκιμαστική', 'Maria', 'Ñuñez', 'Иван', '王') },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', ' ', 'a:b', 'Ά'.repeat(300), '\u0000', '\ud800', '<b>&"', '\n'),
  },
)

/** Codes and terms: mostly right, sometimes with what positions are counted by. */
const code = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/) },
  { weight: 1, arbitrary: fc.constantFrom('', '1:2', ':', '1 2', 'Α1', '%3A', 'x'.repeat(257)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
)

const digits = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[0-9]{1,10}$/) },
  { weight: 1, arbitrary: code },
)

/** Around `now` of the examples, and what is no date. */
const date = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .date({ min: new Date('2020-01-01'), max: new Date('2030-12-31'), noInvalidDate: true })
      .map((day) => day.toISOString().slice(0, 10)),
  },
  { weight: 1, arbitrary: fc.constantFrom('2026-11-20', '2026-11-19', '2026-11-21') },
  { weight: 1, arbitrary: fc.constantFrom('', '2026-02-30', '20261120', 'x') },
)

const roleKinds: readonly RoleKind[] = ['student', 'faculty', 'staff', 'affiliate']
const source = fc.constantFrom('sis', 'hr', 'affiliates', 'manual')

const role: fc.Arbitrary<PersonRole> = fc.record({
  source,
  sourceId: code,
  role: fc.constantFrom(...roleKinds),
  status: fc.constantFrom('active', 'active', 'active', 'suspended', 'ended'),
  validFrom: maybe(date),
  validTo: maybe(date),
  departmentCode: maybe(fc.oneof(fc.constantFrom('CS', 'MATH', 'constructor'), code)),
  ministryCode: maybe(digits),
  departmentName: maybe(fc.record({ el: text, en: text })),
  registrationNumber: maybe(code),
  degreeLevel: maybe(fc.constantFrom('bachelor', 'integrated-master', 'master', 'doctorate')),
  graduatedOn: maybe(date),
  enrollmentTerm: maybe(code),
  attendanceType: maybe(code),
  inscriptionTerm: maybe(code),
  inscriptionYear: maybe(code),
  inscriptionMethod: maybe(code),
  contractType: maybe(code),
  position: maybe(code),
  mobile: maybe(fc.oneof(fc.constant('+306900000001'), text)),
  email: maybe(fc.constant('private@mail.example')),
} satisfies Record<keyof Omit<PersonRole, 'statusChangedAt'>, fc.Arbitrary<unknown>>) as never

/** In the examples' clear sealing: `sealed:` and the number. */
const nationalNumber: fc.Arbitrary<SealedNationalNumber> = fc.record({
  country: fc.constantFrom('GR', 'GR', 'CY', 'DE', 'EU'),
  hmac: fc.constant('00'),
  sealed: fc
    .oneof(
      { weight: 3, arbitrary: fc.stringMatching(/^[0-9]{9,11}$/) },
      { weight: 1, arbitrary: code },
    )
    .map((number) => `sealed:${number}`),
})

const hex = fc.stringMatching(/^[0-9a-f]{32}$/)

const activation: fc.Arbitrary<ActivationProof> = fc.record(
  {
    way: fc.constantFrom('pin', 'passphrase', 'administrator'),
    proven: fc.subarray(['sms', 'email'] as const),
    numberCheckedBy: fc.constantFrom('national', 'embedded'),
    numberOnRecord: fc.boolean(),
  },
  { requiredKeys: ['way'] },
)

export const anySubject: fc.Arbitrary<AttributeSubject> = fc
  .record({
    id: hex,
    username: fc.stringMatching(/^[a-z0-9._-]{3,32}$/),
    firstName: fc.record({ el: text, en: text }),
    lastName: fc.record({ el: text, en: text }),
    birthDate: maybe(date),
    gender: fc.constantFrom(0, 1, 2, 9),
    citizenship: fc.array(fc.constantFrom('GR', 'CY', 'DE', '', 'gr', 'Greece'), { maxLength: 3 }),
    nationalNumbers: fc.array(nationalNumber, { maxLength: 3 }),
    taxNumber: maybe(nationalNumber),
    roles: fc.array(role, { maxLength: 5 }),
    orcid: maybe(
      fc.oneof(
        fc.constantFrom('0000-0002-1825-0097', 'https://orcid.org/0000-0002-1694-233X'),
        code,
      ),
    ),
    academicId: maybe(fc.oneof(hex, code)),
    activation: maybe(activation),
    language: maybe(fc.constantFrom('el', 'en')),
    hours: fc.integer({ min: -48, max: 48 }),
  })
  .map(({ id, username, activation: proof, language, hours, ...person }) => ({
    person: { _id: id, ...person },
    account: {
      _id: id,
      username,
      email: 'private@mail.example',
      activatedAt: new Date('2023-09-10T10:00:00Z'),
      activation: proof,
    },
    language,
    now: new Date(now.getTime() + hours * 3_600_000),
  })) as never

const affiliations: Affiliation[] = [
  'faculty',
  'staff',
  'employee',
  'student',
  'affiliate',
  'alum',
  'member',
]

const rules: fc.Arbitrary<AttributeRules> = fc.record(
  {
    primaryAffiliation: fc.shuffledSubarray(affiliations, { minLength: 1 }),
    europeanStudentIdentifier: fc.constantFrom(
      { form: 'institution', code: 'registration-number' },
      { form: 'institution', code: 'department-and-registration-number' },
      { form: 'national', code: 'department-and-registration-number' },
      { form: 'national', code: 'academic-id' },
    ),
    linkage: fc.constantFrom(
      { sis: { category: 'SIS', identifier: 'studentID' } },
      { hr: { category: 'HRMS', identifier: 'employeeID', sequence: 2 } },
    ),
    assurance: fc.record(
      {
        identityProofing: fc.constantFrom('low', 'medium', 'high'),
        localEnterprise: fc.boolean(),
        usernamesNeverReassigned: fc.boolean(),
        affiliationFreshness: fc.constantFrom('1d', '1m'),
      } satisfies Record<keyof AssuranceClaims, fc.Arbitrary<unknown>>,
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
) as never

const departments: Record<string, Department> = {
  CS: { name: { el: 'Πληροφορικής', en: 'Informatics' }, ministryCode: '267' },
  MATH: { name: { el: 'Μαθηματικών', en: 'Mathematics' } },
}

export const anyEnvironment: fc.Arbitrary<AttributeEnvironment> = fc
  .record({
    attributes: maybe(rules),
    departments: maybe(fc.constant(departments)),
    release: maybe(
      fc.record(
        { entityCategories: fc.subarray([...entityCategoryNames]), foreignRequests: fc.boolean() },
        { requiredKeys: [] },
      ),
    ),
  })
  .map((changes) => ({
    ...environment,
    institution: { ...environment.institution, ...changes },
    samlNames: { schGrAcInscription: 'urn:oid:1.3.6.1.4.1.36215.1.2.7' },
  }))

const forms: fc.Arbitrary<ValueForms> = fc.record(
  {
    names: fc.constantFrom('el', 'en'),
    uniqueCode: fc.constantFrom('gr', 'esi'),
    uniqueId: fc.constantFrom('terena', 'schac'),
    codeRoles: fc.shuffledSubarray([...roleKinds], { minLength: 1 }),
  },
  { requiredKeys: [] },
)

const tableNames = attributeTable.map(({ name }) => name)

/** What a service asks for, and what an administrator says of it; the protocol comes later. */
export const anyService = fc.record({
  id: fc.constantFrom('https://sp.example.org', 'client-1'),
  wanted: fc.oneof(fc.constant(tableNames), fc.subarray(tableNames)),
  /** Those of `wanted` that it says it cannot do without. */
  required: fc.subarray(tableNames),
  audience: fc.constantFrom('national', 'international', undefined),
  entityCategories: fc.subarray(Object.values(categoryRules).flatMap(({ values }) => values)),
  forms: maybe(forms),
  subjectIdRequirement: fc.constantFrom(undefined, 'subject-id', 'pairwise-id', 'any', 'none'),
  release: maybe(fc.oneof(fc.constant(tableNames), fc.subarray(tableNames, { maxLength: 5 }))),
  block: maybe(fc.subarray(tableNames, { maxLength: 5 })),
})

type Service = typeof anyService extends fc.Arbitrary<infer T> ? T : never

/** The same service in one protocol. */
export function targetOf(
  { wanted, required, release, block, ...service }: Service,
  protocol: 'saml' | 'oidc',
  { samlNames, institution }: AttributeEnvironment,
): ReleaseTarget {
  const requestedAttributes = attributeTable
    .filter(({ name }) => wanted.includes(name))
    .map((definition) => ({
      name:
        protocol === 'saml'
          ? (samlNames?.[definition.name] ?? definition.samlName)
          : (definition.claim ?? ''),
      isRequired: required.includes(definition.name),
    }))
    .filter(({ name }) => name !== '')
  const { entityCategories, foreignRequests } = institution.release ?? {}
  return {
    protocol,
    ...service,
    requestedAttributes,
    ...(protocol === 'saml' && {
      categories: appliedCategories(service.entityCategories, entityCategories),
      isAnonymous: claimedCategories(service.entityCategories).includes('anonymous'),
      needsCategory: service.audience === 'international' && foreignRequests !== true,
    }),
    overrides: { release, block },
  } as ReleaseTarget
}
