import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { affiliationsOf } from '../../src/attributes/affiliations.ts'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import type { Affiliation } from '../../src/attributes/release-types.ts'
import { withActivatedRoles } from '../../src/people/activated-roles.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { environment, now, samlTarget, studentRole, subjectWith } from './example-people.ts'

const role = (changes: Partial<PersonRole>): PersonRole => ({ ...studentRole, ...changes })
const of = (roles: readonly Partial<PersonRole>[], at = now, first?: readonly Affiliation[]) => [
  ...affiliationsOf({ roles: roles.map(role) }, at, first),
]

describe('alumni', () => {
  const graduate = { status: 'ended', graduatedOn: '2026-07-10' } as const

  it('are those whose studies ended with a degree, and are no members', () => {
    assert.deepEqual(of([graduate]), ['alum'])
    assert.deepEqual(of([{ status: 'ended' }]), [], 'ended without a degree')
  })

  it('are so from the day of the degree in Greece', () => {
    const onDay = { status: 'ended', graduatedOn: '2026-11-21' } as const
    // Greece is two hours ahead of UTC in winter.
    assert.deepEqual(of([onDay], new Date('2026-11-20T21:59:59Z')), [])
    assert.deepEqual(of([onDay], new Date('2026-11-20T22:00:00Z')), ['alum'])
  })

  it('are students until their studies have ended or run out', () => {
    const running = { graduatedOn: '2026-07-10', validTo: '2026-11-20' }
    assert.deepEqual(of([running]), ['student', 'member'])
    assert.deepEqual(of([running], new Date('2026-11-20T22:00:00Z')), ['alum'])
  })

  it('are not made by a suspended role', () => {
    assert.deepEqual(of([{ ...graduate, status: 'suspended' }]), [])
  })

  it('can be what else they are now', () => {
    assert.deepEqual(of([graduate, { sourceId: '2', degreeLevel: 'doctorate' }]), [
      'student',
      'alum',
      'member',
    ])
    assert.deepEqual(of([graduate, { sourceId: '2', role: 'affiliate' }]), ['affiliate', 'alum'])
  })

  it('are not told of who did not activate the studies', () => {
    const { person } = subjectWith([role(graduate), role({ role: 'staff', sourceId: '2' })])
    const staffOnly = withActivatedRoles(person, { activatedRoles: ['staff'] })
    assert.deepEqual(affiliationsOf(staffOnly, now), ['staff', 'employee', 'member'])
    const all = withActivatedRoles(person, {})
    assert.deepEqual(affiliationsOf(all, now), ['staff', 'employee', 'alum', 'member'])
  })
})

describe('the primary affiliation', () => {
  const busy = [{}, { role: 'staff', sourceId: '2' }] as const

  it('is what one does for the institution, unless it says otherwise', () => {
    assert.equal(of(busy)[0], 'staff')
    assert.equal(of(busy, now, ['student'])[0], 'student')
    assert.equal(of(busy, now, ['alum', 'member'])[0], 'member')
  })

  it('is always one that the person has, whatever the order', () => {
    const orders: Affiliation[][] = [['alum'], ['faculty', 'affiliate'], ['employee', 'student']]
    for (const first of orders) {
      for (const roles of [[{}], [{ role: 'affiliate' }], busy, []] as Partial<PersonRole>[][]) {
        const subject = subjectWith(roles.map(role))
        const at = {
          ...environment,
          institution: { ...environment.institution, attributes: { primaryAffiliation: first } },
        }
        const values = (name: string) => [
          ...attributeByName(name)!.values(subject, at, samlTarget([])),
        ]
        const [primary] = values('eduPersonPrimaryAffiliation')
        assert.equal(primary, values('eduPersonAffiliation')[0])
        assert.deepEqual(
          values('eduPersonScopedAffiliation'),
          values('eduPersonAffiliation').map((one) => `${one}@uni.example.gr`),
        )
      }
    }
  })
})

describe('when a role counts', () => {
  it('is from the first to the last moment of its days in Greece, summer time included', () => {
    const summer = { validFrom: '2026-03-29', validTo: '2026-10-25' }
    const at = (time: string) => of([summer], new Date(time)).length > 0
    // Clocks change on both days: +02:00 at the beginning, +02:00 again at the end.
    assert.equal(at('2026-03-28T21:59:59.999Z'), false)
    assert.equal(at('2026-03-28T22:00:00Z'), true)
    assert.equal(at('2026-10-25T21:59:59.999Z'), true)
    assert.equal(at('2026-10-25T22:00:00Z'), false)
    const july = { validTo: '2026-07-31' }
    assert.deepEqual(of([july], new Date('2026-07-31T20:59:59Z')), ['student', 'member'])
    assert.deepEqual(of([july], new Date('2026-07-31T21:00:00Z')), [])
  })
})
