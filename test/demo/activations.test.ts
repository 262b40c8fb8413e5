import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import pino from 'pino'
import { demoActivations, importDemo } from '../../demo/people.ts'
import { embeddedRegistry } from '../../src/amka-registry/embedded-registry.ts'
import type { Config } from '../../src/config.ts'
import { accountStanding } from '../../src/people/account.ts'
import { findPeopleByContact } from '../../src/people/contact-match.ts'
import { checkPersonalEmail } from '../../src/people/email.ts'
import { findAccount } from '../../src/people/people-store.ts'
import type { Person } from '../../src/people/person.ts'
import { checkPhone } from '../../src/people/phone.ts'
import { missingFacts } from '../../src/people/required-facts.ts'
import { fixedSecrets } from '../people/support.ts'
import { useStore } from '../support/store.ts'

const now = new Date('2026-11-21T10:00:00Z')
const secrets = fixedSecrets()

/** As somebody does who types what the trial page says. */
async function typed(
  contact: { mobile?: string; email?: string },
  role: 'student' | 'staff' | 'affiliate',
) {
  const mobile = contact.mobile && checkPhone(contact.mobile).value
  const email = contact.email && checkPersonalEmail(contact.email, 'uni.example.gr').value
  const normalised = { ...(mobile && { mobile }), ...(email && { email }) }
  assert.equal(Object.keys(normalised).length, Object.keys(contact).length)
  return await findPeopleByContact(role, normalised, '2026-11-21')
}

/** Everybody whom the entry with this word in its English title finds. */
async function peopleOf(word: string): Promise<Person[]> {
  const found = demoActivations.filter(({ title }) => title.en.includes(word))
  assert.equal(found.length, 1, word)
  const { mobile, email, role } = found[0]!
  return typed({ ...(mobile && { mobile }), ...(email && { email }) }, role)
}

async function standingOf(person: Person | undefined) {
  const account = await findAccount(person?._id ?? '')
  return account && accountStanding(account, now)
}

describe('the people of the demo to try activation with', () => {
  useStore()
  before(() =>
    importDemo({
      config: { scope: 'uni.example.gr' } as Config,
      secrets,
      now: () => now,
      log: pino({ level: 'silent' }),
    }),
  )

  it('are found by mobile, by mail and by both', async () => {
    for (const { title, role, mobile, email } of demoActivations) {
      const contacts = [
        mobile && { mobile },
        email && { email },
        mobile && email && { mobile, email },
      ]
      for (const contact of contacts) {
        if (!contact) continue
        const found = await typed(contact, role)
        assert.ok(found.length > 0, `${title.en} ${JSON.stringify(contact)}`)
        if (!/siblings|twins/.test(title.en)) assert.equal(found.length, 1, title.en)
      }
    }
  })

  it('have pending accounts, but for those who have activated', async () => {
    for (const word of ['first-year', 'no AMKA', 'Denmark', 'new employee', 'contractor']) {
      assert.equal(await standingOf((await peopleOf(word))[0]), 'pending', word)
    }
    for (const word of ['second role', 'already']) {
      assert.equal(await standingOf((await peopleOf(word))[0]), 'active', word)
    }
  })

  it('include one whose AMKA, as the page gives it, the registry confirms', async () => {
    const [person] = await peopleOf('no AMKA')
    assert.deepEqual(person?.nationalNumbers, [])
    const tell = demoActivations.find(({ title }) => title.en.includes('no AMKA'))?.tell
    const amka = tell?.en.match(/\d{11}/)?.[0] ?? ''
    assert.ok(tell?.el.includes(amka))
    const question = { familyName: 'Ρήγας', birthDate: person?.birthDate ?? '' }
    const registry = embeddedRegistry(secrets)
    assert.equal(await registry.check({ ...question, amka }), 'match')
    assert.notEqual(await registry.check({ ...question, amka: '01010012345' }), 'match')
  })

  it('include a foreigner without a number, and one whose record has gaps', async () => {
    const [foreigner] = await peopleOf('Denmark')
    assert.deepEqual(foreigner?.nationalNumbers, [])
    assert.deepEqual(foreigner?.citizenship, ['DK'])
    const [person] = await peopleOf('no username')
    assert.equal(await findAccount(person?._id ?? ''), null)
    const role = person?.roles[0]
    assert.ok(person && role)
    assert.deepEqual(missingFacts(person, undefined, role, { taxNumberRequiredFor: [] }), [
      'username',
      'birthDate',
    ])
    assert.equal(person.nationalNumbers.length, 1)
  })

  it('include siblings whom the birth date tells apart, and twins whom it does not', async () => {
    const siblings = await peopleOf('siblings')
    assert.deepEqual(siblings.map(({ birthDate }) => birthDate).sort(), [
      '2005-09-02',
      '2007-06-25',
    ])
    const twins = await peopleOf('twins')
    assert.deepEqual(
      twins.map(({ birthDate }) => birthDate),
      ['2006-04-17', '2006-04-17'],
    )
    const numbers = twins.map(({ roles }) => roles[0]?.registrationNumber).sort()
    assert.deepEqual(numbers, ['20259007', '20259008'])
  })
})
