import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName, attributeTable } from '../../src/attributes/attribute-table.ts'
import { decideRelease } from '../../src/attributes/release.ts'
import type {
  AttributeSubject,
  Release,
  ReleaseTarget,
} from '../../src/attributes/release-types.ts'
import {
  chooseAttributeConsumingService,
  oidcReleaseTarget,
  samlReleaseTarget,
} from '../../src/attributes/targets.ts'
import type { RelyingParty, ServiceProvider } from '../../src/federation/service.ts'
import { environment, samlTarget, student, studentRole, subjectWith } from './example-people.ts'

const samlName = (name: string) => attributeByName(name)!.samlName
const release = (target: ReleaseTarget, subject: AttributeSubject = student) =>
  decideRelease(subject, target, environment)
const released = (result: Release) => result.attributes.map(({ definition }) => definition.name)
const decisionOn = (name: string, result: Release) =>
  result.decisions.find(({ attribute }) => attribute === name)
const reasonFor = (name: string, result: Release) => decisionOn(name, result)?.reason

const rp = (metadata: Record<string, unknown>, overrides = {}): RelyingParty => ({
  protocol: 'oidc',
  clientId: 'client-1',
  state: 'approved',
  origin: 'test',
  metadata,
  displayName: {},
  description: {},
  informationUrl: {},
  privacyStatementUrl: {},
  overrides,
})

describe('release: default deny', () => {
  it('gives nothing to a service that asks for nothing', () => {
    const result = release(samlTarget([]))
    assert.deepEqual(result.attributes, [])
    assert.ok(result.decisions.every(({ released: goes }) => !goes))
  })

  it('gives what is asked for, and says whether it was required', () => {
    const result = release(
      samlTarget([samlName('mail')], {
        requestedAttributes: [
          { name: samlName('mail'), isRequired: true },
          { name: samlName('sn'), isRequired: false },
        ],
      }),
    )
    assert.deepEqual(released(result), ['mail', 'sn'])
    assert.equal(reasonFor('mail', result), 'required')
    assert.equal(reasonFor('sn', result), 'requested')
  })

  it('does not match on FriendlyName or on names of other formats', () => {
    const requestedAttributes = [
      { name: 'mail', friendlyName: 'mail', isRequired: true },
      { name: 'urn:mace:dir:attribute-def:sn', friendlyName: 'sn', isRequired: true },
    ]
    assert.deepEqual(released(release(samlTarget([], { requestedAttributes }))), [])
  })
})

describe('release: every decision is explained', () => {
  const result = release(
    samlTarget(['mail', 'schacPersonalUniqueID', 'eduPersonOrcid'].map(samlName), {
      overrides: { release: ['o'], block: ['sn'] },
      subjectIdRequirement: 'any',
    }),
  )

  it('has one decision with a sentence for each attribute, in the order of the table', () => {
    assert.deepEqual(
      result.decisions.map(({ attribute }) => attribute),
      attributeTable.map(({ name }) => name),
    )
    for (const { detail } of result.decisions) assert.match(detail, /^[A-Z].*\.$/)
  })

  it('tells the same story as the attributes that go', () => {
    assert.deepEqual(
      released(result),
      result.decisions.filter((one) => one.released).map(({ attribute }) => attribute),
    )
    assert.deepEqual(released(result), ['pairwise-id', 'mail', 'o'])
  })

  it('holds no value of the person', () => {
    const told = JSON.stringify(result.decisions)
    for (const { name, values } of attributeTable) {
      for (const value of values(student, environment, samlTarget([]))) {
        if (value.length > 4) assert.ok(!told.includes(value), name)
      }
    }
  })

  it('says that the person lacks a value that would have gone', () => {
    assert.equal(reasonFor('eduPersonOrcid', result), 'not-available')
    assert.match(decisionOn('eduPersonOrcid', result)!.detail, /no value/)
  })
})

describe('release: an administrator’s word', () => {
  it('blocks what is required, and what an administrator released too', () => {
    const target = samlTarget([samlName('mail')], {
      overrides: { block: ['mail'], release: ['mail'] },
    })
    assert.equal(reasonFor('mail', release(target)), 'admin-block')
    assert.deepEqual(released(release(target)), [])
  })

  it('releases what nobody asked for', () => {
    const target = samlTarget([], { overrides: { release: ['eduPersonPrincipalName'] } })
    assert.deepEqual(released(release(target)), ['eduPersonPrincipalName'])
  })
})

