import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findPasswordProblems } from '../../src/passwords/password-policy.ts'
import { defaultPasswordRules, type PasswordOwner } from '../../src/passwords/password-rules.ts'
import { suggestPasswords } from '../../src/passwords/suggest-passwords.ts'
import { wordLists } from '../../src/passwords/word-lists.ts'
import { randomOwners } from './random-owners.ts'

const nobody: PasswordOwner = { username: '', names: [], numbers: [], phones: [], emails: [] }
const { seed, randomOwner } = randomOwners()

describe(`Suggested passwords (TEST_SEED=${seed})`, () => {
  it('are five different ones that keep every rule, for whomever they are', () => {
    for (let round = 0; round < 100; round++) {
      const policy = { rules: defaultPasswordRules, owner: randomOwner() }
      const suggestions = suggestPasswords(policy)
      assert.equal(new Set(suggestions).size, 5)
      for (const suggestion of suggestions) {
        assert.deepEqual(findPasswordProblems(suggestion, policy), [], suggestion)
      }
    }
  })

  it('are three small words, one sign between them and three digits, with no 0 or 1', () => {
    for (const suggestion of suggestPasswords(
      { rules: defaultPasswordRules, owner: nobody },
      200,
    )) {
      assert.match(suggestion, /^[a-z]{4,7}([-.!?])[a-z]{4,7}\1[a-z]{4,7}\1[2-9]{3}$/)
    }
  })

  it('have at least 45 bits: so many are possible', () => {
    const { phraseWords } = wordLists()
    assert.equal(new Set(phraseWords).size, phraseWords.length)
    assert.ok(Math.log2(phraseWords.length ** 3 * 4 * 8 ** 3) > 45)
  })

  it('keep stricter rules too, or say that none can', () => {
    // The strictest that an institution file may ask for, together and one by one.
    const rules = { minLength: 64, minNonAlphabetic: 8, maxDigitRun: 2, minDifferent: 20 }
    const each = Object.entries(rules).map(([name, value]) => ({
      ...defaultPasswordRules,
      [name]: value,
    }))
    for (const strict of [rules, ...each]) {
      const policy = { rules: strict, owner: nobody }
      for (const suggestion of suggestPasswords(policy, 50)) {
        assert.deepEqual(findPasswordProblems(suggestion, policy), [], suggestion)
      }
    }
    assert.throws(
      () => suggestPasswords({ rules: { ...rules, minDifferent: 200 }, owner: nobody }),
      /no password could be made/,
    )
  })

  it('made for one person are fine for another in all but a few of 1,000 cases', (test) => {
    const free = { rules: defaultPasswordRules, owner: nobody }
    const refused: string[] = []
    let count = 0
    while (count < 1000) {
      const owner = randomOwner()
      for (const suggestion of suggestPasswords(free, 10)) {
        const problems = findPasswordProblems(suggestion, { ...free, owner })
        if (problems.length > 0) {
          refused.push(`${suggestion} ${problems.map(({ rule }) => rule)} ${owner.names}`)
        }
        count++
      }
    }
    test.diagnostic(`${refused.length} of ${count} refused`)
    assert.ok(refused.length < count / 100, refused.join('\n'))
  })
})
