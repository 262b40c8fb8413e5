import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import { disclosureOf } from '../../src/attributes/disclosure.ts'
import {
  categoryRules,
  type EntityCategory,
  entityCategoryNames,
} from '../../src/attributes/entity-categories.ts'
import { explainRelease } from '../../src/attributes/explain.ts'
import { decideRelease } from '../../src/attributes/release.ts'
import type { AttributeEnvironment } from '../../src/attributes/release-types.ts'
import { samlReleaseTarget } from '../../src/attributes/targets.ts'
import type { ServiceOverrides, ServiceProvider } from '../../src/federation/service.ts'
import type { Institution, ReleaseSettings } from '../../src/institution.ts'
import { environment, student } from './example-people.ts'

const home = 'http://aai.grnet.gr/'
const abroad = 'http://registrar.example/'
const uri = (name: EntityCategory) => categoryRules[name].values[0]!
const refeds = 'https://refeds.org/category'
const codeOfConduct1 = 'http://www.geant.net/uri/dataprotection-code-of-conduct/v1'

interface Scene {
  readonly categories?: readonly string[]
  /** As `mail` or, when required, `mail!`. */
  readonly asks?: readonly string[]
  readonly need?: ServiceProvider['subjectIdRequirement']
  readonly authority?: string
  readonly origin?: string
  readonly overrides?: ServiceOverrides
  readonly release?: ReleaseSettings
  readonly attributes?: Institution['attributes']
}

/** A synthetic service of another federation, unless the scene says otherwise. */
function scene({ authority = abroad, release, attributes, ...change }: Scene) {
  const sp = {
    protocol: 'saml',
    entityId: 'https://sp.example.org/',
    origin: change.origin ?? 'federation:edugain',
    registrationAuthority: authority || undefined,
    entityCategories: change.categories ?? [],
    subjectIdRequirement: change.need,
    overrides: change.overrides ?? {},
    assertionConsumerServices: [],
    attributeConsumingServices: [
      {
        index: 0,
        isDefault: true,
        serviceName: {},
        requestedAttributes: (change.asks ?? []).map((asked) => ({
          name: attributeByName(asked.replace('!', ''))!.samlName,
          isRequired: asked.endsWith('!'),
        })),
      },
    ],
  } as unknown as ServiceProvider
  const there: AttributeEnvironment = {
    ...environment,
    institution: {
      ...environment.institution,
      release: release ?? { entityCategories: entityCategoryNames },
      attributes,
    },
  }
  const target = samlReleaseTarget(sp, there)
  const { attributes: released, decisions } = decideRelease(student, target, there)
  return {
    target,
    environment: there,
    names: released.map(({ definition }) => definition.name).sort(),
    values: (name: string) => released.find(({ definition }) => definition.name === name)?.values,
    reason: (name: string) => decisions.find(({ attribute }) => attribute === name)?.reason,
    detail: (name: string) => decisions.find(({ attribute }) => attribute === name)?.detail,
  }
}

const goes = (change: Scene) => scene(change).names
const sorted = (names: string) => names.split(' ').sort()

describe('release by entity category: the bundles', () => {
  it('Anonymous Access v2 tells the organization and the affiliation, nothing personal', () => {
    const bundle = sorted('eduPersonScopedAffiliation schacHomeOrganization')
    assert.deepEqual(goes({ categories: [`${refeds}/anonymous`] }), bundle)
  })

  it('Pseudonymous Access v2 adds pairwise-id and the assurance', () => {
    assert.deepEqual(
      goes({ categories: [`${refeds}/pseudonymous`] }),
      sorted('eduPersonScopedAffiliation schacHomeOrganization pairwise-id eduPersonAssurance'),
    )
  })

  it('Personalized Access v2 names the person', () => {
    assert.deepEqual(
      goes({ categories: [`${refeds}/personalized`] }),
      sorted(
        'subject-id displayName givenName sn mail eduPersonScopedAffiliation schacHomeOrganization eduPersonAssurance',
      ),
    )
  })

  it('Research and Scholarship 1.3 has eduPersonTargetedID beside a username that may be given again', () => {
    const categories = ['http://refeds.org/category/research-and-scholarship']
    const bundle = 'eduPersonPrincipalName displayName givenName sn mail eduPersonScopedAffiliation'
    assert.deepEqual(goes({ categories }), sorted(`${bundle} eduPersonTargetedID`))
    const attributes = { assurance: { usernamesNeverReassigned: true } }
    assert.deepEqual(goes({ categories, attributes }), sorted(bundle))
  })

  it('Code of Conduct, v1 and v2, gives what is required, and not what is merely wished', () => {
    for (const value of [`${refeds}/code-of-conduct/v2`, codeOfConduct1]) {
      const asked = scene({ categories: [value], asks: ['mail!', 'sn'] })
      assert.deepEqual(asked.names, ['mail'])
      assert.equal(asked.reason('sn'), 'not-in-category')
    }
  })

  it('Code of Conduct never gives a national number, however it is required', () => {
    const asked = scene({
      categories: [uri('code-of-conduct')],
      asks: ['schacPersonalUniqueID!', 'schGrAcPersonSSN!'],
    })
    assert.deepEqual(asked.names, [])
    assert.equal(asked.reason('schGrAcPersonSSN'), 'sensitive-without-rule')
  })

  it('ESI gives the European Student Identifier and no other code', () => {
    const asked = scene({ categories: [uri('esi')], authority: home })
    assert.deepEqual(asked.names, ['schacPersonalUniqueCode'])
    assert.deepEqual(asked.values('schacPersonalUniqueCode'), [
      'urn:schac:personalUniqueCode:int:esi:uni.example.gr:10125',
    ])
  })

  it('matches values byte for byte', () => {
    for (const value of [
      'https://refeds.org/category/research-and-scholarship',
      'http://refeds.org/category/personalized',
      `${refeds}/anonymous/`,
      `${refeds}/Personalized`,
    ]) {
      assert.deepEqual(goes({ categories: [value] }), [], value)
    }
  })
})

