import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { attributeByName, attributeTable } from '../../src/attributes/attribute-table.ts'
import { missingFacts } from '../../src/attributes/missing-facts.ts'
import { decideRelease } from '../../src/attributes/release.ts'
import type { AttributeEnvironment, AttributeSubject } from '../../src/attributes/release-types.ts'
import { claimsOf } from '../../src/oidc/account.ts'
import { anyEnvironment, anyService, anySubject, targetOf } from './any-people.ts'
import { valuePatterns } from './value-patterns.ts'

/** XML 1.0, 2.2: of the control characters only these three; no half of a surrogate pair. */
function isLegalInXml(value: string): boolean {
  return [...value].every((character) => {
    const point = character.codePointAt(0) as number
    if (point < 0x20) return '\t\n\r'.includes(character)
    return (point < 0xd800 || point > 0xdfff) && point !== 0xfffe && point !== 0xffff
  })
}

/** SEED=… runs the same people again. */
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

function forAny<T extends [unknown, ...unknown[]]>(
  t: TestContext,
  property: fc.IProperty<T>,
  numRuns = 1000,
): void {
  t.diagnostic(`seed ${seed}`)
  fc.assert(property, { seed, numRuns })
}

/** What each category may give at most, from its specification. */
const bundles: Readonly<Record<string, string>> = {
  'https://refeds.org/category/anonymous': 'schacHomeOrganization eduPersonScopedAffiliation',
  'https://refeds.org/category/pseudonymous':
    'schacHomeOrganization eduPersonScopedAffiliation pairwise-id eduPersonAssurance',
  'https://refeds.org/category/personalized':
    'schacHomeOrganization eduPersonScopedAffiliation subject-id displayName givenName sn mail eduPersonAssurance',
  'http://refeds.org/category/research-and-scholarship':
    'eduPersonPrincipalName eduPersonTargetedID displayName givenName sn mail eduPersonScopedAffiliation',
  'https://myacademicid.org/entity-categories/esi': 'schacPersonalUniqueCode',
}

/** What some rule may name, worked out apart from the rules: more than goes, never less. */
function namedFor(
  service: Parameters<typeof targetOf>[0],
  protocol: 'saml' | 'oidc',
  { institution }: AttributeEnvironment,
): readonly string[] {
  const { wanted, required, release = [], subjectIdRequirement: need } = service
  const { entityCategories: honoured = [], foreignRequests } = institution.release ?? {}
  const isStranger = protocol === 'saml' && service.audience === 'international' && !foreignRequests
  const identifiers =
    need === 'any' ? ['subject-id', 'pairwise-id'] : need && need !== 'none' ? [need] : []
  if (protocol === 'oidc') return [...release, ...wanted, ...identifiers]
  const carried = service.entityCategories.filter((value) =>
    honoured.some((name) => value.includes(name)),
  )
  // What it can do without counts whether it is honoured here or not.
  const nameless = ['anonymous', 'pseudonymous'].find((name) =>
    service.entityCategories.some((value) => value.endsWith(`/${name}`)),
  )
  const recognizing = ['subject-id', 'pairwise-id', 'eduPersonTargetedID']
  const isKept = (name: string) => nameless !== 'anonymous' || !recognizing.includes(name)
  const counting = nameless
    ? carried.filter((value) => value.endsWith(`/${nameless}`) || value.endsWith('/esi'))
    : carried
  return [
    ...release,
    ...(isStranger ? [] : wanted.filter(isKept)),
    ...identifiers.filter(isKept),
    ...counting.flatMap((value) => bundles[value]?.split(' ') ?? []),
    ...(counting.some((value) => value.includes('code-of-conduct'))
      ? required.filter((name) => wanted.includes(name))
      : []),
  ]
}

/** What a person is known by, and nobody else may be given. */
const ownMarks = ({ person, account }: AttributeSubject) => [person._id, account.username]

