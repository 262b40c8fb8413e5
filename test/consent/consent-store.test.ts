import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { covers } from '../../src/consent/consent.ts'
import { consents } from '../../src/consent/consent-model.ts'
import {
  findConsent,
  listConsents,
  type NewDecision,
  recordDecision,
  recordWithdrawal,
  takeOneTimeAgreement,
} from '../../src/consent/consent-store.ts'
import { useStore } from '../support/store.ts'

useStore()

const at = new Date('2026-11-26T10:00:00Z')
const service = { protocol: 'saml', id: 'https://library.example.gr' } as const

function decision(change: Partial<NewDecision> = {}): NewDecision {
  return {
    kind: 'agree',
    mode: 'ask',
    attributes: ['mail'],
    isRemembered: true,
    language: 'el',
    at,
    sessionId: 's1',
    onceSeconds: 600,
    ...change,
  }
}

let persons = 0
const newPerson = () => `person-${++persons}`

describe('Decisions about a service', () => {
  it('get a version each, also when many are taken at once, and none is lost', async () => {
    const person = newPerson()
    const names = Array.from({ length: 20 }, (_, index) => `attribute${index}`)
    const versions = await Promise.all(
      names.map((name) => recordDecision(person, service, decision({ attributes: [name] }))),
    )
    assert.deepEqual(
      [...versions].sort((a, b) => a - b),
      names.map((_, index) => index + 1),
    )
    const record = await findConsent(person, service)
    assert.equal(record?.version, 20)
    assert.deepEqual(
      record?.decisions.map(({ version }) => version),
      names.map((_, index) => index + 1),
    )
    assert.deepEqual([...record!.standing!.attributes].sort(), [...names].sort())
  })

  it('taken for once at the same time are all there, each for its own answer', async () => {
    const person = newPerson()
    const versions = await Promise.all(
      [1, 2, 3, 4, 5].map(() => recordDecision(person, service, decision({ isRemembered: false }))),
    )
    const record = await findConsent(person, service)
    assert.deepEqual(record?.once.map(({ version }) => version).sort(), versions.sort())
    const taken = await Promise.all(
      [versions[0]!, versions[0]!].map((version) => takeOneTimeAgreement(person, service, version)),
    )
    assert.deepEqual(taken.sort(), [false, true])
    assert.equal((await findConsent(person, service))?.once.length, 4)
  })

  it('are kept by person, protocol and service', async () => {
    const [one, two] = [newPerson(), newPerson()]
    await recordDecision(one, service, decision())
    await recordDecision(one, { ...service, protocol: 'oidc' }, decision())
    await recordDecision(two, service, decision({ at: new Date(at.getTime() + 1000) }))
    assert.equal((await listConsents(one)).length, 2)
    assert.equal((await listConsents(two)).length, 1)
  })

  it('add up while they are of one kind; a consent takes the place of a notice', async () => {
    const person = newPerson()
    await recordDecision(person, service, decision({ kind: 'inform', mode: 'inform' }))
    const ask = decision({ attributes: ['displayName'] })
    await recordDecision(person, service, ask)
    const record = await findConsent(person, service)
    assert.deepEqual(record?.standing?.attributes, ['displayName'])
    assert.equal(record?.standing?.mode, 'ask')
  })

  it('are kept fifty at a time, the newest', async () => {
    const person = newPerson()
    for (let count = 0; count < 53; count += 1) await recordDecision(person, service, decision())
    const record = await findConsent(person, service)
    assert.equal(record?.version, 53)
    assert.equal(record?.decisions.length, 50)
    assert.equal(record?.decisions.at(-1)?.version, 53)
  })

  it('hold names of attributes and no values', async () => {
    const person = newPerson()
    await recordDecision(person, service, decision())
    const record = await consents().findOne({ personId: person })
    assert.deepEqual(Object.keys(record ?? {}).sort(), [
      '_id',
      'decidedAt',
      'decisions',
      'id',
      'once',
      'personId',
      'protocol',
      'standing',
      'version',
    ])
  })
})

describe('A withdrawal', () => {
  it('ends what was remembered and what was for once, in one write', async () => {
    const person = newPerson()
    await recordDecision(person, service, decision())
    await recordDecision(person, service, decision({ isRemembered: false, attributes: ['sn'] }))
    const withdrawn = await recordWithdrawal(person, service, { at })
    assert.deepEqual(withdrawn, { version: 3, attributes: ['mail', 'sn'] })
    const record = await findConsent(person, service)
    assert.equal(record?.standing, undefined)
    assert.deepEqual(record?.once, [])
    assert.equal(record?.decisions.at(-1)?.kind, 'withdraw')
  })

  it('of nothing is none: it gets no version', async () => {
    const person = newPerson()
    assert.equal(await recordWithdrawal(person, service, { at }), undefined)
    await recordDecision(person, service, decision({ kind: 'disagree' }))
    assert.equal(await recordWithdrawal(person, service, { at }), undefined)
    assert.equal((await findConsent(person, service))?.version, 1)
  })

  it('at the same time as an agreement comes before it or after it, whole', async () => {
    const person = newPerson()
    await recordDecision(person, service, decision())
    await Promise.all([
      recordDecision(person, service, decision({ attributes: ['sn'] })),
      recordWithdrawal(person, service, { at }),
    ])
    const record = await findConsent(person, service)
    assert.equal(record?.version, 3)
    const last = record?.decisions.at(-1)?.kind
    assert.deepEqual(record?.standing?.attributes, last === 'agree' ? ['sn'] : undefined)
  })

  it('twice at once happens once', async () => {
    const person = newPerson()
    await recordDecision(person, service, decision())
    const both = await Promise.all([1, 2].map(() => recordWithdrawal(person, service, { at })))
    assert.equal(both.filter(Boolean).length, 1)
  })
})

describe('An agreement', () => {
  const agreement = { version: 1, at, mode: 'ask', attributes: ['mail', 'sn'] } as const

  it('covers the same and less, not more', () => {
    for (const attributes of [[], ['mail'], ['sn', 'mail']]) {
      assert.equal(covers(agreement, { mode: 'ask', attributes }), true)
    }
    assert.equal(covers(agreement, { mode: 'ask', attributes: ['mail', 'cn'] }), false)
    assert.equal(covers(undefined, { mode: 'ask', attributes: [] }), false)
  })

  it('is as good as a notice, a notice not as good as an agreement', () => {
    assert.equal(covers(agreement, { mode: 'inform', attributes: ['mail'] }), true)
    const notice = { ...agreement, mode: 'inform' } as const
    assert.equal(covers(notice, { mode: 'ask', attributes: ['mail'] }), false)
  })
})