describe('release by entity category: several on one service', () => {
  it('takes the Access category that tells least', () => {
    const categories = ['personalized', 'pseudonymous', 'anonymous'].map(
      (name) => `${refeds}/${name}`,
    )
    assert.deepEqual(goes({ categories }), goes({ categories: [categories[2]!] }))
    assert.deepEqual(
      goes({ categories: categories.slice(0, 2) }),
      goes({ categories: [categories[1]!] }),
    )
  })

  it('does not name somebody by R&S or Code of Conduct who may stay anonymous', () => {
    const categories = [uri('anonymous'), uri('research-and-scholarship'), uri('code-of-conduct')]
    const asked = scene({ categories, asks: ['mail!'], need: 'subject-id' })
    assert.deepEqual(asked.names, goes({ categories: [uri('anonymous')] }))
    assert.equal(asked.reason('subject-id'), 'not-in-category')
  })

  it('gives all of what R&S, Code of Conduct and ESI say together', () => {
    const categories = [uri('research-and-scholarship'), uri('code-of-conduct'), uri('esi')]
    const { names } = scene({ categories, asks: ['o!'] })
    for (const name of ['o', 'mail', 'schacPersonalUniqueCode']) assert.ok(names.includes(name))
  })

  it('counts only those that the institution gives by', () => {
    const categories = [uri('anonymous'), uri('personalized')]
    const release = { entityCategories: ['personalized'] as const }
    assert.ok(goes({ categories: [uri('personalized')], release }).includes('mail'))
    assert.deepEqual(goes({ categories, release: {} }), [])
    // The least of what it claims, not of what happens to be honoured.
    assert.deepEqual(goes({ categories, release }), [])
    const pseudonymous = { entityCategories: ['personalized', 'pseudonymous'] as const }
    assert.deepEqual(goes({ categories, release: pseudonymous }), [])
  })
})

describe('release by entity category: subject-id:req', () => {
  it('sends subject-id abroad only with a category that may name the person', () => {
    assert.deepEqual(goes({ need: 'subject-id' }), [])
    assert.equal(scene({ need: 'subject-id' }).reason('subject-id'), 'not-in-category')
    const categories = [uri('code-of-conduct')]
    assert.deepEqual(goes({ need: 'subject-id', categories }), ['subject-id'])
    assert.ok(
      !goes({ need: 'subject-id', categories: [uri('pseudonymous')] }).includes('subject-id'),
    )
  })

  it('sends pairwise-id wherever it is demanded, but not under Anonymous Access', () => {
    assert.deepEqual(goes({ need: 'pairwise-id' }), ['pairwise-id'])
    assert.deepEqual(goes({ need: 'any' }), ['pairwise-id'])
    assert.ok(!goes({ need: 'any', categories: [uri('anonymous')] }).includes('pairwise-id'))
  })

  it('sends no identifier to a service in Anonymous Access, at home or honoured or not', () => {
    for (const change of [
      { authority: home },
      { release: {} },
      { release: { foreignRequests: true } },
    ]) {
      for (const need of ['pairwise-id', 'subject-id', 'any'] as const) {
        const asked = scene({
          ...change,
          need,
          categories: [uri('anonymous')],
          asks: ['eduPersonTargetedID!'],
        })
        for (const name of ['pairwise-id', 'subject-id', 'eduPersonTargetedID']) {
          assert.equal(asked.reason(name), 'not-in-category', name)
        }
      }
    }
    const overrides = { release: ['pairwise-id'] }
    assert.ok(goes({ categories: [uri('anonymous')], overrides }).includes('pairwise-id'))
  })

  it('needs no pairwise-id beside the subject-id of Personalized Access', () => {
    const asked = scene({ need: 'any', categories: [uri('personalized')] })
    assert.ok(asked.names.includes('subject-id'))
    assert.equal(asked.reason('pairwise-id'), 'superseded')
  })
})

