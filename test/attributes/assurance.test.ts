import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import type { AssuranceClaims } from '../../src/institution.ts'
import type { ActivationProof } from '../../src/people/account.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { environment, samlTarget, studentRole, subjectWith } from './example-people.ts'

const prefix = 'https://refeds.org/assurance/'
const everything: AssuranceClaims = {
  identityProofing: 'high',
  localEnterprise: true,
  usernamesNeverReassigned: true,
  affiliationFreshness: '1d',
}
const byPin: ActivationProof = { way: 'pin', proven: ['sms'], numberCheckedBy: 'national' }

/** Without the prefix, which every activated account has. */
function claims(
  activation: ActivationProof | undefined,
  assurance: AssuranceClaims | undefined,
  roles: readonly PersonRole[] = [studentRole],
) {
  const subject = subjectWith(roles)
  const values = attributeByName('eduPersonAssurance')!.values(
    { ...subject, account: { ...subject.account, activation } },
    { ...environment, institution: { ...environment.institution, attributes: { assurance } } },
    samlTarget([]),
  )
  assert.equal(values[0], prefix.slice(0, -1))
  return values.slice(1).map((value) => value.replace(prefix, ''))
}

describe('eduPersonAssurance (REFEDS Assurance Framework 2.0)', () => {
  const least = ['version/2', 'ID/unique', 'IAP/low']

  it('claims the least for every activated account, whatever the activation proved', () => {
    for (const proof of [undefined, byPin, { way: 'administrator' } as const]) {
      assert.deepEqual(claims(proof, undefined), least)
      assert.deepEqual(claims(proof, { identityProofing: 'low' }), least)
    }
  })

  it('claims all that the institution vouches for and the activation proves, lower levels too', () => {
    assert.deepEqual(claims(byPin, everything), [
      'version/2',
      'ID/unique',
      'ID/eppn-unique-no-reassign',
      'IAP/low',
      'IAP/medium',
      'IAP/high',
      'IAP/local-enterprise',
      'ATP/ePA-1d',
      'ATP/ePA-1m',
      'profile/cappuccino',
      'profile/espresso',
    ])
  })

  it('goes to medium only with a contact on record proved and a number on record or confirmed', () => {
    const medium = (proof: ActivationProof) =>
      claims(proof, { identityProofing: 'medium' }).includes('IAP/medium')
    assert.equal(medium(byPin), true)
    const onRecord = { way: 'pin', proven: ['email'], numberOnRecord: true } as const
    assert.equal(medium(onRecord), true, 'a foreign number that the source has')
    assert.equal(medium({ ...onRecord, numberCheckedBy: 'embedded' }), true)
    // The embedded registry says yes to a number that it has never heard of.
    const given = { ...onRecord, numberOnRecord: undefined }
    assert.equal(medium({ ...given, numberCheckedBy: 'embedded' }), false)
    assert.equal(medium(given), false)
    assert.equal(medium({ ...byPin, proven: [] }), false)
    assert.equal(medium({ ...byPin, proven: undefined }), false)
  })

  it('never goes beyond low for paper and for administrators', () => {
    for (const way of ['passphrase', 'administrator'] as const) {
      const given = claims({ ...byPin, way }, everything)
      assert.deepEqual(
        given.filter((value) => value.startsWith('IAP/') && !value.endsWith('local-enterprise')),
        ['IAP/low'],
      )
      assert.ok(!given.some((value) => value.startsWith('profile/')))
    }
  })

  it('goes to high only when the national registry confirmed the number', () => {
    const own = { ...byPin, numberCheckedBy: 'embedded', numberOnRecord: true } as const
    const embedded = claims(own, everything)
    assert.ok(embedded.includes('IAP/medium') && !embedded.includes('IAP/high'))
    assert.ok(embedded.includes('profile/cappuccino') && !embedded.includes('profile/espresso'))
  })

  it('never goes beyond what the institution vouches for', () => {
    const given = claims(byPin, { ...everything, identityProofing: 'medium' })
    assert.ok(given.includes('IAP/medium') && !given.includes('IAP/high'))
  })

  it('vouches for students and staff, also after their role has ended, not for affiliates', () => {
    const only = (changes: Partial<PersonRole>) =>
      claims(byPin, everything, [{ ...studentRole, ...changes }])
    const affiliate = only({ role: 'affiliate' })
    assert.ok(!affiliate.includes('IAP/medium') && !affiliate.includes('IAP/local-enterprise'))
    assert.ok(only({ role: 'staff' }).includes('IAP/high'))
    assert.ok(only({ status: 'ended' }).includes('IAP/high'))
  })

  it('takes an account for good enough for own systems only when its activation left a trace', () => {
    const enterprise = (proof: ActivationProof | undefined) =>
      claims(proof, { localEnterprise: true }).includes('IAP/local-enterprise')
    assert.equal(enterprise({ way: 'pin' }), true)
    assert.equal(enterprise({ way: 'passphrase' }), true)
    assert.equal(enterprise({ way: 'administrator' }), false)
    assert.equal(enterprise(undefined), false)
  })

  it('has profiles only with fresh affiliations', () => {
    const profiles = (affiliationFreshness: AssuranceClaims['affiliationFreshness']) =>
      claims(byPin, { identityProofing: 'high', affiliationFreshness }).filter((value) =>
        /^(ATP|profile)/.test(value),
      )
    assert.deepEqual(profiles(undefined), [])
    assert.deepEqual(profiles('1m'), ['ATP/ePA-1m', 'profile/cappuccino', 'profile/espresso'])
  })
})
