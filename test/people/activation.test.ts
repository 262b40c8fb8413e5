import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import {
  type ActivationFacts,
  addActivatedRole,
  completeActivation,
} from '../../src/people/activation.ts'
import { accounts, findAccount } from '../../src/people/people-store.ts'
import { addPerson } from '../support/people.ts'
import { useStore } from '../support/store.ts'

const now = new Date('2026-10-01T08:00:00Z')
const later = new Date('2027-10-01T08:00:00Z')
const acceptedTerms = { terms: '2026-09-01', privacy: '2026-08-01', acceptedAt: now }
let personId: string
let facts: ActivationFacts

useStore()
beforeEach(async () => {
  const { account } = await addPerson()
  personId = account._id
  await accounts().replaceOne(
    { _id: personId },
    {
      username: account.username,
      state: 'pending',
      recoveryCode: { hmac: 'aa', issuedAt: now, expiresAt: later, triesLeft: 5 },
    },
  )
  facts = {
    username: account.username,
    passwordHash: 'hash',
    activatedRoles: ['student'],
    mobile: '+306900000001',
    email: 'dimitra@example.org',
    acceptedTerms,
    activation: {
      reference: 'K7F-2QX',
      way: 'pin',
      proven: ['sms'],
      numberCheckedBy: 'embedded',
    },
  }
})

describe('completing an activation', () => {
  it('makes the account active with everything the person gave, and voids the passphrase', async () => {
    assert.equal(await completeActivation(personId, facts, now), 'done')
    assert.deepEqual(await findAccount(personId), {
      _id: personId,
      username: facts.username,
      state: 'active',
      passwordHash: 'hash',
      passwordChangedAt: now,
      activatedAt: now,
      activatedRoles: ['student'],
      mobile: '+306900000001',
      mobileConsentAt: now,
      email: 'dimitra@example.org',
      emailConsentAt: now,
      acceptedTerms,
      activation: facts.activation,
      academicIdDue: now,
    })
  })

  it('keeps no contact without consent, and counts all roles when none are named', async () => {
    const { username, passwordHash } = facts
    const activation = { way: 'administrator' } as const
    await completeActivation(personId, { username, passwordHash, activation }, now)
    assert.deepEqual(await findAccount(personId), {
      _id: personId,
      username,
      state: 'active',
      passwordHash,
      passwordChangedAt: now,
      activatedAt: now,
      activation,
      academicIdDue: now,
    })
  })

  it('happens once, however many windows finish at the same moment', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, window) => ({
        window,
        outcome: await completeActivation(
          personId,
          { ...facts, passwordHash: `hash ${window}` },
          now,
        ),
      })),
    )
    const done = outcomes.filter(({ outcome }) => outcome === 'done')
    assert.equal(done.length, 1)
    assert.ok(outcomes.every(({ outcome }) => ['done', 'not-pending'].includes(outcome)))
    assert.equal((await findAccount(personId))?.passwordHash, `hash ${done[0]?.window}`)
  })

  it('changes nothing when the source has corrected the username meanwhile', async () => {
    await accounts().updateOne({ _id: personId }, { $set: { username: `${facts.username}x` } })
    assert.equal(await completeActivation(personId, facts, now), 'username-changed')
    const account = await findAccount(personId)
    assert.equal(account?.state, 'pending')
    assert.equal(account?.passwordHash, undefined)
    assert.ok(account?.recoveryCode)
  })

  it('changes nothing for an account that was stopped, or is not there', async () => {
    await accounts().updateOne({ _id: personId }, { $set: { state: 'disabled' } })
    assert.equal(await completeActivation(personId, facts, now), 'not-pending')
    assert.equal((await findAccount(personId))?.passwordHash, undefined)
    assert.equal(await completeActivation('0'.repeat(32), facts, now), 'not-pending')
  })
})

describe('activating one more role', () => {
  beforeEach(() => completeActivation(personId, facts, now))

  it('adds it once, and leaves password, contacts and terms as they are', async () => {
    const before = await findAccount(personId)
    assert.equal(await addActivatedRole(personId, 'staff', {}, later), true)
    assert.equal(await addActivatedRole(personId, 'staff', {}, later), true)
    assert.deepEqual(await findAccount(personId), {
      ...before,
      activatedRoles: ['student', 'staff'],
    })
  })

  it('replaces a contact that the person gave anew', async () => {
    const newTerms = { ...acceptedTerms, acceptedAt: later }
    const agreed = { mobile: '+306900000009', acceptedTerms: newTerms }
    await addActivatedRole(personId, 'affiliate', agreed, later)
    const account = await findAccount(personId)
    assert.equal(account?.mobile, '+306900000009')
    assert.deepEqual(account?.mobileConsentAt, later)
    assert.equal(account?.email, 'dimitra@example.org')
    assert.deepEqual(account?.emailConsentAt, now)
    assert.deepEqual(account?.acceptedTerms, newTerms)
  })

  it('loses none of several that are activated at the same moment', async () => {
    await Promise.all([
      addActivatedRole(personId, 'staff', {}, later),
      addActivatedRole(personId, 'affiliate', {}, later),
    ])
    const roles = (await findAccount(personId))?.activatedRoles ?? []
    assert.deepEqual([...roles].sort(), ['affiliate', 'staff', 'student'])
  })

  it('does nothing for an account that is stopped, or that has all its roles', async () => {
    await accounts().updateOne({ _id: personId }, { $set: { state: 'locked' } })
    assert.equal(await addActivatedRole(personId, 'staff', {}, later), false)
    await accounts().updateOne(
      { _id: personId },
      { $set: { state: 'active' }, $unset: { activatedRoles: '' } },
    )
    assert.equal(await addActivatedRole(personId, 'staff', {}, later), false)
    assert.equal((await findAccount(personId))?.activatedRoles, undefined)
  })
})