describe('release: national numbers', () => {
  const sensitiveNames = ['schacPersonalUniqueID', 'schGrAcPersonSSN', 'schGrAcPersonTIN']

  it('are marked sensitive', () => {
    const marked = attributeTable.filter(({ sensitivity }) => sensitivity === 'sensitive')
    assert.deepEqual(marked.map(({ name }) => name).sort(), [...sensitiveNames].sort())
  })

  it('never go because a service asks, however it asks', () => {
    for (const isRequired of [true, false]) {
      const requestedAttributes = sensitiveNames.map((name) => ({
        name: samlName(name),
        isRequired,
      }))
      const result = release(samlTarget([], { requestedAttributes }))
      assert.deepEqual(released(result), [])
      assert.equal(reasonFor('schGrAcPersonSSN', result), 'sensitive-without-rule')
    }
    const client = rp({ scope: 'openid schgrac_person_ssn' })
    const asked = oidcReleaseTarget(client, environment, {
      scopes: ['openid', 'schgrac_person_ssn'],
    })
    assert.deepEqual(released(release(asked)), [])
  })

  it('are not even opened for a service that may not have them', () => {
    let opened = 0
    const watching = { ...environment, openNationalNumber: () => `${++opened}` }
    decideRelease(student, samlTarget(sensitiveNames.map(samlName)), watching)
    assert.equal(opened, 0)
  })

  it('go where an administrator names them', () => {
    const target = samlTarget([], { overrides: { release: ['schGrAcPersonSSN'] } })
    assert.deepEqual(release(target).attributes[0]?.values, ['01013099997'])
  })
})

describe('release: subject-id:req (saml-subject-id-attr 2.4)', () => {
  const both = [samlName('subject-id'), samlName('pairwise-id')]
  const ids = (target: Partial<ReleaseTarget>, asked: string[] = []) =>
    released(release(samlTarget(asked, target)))

  it('sends the one that is demanded', () => {
    assert.deepEqual(ids({ subjectIdRequirement: 'subject-id' }), ['subject-id'])
    assert.deepEqual(ids({ subjectIdRequirement: 'pairwise-id' }), ['pairwise-id'])
  })

  it('sends pairwise-id for any, and drops subject-id although it is asked for', () => {
    const result = release(samlTarget(both, { subjectIdRequirement: 'any' }))
    assert.deepEqual(released(result), ['pairwise-id'])
    assert.equal(reasonFor('subject-id', result), 'superseded')
  })

  it('sends subject-id for any when an administrator blocked the other', () => {
    assert.deepEqual(ids({ subjectIdRequirement: 'any', overrides: { block: ['pairwise-id'] } }), [
      'subject-id',
    ])
  })

  it('sends nothing for none, or without a word, unless asked', () => {
    assert.deepEqual(ids({ subjectIdRequirement: 'none' }), [])
    assert.deepEqual(ids({}), [])
    assert.deepEqual(ids({}, [samlName('subject-id')]), ['subject-id'])
  })
})

describe('release: values that cannot go', () => {
  const nameOf = (lastName: string) =>
    release(
      samlTarget([samlName('sn')]),
      subjectWith([studentRole], { lastName: { el: lastName, en: 'X' } }),
    )

  it('drops a value that XML cannot carry, and says so', () => {
    for (const text of ['a\u0000b', 'a\u001Bb', '\uD800', '\uFFFE']) {
      assert.deepEqual(released(nameOf(text)), [])
      assert.match(decisionOn('sn', nameOf(text))!.detail, /XML cannot carry/)
    }
  })

  it('drops a value of more than 256 characters (saml2int SDP-G02)', () => {
    assert.deepEqual(released(nameOf('α'.repeat(256))), ['sn'])
    assert.deepEqual(released(nameOf('α'.repeat(257))), [])
  })
})

