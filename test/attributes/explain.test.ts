import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import { disclosureOf } from '../../src/attributes/disclosure.ts'
import { explainRelease } from '../../src/attributes/explain.ts'
import { decideRelease } from '../../src/attributes/release.ts'
import type { ReleaseTarget, ServicePreset } from '../../src/attributes/release-types.ts'
import { oidcReleaseTarget } from '../../src/attributes/targets.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { environment, samlTarget, student, studentRole, subjectWith } from './example-people.ts'
import { presetWith, relyingParty } from './presets/preset-support.ts'

const samlName = (name: string) => attributeByName(name)!.samlName
const staffRole: PersonRole = { source: 'hr', sourceId: '7', role: 'staff', status: 'active' }

const targetWith = (preset: ServicePreset, change: Partial<ReleaseTarget> = {}) =>
  samlTarget([], { preset, ...change })
const explain = (target: ReleaseTarget, subject = student) =>
  explainRelease(subject, target, environment)
const lineOn = (name: string, target: ReleaseTarget, subject = student) =>
  explain(target, subject).attributes.find((line) => line.name === name)
const outcomes = (target: ReleaseTarget, subject = student) =>
  explain(target, subject).attributes.map(({ name, outcome }) => [name, outcome])

describe('release: a service with a preset', () => {
  it('gets what the preset names, although its metadata does not ask', () => {
    assert.deepEqual(outcomes(targetWith(presetWith(['mail', 'sn']))), [
      ['mail', 'goes'],
      ['sn', 'goes'],
    ])
  })

  it('gets nothing else, although its metadata asks and requires', () => {
    const requestedAttributes = [{ name: samlName('schacDateOfBirth'), isRequired: true }]
    const line = lineOn(
      'schacDateOfBirth',
      targetWith(presetWith(['mail']), { requestedAttributes }),
    )
    assert.deepEqual([line?.outcome, line?.reason], ['refused', 'not-in-preset'])
  })

  it('gets what an administrator adds, and not what one blocks', () => {
    const overrides = { release: ['o'], block: ['mail'] }
    const target = targetWith(presetWith(['mail', 'sn']), { overrides })
    assert.deepEqual(outcomes(target), [
      ['mail', 'refused'],
      ['sn', 'goes'],
      ['o', 'goes'],
    ])
    assert.equal(lineOn('mail', target)?.reason, 'admin-block')
    assert.equal(lineOn('o', target)?.reason, 'admin-release')
  })

  it('still gets the identifier that its metadata demands', () => {
    const target = targetWith(presetWith(['mail']), { subjectIdRequirement: 'pairwise-id' })
    assert.deepEqual(outcomes(target), [
      ['pairwise-id', 'goes'],
      ['mail', 'goes'],
    ])
  })

  it('gets what is for students only about students only, person by person', () => {
    const [mail, branch] = presetWith(['mail', 'grEduPersonUndergraduateBranch']).attributes
    const preset = presetWith([], {
      attributes: [mail!, { ...branch!, onlyFor: ['student'] }],
    })
    const target = targetWith(preset)
    const name = 'grEduPersonUndergraduateBranch'
    const both = subjectWith([studentRole, staffRole])
    assert.equal(lineOn(name, target)?.outcome, 'goes')
    // The same target, so the same plan: the person decides.
    const line = lineOn(name, target, both)
    assert.deepEqual([line?.outcome, line?.reason], ['refused', 'not-for-affiliation'])
    assert.equal(lineOn(name, target)?.outcome, 'goes')
    const decision = decideRelease(both, target, environment).decisions.find(
      ({ attribute }) => attribute === name,
    )
    assert.equal(decision?.released, false)
    assert.match(decision!.detail, /primary affiliation is student\.$/)
  })

  it('of OpenID Connect gets nothing beyond its scopes, and not all within', () => {
    const presets = [presetWith(['mail', 'sn'])]
    const client = relyingParty({
      scope: 'openid email profile',
      redirect_uris: ['https://books.example/cb'],
    })
    const asked = (...scopes: string[]) =>
      explainRelease(
        student,
        oidcReleaseTarget(client, { ...environment, presets }, { scopes }),
        environment,
      ).attributes.flatMap(({ name, outcome }) => (outcome === 'goes' ? [name] : []))
    assert.deepEqual(asked('openid', 'email', 'profile'), ['mail', 'sn'])
    assert.deepEqual(asked('openid', 'email'), ['mail'])
    assert.deepEqual(asked('openid'), [])
  })
})