describe('release by entity category: claims of a service that came by itself', () => {
  const categories = [uri('personalized'), uri('esi')]
  const own = { origin: 'self', authority: '', categories }

  it('count only as far as an administrator let them', () => {
    assert.deepEqual(goes(own), [])
    assert.deepEqual(goes({ ...own, overrides: { categories: ['esi'] } }), [
      'schacPersonalUniqueCode',
    ])
    assert.ok(goes({ ...own, overrides: { categories: ['personalized'] } }).includes('mail'))
    assert.deepEqual(goes({ ...own, overrides: { categories: ['research-and-scholarship'] } }), [])
  })

  it('hold it back all the same', () => {
    const asked = scene({ ...own, categories: [uri('anonymous')], need: 'pairwise-id' })
    assert.deepEqual(asked.names, [])
  })

  it('can be narrowed for other services too', () => {
    assert.deepEqual(goes({ categories, overrides: { categories: [] } }), [])
  })
})

describe('release to services of other federations', () => {
  it('gives nothing because it is asked for', () => {
    const asked = scene({ asks: ['mail!', 'sn'] })
    assert.deepEqual(asked.names, [])
    assert.equal(asked.reason('mail'), 'not-in-category')
    assert.match(asked.detail('mail')!, /no category/)
  })

  it('gives it when the institution says so, or an administrator for this service', () => {
    assert.deepEqual(goes({ asks: ['mail', 'sn!'], release: { foreignRequests: true } }), [
      'mail',
      'sn',
    ])
    assert.deepEqual(goes({ asks: ['mail', 'sn!'], overrides: { release: ['mail'] } }), ['mail'])
  })

  it('takes an aggregate’s entity without a registrar for one of another federation', () => {
    assert.deepEqual(goes({ asks: ['mail'], authority: '' }), [])
    assert.deepEqual(goes({ asks: ['mail'], authority: '', origin: 'cli' }), ['mail'])
  })

  it('blocks what an administrator blocked, category or not', () => {
    const asked = scene({ categories: [uri('personalized')], overrides: { block: ['mail'] } })
    assert.equal(asked.reason('mail'), 'admin-block')
    assert.ok(!asked.names.includes('mail'))
  })
})

describe('release to services at home, with entity categories', () => {
  it('gives what is asked for, and what the category gives', () => {
    const asked = scene({ authority: home, categories: [uri('anonymous')], asks: ['mail'] })
    assert.deepEqual(asked.names, sorted('eduPersonScopedAffiliation mail schacHomeOrganization'))
    assert.equal(asked.reason('mail'), 'requested')
    assert.equal(asked.reason('schacHomeOrganization'), 'entity-category')
  })

  it('still gives the identifier that is demanded', () => {
    assert.deepEqual(goes({ authority: home, need: 'subject-id' }), ['subject-id'])
  })
})

describe('release by entity category: what people are told', () => {
  const explained = (change: Scene) => {
    const { target, environment: there } = scene(change)
    return explainRelease(student, target, there)
  }

  it('has a reason and a sentence that names the category', () => {
    const asked = scene({ categories: [uri('personalized')] })
    assert.equal(asked.reason('mail'), 'entity-category')
    assert.match(asked.detail('mail')!, /Personalized Access/)
  })

  it('says what was asked for and does not go, with the categories that count', () => {
    const { attributes, categories } = explained({
      categories: [uri('anonymous'), uri('personalized')],
      asks: ['mail'],
    })
    assert.deepEqual(categories, ['Anonymous Access'])
    const mail = attributes.find(({ name }) => name === 'mail')
    assert.deepEqual([mail?.outcome, mail?.reason], ['refused', 'not-in-category'])
  })

  it('names the ground, which an administrator’s word replaces', () => {
    const categories = [uri('personalized')]
    assert.match(explained({ categories }).legalGround!.text.el, /Έννομο συμφέρον/)
    const overrides = { legalGround: 'Contract' }
    assert.equal(explained({ categories, overrides }).legalGround?.text.en, 'Contract')
    assert.equal(explained({ asks: ['mail'] }).legalGround, undefined)
  })

  it('informs people, because the ground is not consent; what is merely asked for asks them', () => {
    const disclosure = (change: Scene) => {
      const { target, environment: there } = scene(change)
      return disclosureOf(target, there.institution)
    }
    const categories = [uri('personalized')]
    assert.equal(disclosure({ categories }), 'inform')
    assert.equal(disclosure({}), 'ask')
    const release = { entityCategories: entityCategoryNames, foreignRequests: true }
    assert.equal(disclosure({ categories, release }), 'ask')
    assert.equal(disclosure({ categories, authority: home }), 'silent')
  })
})
