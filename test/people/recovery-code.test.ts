import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Account } from '../../src/people/account.ts'
import { completeActivation } from '../../src/people/activation.ts'
import { makePassphrase, normalizePassphrase } from '../../src/people/passphrase.ts'
import { accounts, findAccount, people } from '../../src/people/people-store.ts'
import {
  type ChosenPassword,
  issueRecoveryCode,
  redeemRecoveryCode,
} from '../../src/people/recovery-code.ts'
import { addPerson } from '../support/people.ts'
import { useStore } from '../support/store.ts'
import { fixedSecrets } from './support.ts'

useStore()

const dayMs = 86_400_000
let now = new Date('2026-11-22T08:00:00Z')
const context = { secrets: fixedSecrets(), now: () => now }
beforeEach(() => {
  now = new Date('2026-11-22T08:00:00Z')
})

const pending = {
  state: 'pending',
  passwordHash: undefined,
  activatedAt: undefined,
  passwordChangedAt: undefined,
} as const

async function addPending(change: Partial<Account> = {}) {
  const { account } = await addPerson({ account: { ...pending, ...change } })
  return account
}

const chosen: ChosenPassword = {
  passwordHash: '$argon2id$synthetic',
  acceptedTerms: { terms: '1', privacy: '2', acceptedAt: now },
}

function redeem(account: Account, passphrase: string, password: ChosenPassword | null = chosen) {
  return redeemRecoveryCode(
    context,
    account.username,
    passphrase,
    async () => password ?? undefined,
  )
}

describe('A passphrase on paper', () => {
  it('has four groups of letters and digits that nobody mistakes for one another', () => {
    for (let count = 0; count < 200; count++) {
      const passphrase = makePassphrase()
      assert.match(passphrase, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/)
      assert.doesNotMatch(passphrase, /[oilqruvwz015]/)
      assert.equal(normalizePassphrase(passphrase), passphrase.replaceAll('-', ''))
    }
  })

  it('is the same in capitals, with other spaces or hyphens, or none', () => {
    for (const typed of [
      'KD7M-3XPA-9FGT-E2HN',
      'kd7m3xpa9fgte2hn',
      ' kd7m 3xpa 9fgt e2hn ',
      'kd7m–3xpa‑9fgt\u00a0e2hn.',
      'Kd7m 3xPa\t9fgt-e2hn',
    ]) {
      assert.equal(normalizePassphrase(typed), 'kd7m3xpa9fgte2hn', typed)
    }
  })

  it('is the same when every key was pressed with the Greek keyboard on', () => {
    const keys = 'abcdefghjkmnpstxy'
    const greek = 'αβψδεφγηξκμνπστχυ'
    assert.equal(normalizePassphrase(greek), keys)
    assert.equal(normalizePassphrase(greek.toUpperCase()), keys)
    assert.equal(normalizePassphrase('ΚΔ7Μ-3ΧΠΑ-9ΦΓΤ-Ε2ΗΝ'), 'kd7m3xpa9fgte2hn')
    assert.equal(normalizePassphrase('άέήύ'), 'aehy')
  })

  it('is the same with Greek capitals of the same shape', () => {
    assert.equal(normalizePassphrase('ΑΒΕΗΚΜΝΡΤΥΧ'), 'abehkmnptyx')
  })
})

