import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { brokenSimpleRules, isLikeUsername } from '../../public/js/password-rules.js'
import { defaultPasswordRules, passwordRules } from '../../src/passwords/password-rules.ts'

const broken = (password: string, change = {}) =>
  brokenSimpleRules(password, { ...defaultPasswordRules, ...change }, 'dpapadopoulou')

describe('The simple rules of a new password', () => {
  it('are the institution’s, and the default for each that it leaves out', () => {
    assert.deepEqual(passwordRules({}), {
      minLength: 8,
      minNonAlphabetic: 2,
      maxDigitRun: 3,
      minDifferent: 5,
    })
    assert.equal(passwordRules({ passwordRules: { minLength: 6 } }).minLength, 6)
    assert.equal(passwordRules({ passwordRules: { minLength: 6 } }).maxDigitRun, 3)
  })

  it('accept a password at each limit and refuse it one below', () => {
    assert.deepEqual(broken('kitapo!2'), [])
    assert.deepEqual(broken('kitap!2'), ['minLength'])
    assert.deepEqual(broken('kitap!2', { minLength: 7 }), [])
    assert.deepEqual(broken('kitapous2'), ['minNonAlphabetic'])
    assert.deepEqual(broken('kitapous', { minNonAlphabetic: 0 }), [])
    assert.deepEqual(broken('ab!2ab!2'), ['minDifferent'])
    assert.deepEqual(broken('ab!2cb!2'), [])
  })

  it('list what is broken in the order of the page', () => {
    assert.deepEqual(broken(''), ['minLength', 'minNonAlphabetic', 'minDifferent'])
  })

  it('count characters as people see them, however the keyboard sends the accent', () => {
    const word = 'κάθε!άλ2'
    assert.equal(word.normalize('NFC').length, 8)
    assert.deepEqual(broken(word.normalize('NFC')), [])
    assert.deepEqual(broken(word.normalize('NFD')), [])
    assert.deepEqual(broken('κάθε!ά2'.normalize('NFD')), ['minLength'])
    assert.deepEqual(broken('🦉🌿🏛️🐟ab'), ['minLength'])
  })

  it('take letters of every script for letters, and anything else for what is asked beside them', () => {
    for (const letters of ['θάλασσαμ', 'Großmaul', 'морячкаж', '学生番号学校大学', 'शिक्षकहम']) {
      assert.ok(broken(letters).includes('minNonAlphabetic'), letters)
    }
    for (const other of ['kitapous 2', 'kitapous€!', 'kitapous٣٤', 'kitapous🦉🌿']) {
      assert.deepEqual(broken(other), [], other)
    }
  })

  it('refuse more than three digits in rising or falling order', () => {
    for (const run of ['1234', '4321', '6789', '3210', '98765', '012345', '21234']) {
      assert.deepEqual(broken(`vrahos${run}x`), ['maxDigitRun'], run)
    }
    for (const fine of [
      '123',
      '321',
      '1232',
      '123 4',
      '1324',
      '7890',
      '1111',
      '1357',
      '９８７６',
      '١٢٣٤',
    ]) {
      assert.deepEqual(broken(`vrahos${fine}x`), [], fine)
    }
    assert.deepEqual(broken('vrahos1234x', { maxDigitRun: 4 }), [])
    assert.deepEqual(broken('vrahos-12-x', { maxDigitRun: 1 }), ['maxDigitRun'])
  })
})

describe('A password too like the username', () => {
  const like = [
    ['dpapadopoulou', 'dpapadopoulou'],
    ['DPapadopoulou12!', 'dpapadopoulou'],
    ['xx-dpapadopoulou-xx', 'dpapadopoulou'],
    ['uoluopodapapd!1', 'dpapadopoulou'],
    ['papadopoulou!1', 'dpapadopoulou'],
    ['dpapadopoylou99', 'dpapadopoulou'],
    ['dpapadopulou#7', 'dpapadopoulou'],
    ['dp4p4d0p0ul0u!', 'dpapadopoulou'],
    ['d.papad.opoulou!', 'dpapadopoulou'],
    ['!nik0s!', 'nikos'],
    ['nikoz!42', 'nikos'],
    ['ｎｉｋｏｓ!42', 'nikos'],
    ['123720250113!', '123720250113'],
    ['311052027321!', '123720250113'],
    ['x20250113x!', '20250113'],
    ['jim12345', 'jim'],
  ] as const
  for (const [password, username] of like) {
    it(`is ${password} for ${username}`, () => {
      assert.equal(isLikeUsername(password, username), true)
    })
  }

  it('is not one that shares a few letters with it', () => {
    for (const [password, username] of [
      ['banana-tree-42', 'ana'],
      ['spoon-tiger-marsh-482', 'dpapadopoulou'],
      ['opou-theleis-27', 'dpapadopoulou'],
      ['2025-vradia-0113', '20250113'],
      ['korakas!42', 'nikos'],
      ['anything!42', ''],
    ] as const) {
      assert.equal(isLikeUsername(password, username), false, password)
    }
  })
})