describe('release: explained', () => {
  it('leaves out what nobody asked for', () => {
    assert.deepEqual(explain(samlTarget([])), { attributes: [] })
    assert.deepEqual(outcomes(samlTarget([samlName('mail')])), [['mail', 'goes']])
  })

  it('gives values only of what goes, and the preset’s words on why', () => {
    const line = lineOn('mail', targetWith(presetWith(['mail'])))
    assert.deepEqual(line?.values, ['mdokim.2023@uni.example.gr'])
    assert.deepEqual(line?.why, { el: 'Why mail. (el)', en: 'Why mail.' })
    assert.equal(line?.isRequired, true)
    assert.equal(line?.reason, 'preset')
    const refused = lineOn('schGrAcPersonSSN', samlTarget([samlName('schGrAcPersonSSN')]))
    assert.deepEqual([refused?.outcome, refused?.values], ['refused', []])
    assert.equal(refused?.reason, 'sensitive-without-rule')
  })

  it('says of what lacks a value why it would go', () => {
    const line = lineOn('eduPersonOrcid', samlTarget([samlName('eduPersonOrcid')]))
    assert.deepEqual([line?.outcome, line?.reason], ['missing', 'requested'])
  })

  it('tells the preset and its legal ground, or an administrator’s text in its place', () => {
    const preset = presetWith(['mail'])
    const { name, about, legalGround } = preset
    assert.deepEqual(explain(targetWith(preset)).preset, { id: 'books', name, about })
    assert.deepEqual(explain(targetWith(preset)).legalGround, legalGround)
    const overrides = { legalGround: 'Contract 12/2026' }
    assert.deepEqual(explain(targetWith(preset, { overrides })).legalGround, {
      text: { el: 'Contract 12/2026', en: 'Contract 12/2026' },
    })
    const inBoth = { legalGround: 'Σύμβαση 12/2026 || Contract 12/2026' }
    assert.deepEqual(explain(targetWith(preset, { overrides: inBoth })).legalGround, {
      text: { el: 'Σύμβαση 12/2026', en: 'Contract 12/2026' },
    })
  })

  it('names nothing that OpenID Connect has no way to give, although an administrator allows it', () => {
    const client = relyingParty(
      { scope: 'openid email' },
      { overrides: { release: ['sn', 'mail'] } },
    )
    const target = oidcReleaseTarget(client, environment, { scopes: ['openid', 'email'] })
    assert.deepEqual(outcomes(target), [
      ['mail', 'goes'],
      ['emailVerified', 'goes'],
    ])
  })

  it('is the story of what really goes out, for every kind of target', () => {
    const names = ['mail', 'schacPersonalUniqueCode', 'eduPersonOrcid', 'schGrAcPersonSSN']
    for (const target of [
      samlTarget(names.map(samlName)),
      targetWith(presetWith(['mail', 'uid', 'eduPersonOrcid'])),
      samlTarget([], { overrides: { release: names }, subjectIdRequirement: 'any' }),
    ]) {
      const gone = decideRelease(student, target, environment).attributes
      assert.deepEqual(
        explain(target)
          .attributes.filter(({ outcome }) => outcome === 'goes')
          .map(({ name, values }) => ({ name, values })),
        gone.map(({ definition, values }) => ({ name: definition.name, values })),
      )
    }
  })
})

describe('release: what people see before their data goes', () => {
  const { institution } = environment
  const silent = { ...institution, release: { disclosure: 'silent' as const } }
  const foreign: Partial<ReleaseTarget> = { audience: 'international' }

  it('an administrator’s word, else the preset’s, else the institution’s', () => {
    const preset = presetWith([], { disclosure: 'inform' })
    const overrides = { disclosure: 'ask' as const }
    assert.equal(disclosureOf(targetWith(preset, { overrides }), silent), 'ask')
    assert.equal(disclosureOf(targetWith(preset), silent), 'inform')
    assert.equal(disclosureOf(samlTarget([], foreign), silent), 'silent')
  })

  it('is nothing at home, and a question for services abroad that nobody looked at', () => {
    assert.equal(disclosureOf(samlTarget([]), institution), 'silent')
    assert.equal(disclosureOf(samlTarget([], foreign), institution), 'ask')
    const startUrl = { startUrl: 'https://sp.example.org/' }
    assert.equal(
      disclosureOf(samlTarget([], { ...foreign, overrides: startUrl }), institution),
      'ask',
    )
    const overrides = { release: ['mail'] }
    assert.equal(disclosureOf(samlTarget([], { ...foreign, overrides }), institution), 'silent')
  })
})