describe('the values of anybody, at any service', () => {
  it('have patterns for all attributes of the table', () => {
    assert.deepEqual(
      Object.keys(valuePatterns).sort(),
      attributeTable.map(({ name }) => name).sort(),
    )
  })

  it('are well-formed, short enough and legal in XML, each once', (t) => {
    forAny(
      t,
      fc.property(
        anySubject,
        anyEnvironment,
        anyService,
        fc.constantFrom('saml', 'oidc'),
        (subject, environment, service, protocol) => {
          const target = targetOf(service, protocol as 'saml', environment)
          for (const { definition, values } of decideRelease(subject, target, environment)
            .attributes) {
            const pattern = valuePatterns[definition.name] as RegExp
            for (const value of values) {
              assert.match(value, pattern, definition.name)
              assert.ok(value.length <= 256, definition.name)
              assert.ok(isLegalInXml(value), definition.name)
            }
            assert.equal(new Set(values).size, values.length, definition.name)
            assert.ok(definition.multiValued || values.length === 1, definition.name)
          }
        },
      ),
    )
  })

  it('are those that a rule names, and no others', (t) => {
    forAny(
      t,
      fc.property(anySubject, anyEnvironment, anyService, (subject, environment, service) => {
        for (const protocol of ['saml', 'oidc'] as const) {
          const target = targetOf(service, protocol, environment)
          const { attributes, decisions } = decideRelease(subject, target, environment)
          const named = new Set(namedFor(service, protocol, environment))
          for (const { definition } of attributes) {
            const { name, sensitivity } = definition
            assert.ok(named.has(name), `${name} was not asked for`)
            assert.ok(!service.block?.includes(name), `${name} is blocked`)
            assert.ok(
              sensitivity !== 'sensitive' || service.release?.includes(name),
              `${name} is sensitive`,
            )
          }
          assert.deepEqual(
            decisions.filter(({ released }) => released).map(({ attribute }) => attribute),
            attributes.map(({ definition }) => definition.name),
          )
        }
      }),
    )
  })

  it('are the same over SAML and OpenID Connect', (t) => {
    forAny(
      t,
      fc.property(anySubject, anyEnvironment, anyService, (subject, environment, service) => {
        // Entity categories are of SAML metadata.
        const alike = { ...service, entityCategories: [], audience: undefined }
        const read = (protocol: 'saml' | 'oidc') =>
          decideRelease(subject, targetOf(alike, protocol, environment), environment)
        const claims = claimsOf(read('oidc'))
        const saml = new Map(
          read('saml').attributes.map(({ definition, values }) => [definition.name, values]),
        )
        for (const { name, claim, samlName, multiValued } of attributeTable) {
          const hasBoth = claim && (samlName || environment.samlNames?.[name])
          if (!hasBoth) continue
          const values = saml.get(name)
          assert.deepEqual(claims[claim], multiValued ? values : values?.[0], name)
        }
      }),
    )
  })

  it('are one’s own, whoever was asked about before', (t) => {
    forAny(
      t,
      fc.property(
        anySubject,
        anySubject,
        anyEnvironment,
        anyEnvironment,
        anyService,
        (one, other, environment, another, service) => {
          fc.pre(!ownMarks(one).some((mark) => ownMarks(other).join(' ').includes(mark)))
          const target = targetOf(service, 'saml', environment)
          const valuesOf = (subject: AttributeSubject, at = target, by = environment) =>
            decideRelease(subject, at, by).attributes.map(({ definition, values }) => [
              definition.name,
              [...values],
            ])
          const alone = valuesOf(structuredClone(one), targetOf(service, 'saml', environment))
          valuesOf(other)
          valuesOf(one, targetOf(service, 'saml', another), another)
          const first = valuesOf(one)
          valuesOf(other)
          assert.deepEqual(first, alone)
          assert.deepEqual(valuesOf(one), alone)
          const identifying = first.filter(([name]) =>
            /Id|ID|uid|mail|PrincipalName/.test(name as string),
          )
          const all = JSON.stringify(identifying.map(([, values]) => values))
          for (const mark of ownMarks(other)) {
            assert.ok(!all.includes(`"${mark}"`) && !all.includes(`"${mark}@`), 'of another person')
          }
        },
      ),
    )
  })

  it('are the same in whatever order the files with the roles came in', (t) => {
    forAny(
      t,
      fc.property(
        anySubject.chain((subject) =>
          fc.tuple(
            fc.constant(subject),
            fc.shuffledSubarray([...subject.person.roles], {
              minLength: subject.person.roles.length,
            }),
          ),
        ),
        anyEnvironment,
        anyService,
        ([subject, roles], environment, service) => {
          const keys = new Set(roles.map(({ source, sourceId }) => `${source}:${sourceId}`))
          fc.pre(keys.size === roles.length)
          // Of studies without a date the identifier belongs to those known first.
          const forms = { ...service.forms, uniqueCode: 'gr' as const }
          const valuesOf = (person: AttributeSubject['person']) =>
            decideRelease(
              { ...subject, person },
              targetOf({ ...service, forms }, 'saml', environment),
              environment,
            ).attributes.map(({ definition, values }) => [definition.name, [...values]])
          assert.deepEqual(valuesOf({ ...subject.person, roles }), valuesOf(subject.person))
        },
      ),
    )
  })

  it('never are the private address, or of roles that do not run', (t) => {
    forAny(
      t,
      fc.property(anySubject, anyEnvironment, anyService, (subject, environment, service) => {
        const target = targetOf({ ...service, release: undefined }, 'saml', environment)
        const released = decideRelease(subject, target, environment).attributes
        assert.ok(!JSON.stringify(released).includes('private@mail.example'))
        const ended = subject.person.roles.map((role) => ({ ...role, status: 'ended' as const }))
        const over = { ...subject, person: { ...subject.person, roles: ended } }
        for (const { definition, values } of decideRelease(over, target, environment).attributes) {
          const needsRole = ['role', 'studentRole', 'employment'].includes(
            definition.facts?.[0] ?? '',
          )
          if (needsRole) assert.match(values.join(), /^alum(@|$)/, definition.name)
        }
      }),
    )
  })
})

