import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { decideRelease } from '../../src/attributes/release.ts'
import { oidcReleaseTarget } from '../../src/attributes/targets.ts'
import type { RelyingParty } from '../../src/federation/service.ts'
import { withActivatedRoles } from '../../src/people/activated-roles.ts'
import { accounts } from '../../src/people/people-store.ts'
import type { PersonRole } from '../../src/people/person.ts'
import type { RoleChoice } from '../../src/people/role-choice.ts'
import { rememberSubject } from '../../src/sso/request-subject.ts'
import { loadActiveSubject, loadSubject, type SessionSubject } from '../../src/sso/subject.ts'
import { environment, samlTarget } from '../attributes/example-people.ts'
import { addPerson } from '../support/people.ts'
import { useStore } from '../support/store.ts'

const now = new Date('2026-11-20T10:00:00Z')
const role = (kind: PersonRole['role']): PersonRole => ({
  source: kind,
  sourceId: '1',
  role: kind,
  status: 'active',
})
const roles = [role('student'), role('faculty'), role('affiliate')]
const affiliation = 'urn:oid:1.3.6.1.4.1.5923.1.1.1.1'

const relyingParty: RelyingParty = {
  protocol: 'oidc',
  clientId: 'client-1',
  state: 'approved',
  origin: 'test',
  metadata: { scope: 'openid eduperson' },
  displayName: {},
  description: {},
  informationUrl: {},
  privacyStatementUrl: {},
  overrides: {},
}

/** eduPersonAffiliation as SAML and OpenID Connect services get it. */
function affiliations(subject: SessionSubject | undefined): { saml: string[]; oidc: string[] } {
  assert.ok(subject)
  const targets = {
    saml: samlTarget([affiliation]),
    oidc: oidcReleaseTarget(relyingParty, environment, {
      scopes: ['openid'],
      claims: [{ name: 'eduperson_affiliation', isEssential: true }],
    }),
  }
  const given = (target: typeof targets.saml) =>
    decideRelease({ ...subject, now }, target, environment)
      .attributes.flatMap(({ values }) => values)
      .sort()
  return { saml: given(targets.saml), oidc: given(targets.oidc) }
}

useStore()

/** The subject on both ways that protocols ask for it, and of a request that carries it. */
async function subjectsOf(activatedRoles: readonly RoleChoice[] | undefined) {
  const { person } = await addPerson({ person: { roles }, account: { activatedRoles } })
  const account = await accounts().findOne({ _id: person._id })
  assert.ok(account)
  const context = { now: () => now }
  const carrying = {} as IncomingMessage
  rememberSubject(carrying, { person, account })
  return [
    await loadActiveSubject(person._id, now),
    await loadSubject(context, {} as IncomingMessage, { id: 's', personId: person._id }),
    await loadSubject(context, carrying, { id: 's', personId: person._id }),
  ]
}

describe('roles that count', () => {
  it('are those that the person activated, for SAML and OpenID Connect alike', async () => {
    for (const subject of await subjectsOf(['student'])) {
      const expected = ['member', 'student']
      assert.deepEqual(affiliations(subject), { saml: expected, oidc: expected })
    }
    for (const subject of await subjectsOf(['staff'])) {
      const expected = ['employee', 'faculty', 'member']
      assert.deepEqual(affiliations(subject), { saml: expected, oidc: expected })
    }
  })

  it('are all for an account without a list of them', async () => {
    for (const subject of await subjectsOf(undefined)) {
      assert.equal(subject?.person.roles.length, 3)
      assert.ok(affiliations(subject).saml.includes('faculty'))
    }
  })

  it('are none when none was activated: a list that is empty is not a missing one', async () => {
    for (const subject of await subjectsOf([])) {
      assert.deepEqual(affiliations(subject), { saml: [], oidc: [] })
    }
  })

  it('cost no copy of the person when nothing is left out', async () => {
    const { person } = await addPerson({ person: { roles } })
    assert.equal(withActivatedRoles(person, {}), person)
    const all = { activatedRoles: ['student', 'staff', 'affiliate'] } as const
    assert.equal(withActivatedRoles(person, all), person)
    assert.notEqual(withActivatedRoles(person, { activatedRoles: ['student'] }), person)
    assert.equal(person.roles.length, 3)
  })
})
