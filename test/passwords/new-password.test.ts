import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { passwordPage, problemText, readNewPassword } from '../../src/passwords/new-password.ts'
import { passwordOwner } from '../../src/passwords/password-owner.ts'
import { findPasswordProblems } from '../../src/passwords/password-policy.ts'
import { defaultPasswordRules } from '../../src/passwords/password-rules.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import type { Person } from '../../src/people/person.ts'

const secrets = { get: (name: string) => createHash('sha256').update(name).digest() }

/** Synthetic. */
const person: Person = {
  _id: '0'.repeat(32),
  firstName: { el: 'Δήμητρα', en: 'Dimitra' },
  lastName: { el: 'Παπαδοπούλου', en: 'Papadopoulou' },
  fatherName: 'Νικόλαος',
  birthDate: '2007-03-12',
  gender: 2,
  citizenship: ['GR'],
  nationalNumbers: [sealNationalNumber(secrets, 'GR', '12030798765')],
  taxNumber: sealNationalNumber(secrets, 'GR', '123456783'),
  roles: [
    {
      source: 'sis',
      sourceId: '1',
      role: 'student',
      status: 'active',
      registrationNumber: '20250113',
      mobile: '+306971234567',
      email: 'roula@mail.example',
    },
  ],
}
const owner = passwordOwner({ secrets }, person, {
  username: 'dpapadopoulou',
  mobile: '+306907654321',
  email: 'dimi.p@mail.example',
})
const policy = { rules: defaultPasswordRules, owner }
const rules = (password: string) => findPasswordProblems(password, policy).map(({ rule }) => rule)

describe('The owner of a password', () => {
  it('is known by names, numbers, contacts of records and account, and birth date', () => {
    assert.deepEqual(owner, {
      username: 'dpapadopoulou',
      names: ['Δήμητρα', 'Dimitra', 'Παπαδοπούλου', 'Papadopoulou', 'Νικόλαος'],
      numbers: ['12030798765', '123456783', '20250113'],
      phones: ['+306907654321', '+306971234567'],
      emails: ['dimi.p@mail.example', 'roula@mail.example'],
      birthDate: '2007-03-12',
    })
  })

  it('may be only a username, or nobody yet', () => {
    const known = passwordOwner({ secrets }, undefined, { username: '' })
    assert.deepEqual(readNewPassword(twice('spoon-tiger-482'), { ...policy, owner: known }), {
      password: 'spoon-tiger-482',
    })
  })
})

describe('A new password', () => {
  it('that keeps every rule has no problem', () => {
    for (const password of [
      'spoon-tiger-482',
      'τρία γαϊδούρια 47',
      'Demo!Athena.27',
      'Δοκιμή-2026',
    ]) {
      assert.deepEqual(rules(password), [], password)
    }
  })

  it('is told each rule it breaks, once, with the rule’s number', () => {
    assert.deepEqual(findPasswordProblems('maria', policy), [
      { rule: 'minLength', limit: 8 },
      { rule: 'minNonAlphabetic', limit: 2 },
      { rule: 'minDifferent', limit: 5 },
      { rule: 'common' },
    ])
    assert.deepEqual(rules('Dpapadopoulou12345'), ['maxDigitRun', 'username', 'ownData'])
  })

  it('holds at most 1024 bytes, counted as they are hashed', () => {
    const filler = (length: number) => 'spoon-tiger-482 θ'.repeat(100).slice(0, length)
    const bytes = (text: string) => Buffer.byteLength(text)
    const long = filler(960)
    assert.ok(bytes(long) <= 1024, String(bytes(long)))
    assert.deepEqual(rules(long), [])
    assert.deepEqual(findPasswordProblems(filler(1000), policy), [
      { rule: 'maxBytes', limit: 1024 },
    ])
  })

  it('has nothing that cannot be typed again', () => {
    for (const sign of [
      '\n',
      '\t',
      '\0',
      '\u007f',
      '\u0085',
      '\u200b',
      '\u202e',
      '\ufeff',
      '\ud800',
    ]) {
      assert.deepEqual(rules(`spoon-${sign}tiger-482`), ['controlCharacter'], JSON.stringify(sign))
    }
    for (const sign of [' ', '\u00a0', '👩‍🎓', '🏛️', 'é'.normalize('NFD')]) {
      assert.deepEqual(rules(`spoon-${sign}tiger-482`), [], JSON.stringify(sign))
    }
  })

  it('is never changed by the check: what was typed is what is used', () => {
    const typed = ' τρία γαϊδούρια 47 '.normalize('NFD')
    assert.deepEqual(readNewPassword(twice(typed), policy), { password: typed })
  })
})

describe('The form of a new password', () => {
  it('needs the password, and the same again', () => {
    const missing = { errors: { password: { key: 'passwords.problem.missing' } } }
    for (const password of [undefined, '', ['a', 'b'], { $ne: '' }, 7]) {
      assert.deepEqual(readNewPassword({ password, passwordRepeat: password }, policy), missing)
    }
    const password = 'spoon-tiger-482'
    for (const [passwordRepeat, key] of [
      [undefined, 'passwords.problem.repeatMissing'],
      ['', 'passwords.problem.repeatMissing'],
      [['spoon-tiger-482'], 'passwords.problem.repeatMissing'],
      ['spoon-tiger-483', 'passwords.problem.repeatDiffers'],
    ] as const) {
      assert.deepEqual(readNewPassword({ password, passwordRepeat }, policy), {
        errors: { passwordRepeat: { key } },
      })
    }
  })

  it('gets the first broken rule as its error and the others with it', () => {
    assert.deepEqual(readNewPassword({ password: 'maria1!', passwordRepeat: 'x' }, policy), {
      errors: {
        password: {
          key: 'passwords.problem.minLength',
          values: { count: 8 },
          more: [{ key: 'passwords.problem.common' }],
        },
        passwordRepeat: { key: 'passwords.problem.repeatDiffers' },
      },
    })
    assert.deepEqual(problemText({ rule: 'common' }), { key: 'passwords.problem.common' })
  })

  it('shows the institution’s own numbers, with examples of what is refused', () => {
    const page = passwordPage({
      rules: { minLength: 6, minNonAlphabetic: 0, maxDigitRun: 4, minDifferent: 5 },
      owner,
    })
    assert.deepEqual(
      page.rules.map(({ name, text }) => [name, text.values]),
      [
        ['minLength', { count: 6 }],
        ['maxDigitRun', { count: 4, rising: '12345', falling: '98765' }],
        ['username', undefined],
        ['minDifferent', { count: 5 }],
      ],
    )
    assert.equal(page.suggestions.length, 5)
    assert.equal(page.live.username, 'dpapadopoulou')
  })
})

function twice(password: string) {
  return { password, passwordRepeat: password }
}