describe('the affiliations of anybody', () => {
  it('follow eduPerson: employees and students are members, the primary one is among them', (t) => {
    forAny(
      t,
      fc.property(anySubject, anyEnvironment, (subject, environment) => {
        const target = { protocol: 'saml', id: 'x', overrides: {} } as never
        const values = (name: string) => [
          ...attributeByName(name)!.values(subject, environment, target),
        ]
        const all = values('eduPersonAffiliation')
        const implied = all.some((one) => ['faculty', 'staff', 'student', 'employee'].includes(one))
        assert.equal(all.includes('member'), implied)
        const works = all.includes('faculty') || all.includes('staff')
        assert.equal(all.includes('employee'), works)
        assert.deepEqual(values('eduPersonPrimaryAffiliation'), all.slice(0, 1))
        assert.deepEqual(
          values('eduPersonScopedAffiliation'),
          all.map((one) => `${one}@uni.example.gr`),
        )
      }),
    )
  })
})

describe('what anybody’s attribute lacks', () => {
  it('is said wherever a fact is missing, and is nothing where there is a value', (t) => {
    forAny(
      t,
      fc.property(anySubject, anyEnvironment, anyService, (subject, environment, service) => {
        const target = targetOf(service, 'saml', environment)
        for (const definition of attributeTable) {
          const missing = missingFacts(definition, subject, environment, target)
          const values = definition.values(subject, environment, target)
          if (values.length > 0) assert.deepEqual(missing, [], definition.name)
          for (const fact of missing) {
            assert.ok([...(definition.facts ?? []), 'role'].includes(fact), definition.name)
          }
        }
      }),
    )
  })

  it('is never left unsaid when nothing at all is on record', () => {
    const nobody = {
      person: {
        _id: '0'.repeat(32),
        firstName: { el: 'Α', en: 'A' },
        lastName: { el: 'Β', en: 'B' },
        gender: 0,
        citizenship: [],
        nationalNumbers: [],
        roles: [],
      },
      account: { _id: '0'.repeat(32), username: 'nobody', activatedAt: new Date() },
      now: new Date(),
      language: 'el',
    } as const
    fc.assert(
      fc.property(anyEnvironment, anyService, (environment, service) => {
        const target = targetOf(service, 'saml', environment)
        for (const definition of attributeTable) {
          if (definition.values(nobody, environment, target).length > 0) continue
          const missing = missingFacts(definition, nobody, environment, target)
          assert.ok(missing.length > 0, definition.name)
        }
      }),
      { seed, numRuns: 50 },
    )
  })
})
