import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkDisclosure, type Disclosing } from '../../src/consent/check-disclosure.ts'
import { type NewDecision, recordDecision } from '../../src/consent/consent-store.ts'
import { useStore } from '../support/store.ts'

useStore()

const release = { protocol: 'saml', id: 'https://library.example.gr' } as const
let persons = 0

function about(personId: string, change: Partial<Disclosing> = {}): Disclosing {
  return {
    personId,
    sessionId: 's1',
    release,
    disclosure: 'ask',
    attributes: ['mail'],
    usesUp: true,
    ...change,
  }
}

/** A person who agreed, with the decision as the flow carries it back. */
async function whoAgreed(change: Partial<NewDecision> = {}) {
  const personId = `person-${++persons}`
  const version = await recordDecision(personId, release, {
    kind: 'agree',
    mode: 'ask',
    attributes: ['mail'],
    isRemembered: false,
    language: 'en',
    at: new Date('2026-11-26T10:00:00Z'),
    sessionId: 's1',
    onceSeconds: 600,
    ...change,
  })
  return { personId, decision: { kind: 'agree', personId, sessionId: 's1', version } as const }
}

describe('Before something goes to a service', () => {
  it('an agreement for once counts in its own sign-in, with its own decision, for what it names', async () => {
    const { personId, decision } = await whoAgreed()
    const kinds = await Promise.all(
      [
        about(personId),
        about(personId, { decision: { ...decision, version: 7 } }),
        about(personId, { decision, sessionId: 's2' }),
        about(personId, { decision, attributes: ['mail', 'sn'] }),
      ].map(async (question) => (await checkDisclosure(question)).kind),
    )
    assert.deepEqual(kinds, ['show', 'show', 'show', 'show'])
    assert.equal((await checkDisclosure(about(personId, { decision }))).kind, 'go')
    assert.equal((await checkDisclosure(about(personId, { decision }))).kind, 'show')
  })

  it('an agreement for the tokens of a sign-in is not used up', async () => {
    const { personId, decision } = await whoAgreed()
    for (let time = 0; time < 2; time += 1) {
      const question = about(personId, { decision, usesUp: false })
      assert.equal((await checkDisclosure(question)).kind, 'go')
    }
  })

  it('a remembered agreement counts in every sign-in, until more would go', async () => {
    const { personId } = await whoAgreed({ isRemembered: true })
    assert.equal((await checkDisclosure(about(personId, { sessionId: 's2' }))).kind, 'go')
    const more = about(personId, { attributes: ['mail', 'sn'] })
    assert.deepEqual(await checkDisclosure(more), { kind: 'show', mode: 'ask' })
  })

  it('a refusal counts whatever was agreed to before', async () => {
    const { personId, decision } = await whoAgreed({ isRemembered: true })
    const refused = about(personId, { decision: { ...decision, kind: 'disagree' } })
    assert.equal((await checkDisclosure(refused)).kind, 'refused')
  })

  it('a silent service is not looked up at all', async () => {
    const silent = about('nobody', { disclosure: 'silent' })
    assert.equal((await checkDisclosure(silent)).kind, 'go')
  })
})
