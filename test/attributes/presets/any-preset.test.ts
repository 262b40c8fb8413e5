import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { attributeByName, attributeTable } from '../../../src/attributes/attribute-table.ts'
import { explainRelease } from '../../../src/attributes/explain.ts'
import { loadPresets } from '../../../src/attributes/presets/load-presets.ts'
import { decideRelease } from '../../../src/attributes/release.ts'
import type { Affiliation, ReleaseTarget } from '../../../src/attributes/release-types.ts'
import { anyEnvironment, anyService, anySubject, targetOf } from '../any-people.ts'
import { presetWith } from './preset-support.ts'

/** SEED=… runs the same cases again. */
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

const affiliations: readonly Affiliation[] = ['faculty', 'staff', 'student', 'alum', 'affiliate']
const harmless = attributeTable.filter(({ sensitivity }) => sensitivity !== 'sensitive')

/** One of ours, or any list of attributes, each perhaps for some people only. */
const anyPreset = fc.oneof(
  fc.constantFrom(...loadPresets()),
  fc
    .uniqueArray(
      fc.record({
        name: fc.constantFrom(...harmless.map(({ name }) => name)),
        onlyFor: fc.option(fc.shuffledSubarray([...affiliations], { minLength: 1 }), {
          nil: undefined,
        }),
      }),
      { selector: ({ name }) => name },
    )
    .map((chosen) => {
      const preset = presetWith(chosen.map(({ name }) => name))
      return {
        ...preset,
        attributes: preset.attributes.map((attribute, index) => {
          const { onlyFor } = chosen[index]!
          return onlyFor ? { ...attribute, onlyFor } : attribute
        }),
      }
    }),
)

/** Runs the check on any person at any service with any preset. */
function forAnyRelease(
  t: TestContext,
  check: (of: {
    target: ReleaseTarget
    released: readonly string[]
    explained: ReturnType<typeof explainRelease>
    values: (name: string) => readonly string[]
  }) => void,
): void {
  t.diagnostic(`seed ${seed}`)
  fc.assert(
    fc.property(
      anySubject,
      anyEnvironment,
      anyService,
      anyPreset,
      fc.constantFrom('saml' as const, 'oidc' as const),
      (subject, environment, service, preset, protocol) => {
        const target = { ...targetOf(service, protocol, environment), preset }
        const { attributes } = decideRelease(subject, target, environment)
        check({
          target,
          released: attributes.map(({ definition }) => definition.name),
          explained: explainRelease(subject, target, environment),
          values: (name) => attributeByName(name)!.values(subject, environment, target),
        })
      },
    ),
    { seed, numRuns: 500 },
  )
}

/** saml-subject-id-attr 2.4: what the metadata demands goes whatever the preset says. */
const identifiers = ['subject-id', 'pairwise-id']

describe('any person at any service with any preset', () => {
  it('goes there with no more than the preset, an administrator and subject-id:req name', (t) => {
    forAnyRelease(t, ({ target, released }) => {
      const { preset, overrides, subjectIdRequirement } = target
      const allowed = new Set([
        ...preset!.attributes.map(({ name }) => name),
        ...(overrides.release ?? []),
        ...(subjectIdRequirement ? identifiers : []),
      ])
      for (const name of released) assert.ok(allowed.has(name), name)
    })
  })

  it('never goes with what an administrator blocks, nor with a national number that none releases', (t) => {
    forAnyRelease(t, ({ target, released }) => {
      const { release = [], block = [] } = target.overrides
      for (const name of released) {
        assert.ok(!block.includes(name), name)
        const { sensitivity } = attributeByName(name)!
        assert.ok(sensitivity !== 'sensitive' || release.includes(name), name)
      }
    })
  })

  it('goes with what is for some people only when they are some of them', (t) => {
    forAnyRelease(t, ({ target, released, values }) => {
      const [primary] = values('eduPersonPrimaryAffiliation')
      for (const { name, onlyFor } of target.preset!.attributes) {
        const isElsewhere =
          target.overrides.release?.includes(name) === true || identifiers.includes(name)
        if (!released.includes(name) || isElsewhere || !onlyFor) continue
        assert.ok(onlyFor.includes(primary as Affiliation), `${name} for ${primary}`)
      }
    })
  })

  it('is told just what goes, and values of nothing else', (t) => {
    forAnyRelease(t, ({ target, released, explained }) => {
      const told = explained.attributes.filter(({ outcome }) => outcome === 'goes')
      // OpenID Connect gives no claim that the request does not name.
      const asked = new Set(target.requestedAttributes.map(({ name }) => name))
      const real = released.filter(
        (name) => target.protocol === 'saml' || asked.has(attributeByName(name)!.claim ?? ''),
      )
      assert.deepEqual(
        told.map(({ name }) => name),
        real,
      )
      for (const { outcome, values, missing } of explained.attributes) {
        assert.equal(values.length > 0, outcome === 'goes')
        assert.ok(outcome === 'missing' || missing.length === 0)
      }
    })
  })

  it('misses nothing required without being told so', (t) => {
    forAnyRelease(t, ({ target, explained }) => {
      if (target.protocol !== 'saml') return
      for (const { name, isRequired } of target.preset!.attributes) {
        const definition = attributeByName(name)!
        if (!isRequired || definition.samlName === '' || name === 'subject-id') continue
        assert.ok(
          explained.attributes.some((line) => line.name === name),
          name,
        )
      }
    })
  })
})
