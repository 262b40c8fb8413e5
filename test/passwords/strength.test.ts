import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createStrengthJudge,
  readFrontCoded,
  type StrengthReason,
} from '../../public/js/password-strength.js'
import { isCommonPassword } from '../../src/passwords/common-passwords.ts'
import { defaultPasswordRules } from '../../src/passwords/password-rules.ts'
import { frontCoded, strengthFiles, strengthWords } from '../../src/passwords/strength-files.ts'
import { suggestPasswords } from '../../src/passwords/suggest-passwords.ts'
import { wordLists } from '../../src/passwords/word-lists.ts'

/** As a browser imports them. */
async function served(name: string) {
  return import(`data:text/javascript,${encodeURIComponent(strengthFiles[name]!())}`)
}

const { ZxcvbnFactory } = await served('js/zxcvbn.js')
const { default: words } = await served('js/strength-words.js')
const judge = createStrengthJudge(ZxcvbnFactory, words)

function assertWeak(reason: StrengthReason, passwords: readonly string[]) {
  for (const password of passwords) {
    const strength = judge(password)
    assert.ok(strength.step <= 2, `${password} is ${strength.step}`)
    assert.equal(strength.reason, reason, password)
  }
}

describe('The strength of a password', () => {
  it('is small for what many use, with a trivial change too', () => {
    assertWeak('common', ['password', 'iloveyou', '12345678', 'P@ssw0rd', 'PASSWORD'])
    assertWeak('similar', ['password1!', 'iloveyou7'])
  })

  it('is small for one Greek word or name: in Greek, in greeklish, with the Latin keyboard', () => {
    assertWeak('word', [
      ...['κωδικός', 'ΚΩΔΙΚΟΣ', 'κωδικός12', 'kwdikos12', 'kodikos!', 'kvdikow', 'kvdik;ow'],
      ...['Μαρία1999', 'olympiakos13!', 'ΟΛΥΜΠΙΑΚΟΣ13!', 'γαϊδούρι', 'gaidouri', 'gaid;oyri'],
    ])
  })

  it('is small for an English word typed with the Greek keyboard', () => {
    assertWeak('layout', ['πασσςορδ', 'ΠΑΣΣΣΟΡΔ'.replace('ΣΣΣ', 'ΣΣς'), 'ιλοωευου1'])
  })

  it('is small for walks along the keys of both keyboards, sequences, repetition and dates', () => {
    assertWeak('keyboard', ['φγηξκλ', 'ζσεδχ', 'fghjkl;\'"'])
    assertWeak('sequence', ['αβγδεζηθ', 'abcdefgh'])
    assertWeak('repeat', ['aaaaaaaa', 'λαλαλαλα', '😀😀😀😀😀😀'])
    assertWeak('date', ['12031999', '12/3/1999'])
  })

  it('is small with the username in it, however the keyboard was set', () => {
    for (const password of ['dpapadopoulou7', 'DPapadopoulou!', 'δπαπαδοποθλοθ7']) {
      const { step, reason } = judge(password, 'dpapadopoulou')
      assert.ok(step <= 2, password)
      assert.equal(reason, 'own', password)
    }
    // Nobody's name, and one of too few letters, change nothing.
    assert.equal(judge('dpapadopoulou7').reason === 'own', false)
    assert.equal(judge('ann-spoon-tiger-482', 'ann').step, 4)
  })

  it('grows with length: random characters, and unrelated words', () => {
    assert.deepEqual(judge('xK9#mQ2p'), { step: 2, reason: 'short' })
    assert.deepEqual(judge('xK9#mQ2pWz'), { step: 3, reason: 'longer' })
    assert.deepEqual(judge('xK9#mQ2pWz7a'), { step: 4, reason: undefined })
    assert.equal(judge('ομπρέλα').step, 1)
    for (const password of [
      'ομπρέλα-φακές-58-κιθάρα',
      'τρία γαϊδούρια 47',
      'ompr;ela-kithara-58-fakes',
    ]) {
      assert.equal(judge(password).step, 4, password)
    }
  })

  it('is the greatest for every password that we suggest', () => {
    const owner = { username: '', names: [], numbers: [], phones: [], emails: [] }
    for (const password of suggestPasswords({ rules: defaultPasswordRules, owner }, 100)) {
      assert.equal(judge(password).step, 4, password)
    }
  })

  it('is never called good for a leaked password that the server refuses', () => {
    const leaked = [...wordLists().commonPasswords].filter((password) => password.length >= 8)
    for (let at = 0; at < leaked.length; at += 101) {
      const password = leaked[at]!
      assert.ok(isCommonPassword(password), password)
      assert.ok(judge(password).step <= 2, password)
    }
  })

  it('has an answer for everything that can be typed, soon', () => {
    const strange = [
      '',
      ' ',
      'constructor',
      '__proto__',
      'hasOwnProperty',
      '\ud800',
      '\0',
      'ΐ',
      '.*+?(',
    ]
    const long = ['x', 'ουει', 'iiii', 'a1@3$5!', 'password', 'κωδικός', '👩‍🎓', '0'.repeat(40)]
    for (const password of [...strange, ...long.map((part) => part.repeat(1000))]) {
      const from = performance.now()
      const { step } = judge(password, 'dpapadopoulou')
      assert.ok([1, 2, 3, 4].includes(step), JSON.stringify(password.slice(0, 20)))
      // Some milliseconds; a machine under load takes longer.
      assert.ok(performance.now() - from < 2000, password.slice(0, 20))
    }
    for (const password of ['constructor', 'constructor1', '__proto__constructor']) {
      assert.ok(Number.isInteger(judge(password).step))
    }
  })

  it('is the same for one text in two encodings', () => {
    for (const password of ['γαϊδούρι', 'τρία γαϊδούρια 47']) {
      assert.deepEqual(judge(password.normalize('NFD')), judge(password.normalize('NFC')))
    }
  })
})

describe('The words that go to the browser', () => {
  it('come out as they were packed', () => {
    const packed = ['alpha', 'alphabet', 'beta', 'x', 'ομπρέλα', 'ομπρέλες', `${'a'.repeat(50)}b`]
    assert.deepEqual(readFrontCoded(frontCoded(packed)), [...packed].sort())
    const { diceware, passwords } = strengthWords()
    assert.ok(readFrontCoded(diceware).includes('umbrella'))
    const [first = ''] = passwords
    assert.ok(readFrontCoded(first).includes('password'))
    const all = passwords.flatMap(readFrontCoded)
    assert.equal(new Set(all).size, all.length)
  })

  it('hold every neighbour of the Greek keys that the Latin ones have', () => {
    const { graphs } = strengthWords()
    // Both sigmas of the key w are one sign.
    assert.equal(Object.keys(graphs.greek!).length, Object.keys(graphs.qwerty!).length - 1)
    // α (a) has ; (q), ς (w), σ (s) and ζ (z) around it.
    assert.deepEqual(
      graphs.greek!.α!.map((keys) => keys?.[0] ?? null).sort(),
      graphs.qwerty!.a!.map((keys) => keys && { q: ';', w: 'ς', s: 'σ', z: 'ζ' }[keys[0]!]).sort(),
    )
  })
})