describe('Activating with a one-time passphrase', () => {
  it('makes the account active at once, with password and accepted terms, and no other way in', async () => {
    const account = await addPending()
    const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
    const stored = await findAccount(account._id)
    assert.ok(!JSON.stringify(stored).includes(normalizePassphrase(passphrase)))
    assert.equal(stored?.recoveryCode?.expiresAt.getTime(), now.getTime() + 30 * dayMs)

    assert.equal((await redeem(account, passphrase.toUpperCase())).outcome, 'done')
    const active = await findAccount(account._id)
    assert.equal(active?.state, 'active')
    assert.equal(active?.passwordHash, chosen.passwordHash)
    assert.deepEqual(active?.acceptedTerms, chosen.acceptedTerms)
    assert.deepEqual(active?.activation, { way: 'passphrase' })
    assert.deepEqual(active?.activatedAt, now)
    assert.equal(active?.recoveryCode, undefined)
    assert.equal(active?.activatedRoles, undefined)
  })

  it('works once: afterwards the paper is worth nothing', async () => {
    const account = await addPending()
    const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
    assert.equal((await redeem(account, passphrase)).outcome, 'done')
    const again = await redeem(account, passphrase, { ...chosen, passwordHash: 'another' })
    assert.equal(again.outcome, 'refused')
    assert.equal((await findAccount(account._id))?.passwordHash, chosen.passwordHash)
  })

  it('is done by one of twenty at the same time', async () => {
    const account = await addPending()
    const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        redeem(account, passphrase, { ...chosen, passwordHash: `hash ${index}` }),
      ),
    )
    const winners = results.flatMap(({ outcome }, index) => (outcome === 'done' ? [index] : []))
    assert.equal(winners.length, 1)
    assert.equal((await findAccount(account._id))?.passwordHash, `hash ${winners[0]}`)
  })

  it('ends with the day it is good until', async () => {
    const account = await addPending()
    const passphrase = await issueRecoveryCode(context, account._id, { days: 2 })
    now = new Date(now.getTime() + 2 * dayMs)
    const late = await redeem(account, passphrase)
    assert.equal(late.outcome === 'refused' && late.reason, 'code-expired')
    now = new Date(now.getTime() - 1)
    assert.equal((await redeem(account, passphrase)).outcome, 'done')
  })

  it('ends while the person chooses a password, when it expires then', async () => {
    const account = await addPending()
    const passphrase = await issueRecoveryCode(context, account._id, { days: 1 })
    const result = await redeemRecoveryCode(context, account.username, passphrase, async () => {
      now = new Date(now.getTime() + dayMs)
      return chosen
    })
    assert.equal(result.outcome, 'refused')
    assert.equal((await findAccount(account._id))?.state, 'pending')
  })

  it('survives four wrong passphrases and dies with the fifth', async () => {
    const account = await addPending()
    const first = await issueRecoveryCode(context, account._id, { days: 30 })
    for (let count = 0; count < 4; count++) {
      const wrong = await redeem(account, makePassphrase())
      assert.equal(wrong.outcome === 'refused' && wrong.reason, 'wrong-passphrase')
    }
    assert.equal((await redeem(account, first, null)).outcome, 'not-chosen')
    await redeem(account, makePassphrase())
    const dead = await redeem(account, first)
    assert.equal(dead.outcome === 'refused' && dead.reason, 'code-used-up')
    assert.equal((await findAccount(account._id))?.state, 'pending')
  })

  it('gives twenty guesses at the same time no more than five tries', async () => {
    const account = await addPending()
    await issueRecoveryCode(context, account._id, { days: 30 })
    const results = await Promise.all(
      Array.from({ length: 20 }, () => redeem(account, makePassphrase())),
    )
    const compared = results.filter((result) => result.outcome === 'refused' && result.tookTry)
    assert.equal(compared.length, 5)
  })

  it('is void when a new one was issued', async () => {
    const account = await addPending()
    const old = await issueRecoveryCode(context, account._id, { days: 30 })
    const current = await issueRecoveryCode(context, account._id, { days: 30 })
    assert.equal((await redeem(account, old)).outcome, 'refused')
    assert.equal((await redeem(account, current)).outcome, 'done')
  })

  it('loses no try over a password that may not be used', async () => {
    const account = await addPending()
    const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
    for (let count = 0; count < 8; count++) {
      assert.equal((await redeem(account, passphrase, null)).outcome, 'not-chosen')
    }
    assert.equal((await findAccount(account._id))?.recoveryCode?.triesLeft, 5)
    assert.equal((await redeem(account, passphrase)).outcome, 'done')
  })

  it('opens no account but its own', async () => {
    const [account, other] = [await addPending(), await addPending()]
    const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
    await issueRecoveryCode(context, other._id, { days: 30 })
    assert.equal((await redeem(other, passphrase)).outcome, 'refused')
  })

  it('is not asked about a password before the passphrase was right', async () => {
    const account = await addPending()
    await issueRecoveryCode(context, account._id, { days: 30 })
    const asked = async () => assert.fail('asked for a password')
    for (const username of [account.username, 'nobody.has.this', '']) {
      const result = await redeemRecoveryCode(context, username, makePassphrase(), asked)
      assert.equal(result.outcome, 'refused')
    }
  })

  it('tells an account that is active, locked, disabled or expired only after the right passphrase', async () => {
    const cases: [Partial<Account>, string][] = [
      [{ state: 'active' }, 'renewable'],
      [{ state: 'locked' }, 'renewable'],
      [{ state: 'disabled' }, 'stopped'],
      [{ state: 'pending', expiresAt: new Date('2026-11-01') }, 'stopped'],
    ]
    for (const [change, outcome] of cases) {
      const account = await addPending(change)
      const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
      const before = await findAccount(account._id)
      assert.equal((await redeem(account, makePassphrase())).outcome, 'refused')
      assert.equal((await redeem(account, passphrase)).outcome, outcome)
      const after = await findAccount(account._id)
      assert.equal(after?.recoveryCode?.triesLeft, 4)
      assert.equal(after?.recoveryCode?.hmac, before?.recoveryCode?.hmac)
      assert.equal(after?.state, before?.state)
    }
  })

  it('stops when no role is left to activate', async () => {
    const { person, account } = await addPerson({ account: pending })
    const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
    await people().updateOne(
      { _id: person._id },
      { $set: { roles: person.roles.map((role) => ({ ...role, status: 'ended' as const })) } },
    )
    assert.equal((await redeem(account, passphrase)).outcome, 'stopped')
  })

  it('is void once the person activated with a PIN, also in the middle of it', async () => {
    const account = await addPending()
    const passphrase = await issueRecoveryCode(context, account._id, { days: 30 })
    const result = await redeemRecoveryCode(context, account.username, passphrase, async () => {
      const facts = { username: account.username, passwordHash: 'pin', activation: { way: 'pin' } }
      await completeActivation(account._id, facts as never, now)
      return chosen
    })
    assert.equal(result.outcome, 'already-active')
    assert.equal((await accounts().findOne({ _id: account._id }))?.passwordHash, 'pin')
  })
})