describe('release targets: SAML', () => {
  const sp = {
    protocol: 'saml',
    entityId: 'https://sp.example.org/',
    entityCategories: [],
    overrides: {},
    assertionConsumerServices: [],
    attributeConsumingServices: [
      { index: 1, isDefault: false, serviceName: {}, requestedAttributes: [] },
      {
        index: 7,
        isDefault: true,
        serviceName: {},
        requestedAttributes: [{ name: samlName('mail'), isRequired: true }],
      },
    ],
  } as unknown as ServiceProvider

  it('choose the AttributeConsumingService by index, else the default, else the first', () => {
    assert.equal(chooseAttributeConsumingService(sp, 1)?.index, 1)
    assert.equal(chooseAttributeConsumingService(sp)?.index, 7)
    assert.equal(chooseAttributeConsumingService(sp, 99)?.index, 7)
    const [first] = sp.attributeConsumingServices
    assert.equal(
      chooseAttributeConsumingService({ attributeConsumingServices: [first!] })?.index,
      1,
    )
  })

  it('are the same object for the same choice, so that its rules are worked out once', () => {
    assert.equal(samlReleaseTarget(sp, environment), samlReleaseTarget(sp, environment, 7))
    assert.notEqual(samlReleaseTarget(sp, environment), samlReleaseTarget(sp, environment, 1))
    assert.deepEqual(released(release(samlReleaseTarget(sp, environment, 1))), [])
    assert.deepEqual(released(release(samlReleaseTarget(sp, environment))), ['mail'])
  })

  it('are international when another federation registered the service', () => {
    const audience = (registrationAuthority?: string) =>
      samlReleaseTarget({ ...sp, registrationAuthority }, environment).audience
    assert.equal(audience(), 'national')
    assert.equal(audience('http://aai.grnet.gr/'), 'national')
    assert.equal(audience('http://ukfederation.org.uk'), 'international')
  })
})

describe('release targets: OpenID Connect', () => {
  const client = rp({ scope: 'openid profile eduperson_scoped_affiliation' })

  it('give what the scopes ask for', () => {
    const target = oidcReleaseTarget(client, environment, { scopes: ['openid', 'profile'] })
    const result = release(target)
    assert.deepEqual(result.attributes.map(({ definition }) => definition.claim).sort(), [
      'family_name',
      'given_name',
      'locale',
      'name',
      'preferred_username',
    ])
    assert.equal(reasonFor('displayName', result), 'scope')
    assert.match(decisionOn('displayName', result)!.detail, /"profile"/)
  })

  it('never give more than the client is registered for', () => {
    const scopes = ['openid', 'email', 'schac_date_of_birth']
    const claims = [{ name: 'email', isEssential: true }]
    assert.deepEqual(
      released(release(oidcReleaseTarget(client, environment, { scopes, claims }))),
      [],
    )
  })

  it('give single claims within the registered scopes', () => {
    const result = release(
      oidcReleaseTarget(client, environment, {
        scopes: ['openid'],
        claims: [{ name: 'given_name', isEssential: true }, { name: 'name' }],
      }),
    )
    assert.deepEqual(released(result), ['displayName', 'givenName'])
    assert.equal(reasonFor('givenName', result), 'required')
  })

  it('give nothing to a client registered without scope', () => {
    const target = oidcReleaseTarget(rp({}), environment, {
      scopes: ['openid', 'profile', 'email'],
    })
    assert.deepEqual(released(release(target)), [])
  })

  it('keep no more targets than they must for a client that varies its requests', () => {
    const first = oidcReleaseTarget(client, environment, { scopes: ['openid', 'profile'] })
    assert.equal(oidcReleaseTarget(client, environment, { scopes: ['openid', 'profile'] }), first)
    for (let i = 0; i < 200; i++) oidcReleaseTarget(client, environment, { scopes: [`x${i}`] })
    assert.notEqual(
      oidcReleaseTarget(client, environment, { scopes: ['openid', 'profile'] }),
      first,
    )
  })
})

describe('one person, two protocols', () => {
  it('has equal values over SAML and OpenID Connect', () => {
    const shared = attributeTable.filter(({ samlName: name, claim }) => name !== '' && claim)
    const names = shared.map(({ name }) => name)
    const overrides = { release: names }
    const id = 'https://service.example.org/'
    const saml = release(samlTarget([], { id, overrides }))
    const oidc = release({ ...samlTarget([], { id, overrides }), protocol: 'oidc' })
    assert.ok(saml.attributes.length > 20)
    assert.deepEqual(saml.attributes, oidc.attributes)
  })

  it('has no attribute over SAML that only OpenID Connect knows, and the other way round', () => {
    const overrides = { release: ['emailVerified', 'uid'] }
    assert.deepEqual(released(release(samlTarget([], { overrides }))), ['uid'])
    const oidc = release({ ...samlTarget([], { overrides }), protocol: 'oidc' })
    assert.deepEqual(released(oidc), ['emailVerified'])
  })
})
