import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { commonGreekWords } from '../../src/passwords/common-greek-words.ts'
import { isCommonPassword } from '../../src/passwords/common-passwords.ts'
import { greekKeys, latinKeys } from '../../src/passwords/greek-keyboard.ts'
import { wordLists } from '../../src/passwords/word-lists.ts'

const cases: Record<string, readonly string[]> = {
  'of the list of leaked ones': ['password', 'iloveyou', 'dragon', 'letmein', '123456789'],
  'of the list with capitals, digits and signs around': [
    ...['Password1!', 'DRAGON2026!', '!!sunshine!!', '12password34', 'Football#99'],
  ],
  'of the list with look-alikes inside': ['p@ssw0rd!23', 'P4$$w0rd', 'dr4g0n!!', '1loveyou!'],
  'of the list written twice': ['dragondragon1!', 'MonkeyMonkey'],
  'of the list typed with the Greek keyboard': ['πασσςορδ!1', 'δραγον2026', 'ΠΑΣΣςΟΡΔ'],
  'a common Greek word': [
    'κωδικός123!',
    'ΚΩΔΙΚΟΣ!!',
    'φοιτητής2026',
    'ελλάδα-2004',
    'σαγαπώ!!!',
    'θύρα13!',
  ],
  'a common Greek word in greeklish': [
    ...['kwdikos!1', 'kodikos2026', 'foithths1!', 'fititis!22', 'panepistimio1!', 'ellada2004!'],
    ...['8alassa!!', 'thalassa22', 'agapimou!', 's@g@po!!', 'kalokairi26!', 'gamwto!!'],
  ],
  'a Greek team': [
    'olympiakos7!',
    'Olimpiakos!!',
    'παναθηναϊκός13',
    'panathinaikos!',
    'paokara4!',
    'aekara21!',
  ],
  'a common Greek word typed with the Latin keyboard': ['kvdik;ow!1', 'uessalon;ikh', 'foithtew1!'],
  'a walk along the keys': [
    ...[
      'qwerty12',
      'asdfgh!1',
      'ςερτυθ12',
      'ασδφγη!!',
      '1q2w3e4r',
      'zaq1xsw2',
      '1qaz@WSX',
      'asd123ASD!@#',
    ],
    ...['qwe123qwe!', 'poiuyt!1', 'zxcvbnm,', 'aaaa1111', 'abcdefg1', 'αβγδεζη1'],
  ],
}

describe('A password that many use', () => {
  for (const [kind, passwords] of Object.entries(cases)) {
    for (const password of passwords) {
      it(`is ${password}: ${kind}`, () => assert.equal(isCommonPassword(password), true))
    }
  }

  it('is found among some 50,000, and every common Greek word in all its forms', () => {
    const { commonPasswords } = wordLists()
    assert.ok(commonPasswords.size > 40_000, String(commonPasswords.size))
    for (const password of [...commonPasswords].filter((_, at) => at % 50 === 0)) {
      assert.ok(isCommonPassword(password.toUpperCase()), password)
    }
    for (const word of commonGreekWords) {
      for (const form of [word, word.toUpperCase(), latinKeys(word), greekKeys(latinKeys(word))]) {
        assert.ok(isCommonPassword(`${form}!1`), `${word}: ${form}`)
      }
    }
  })

  it('is not one of several words or of random signs', () => {
    for (const password of [
      ...['correct horse battery', 'spoon-tiger-marsh-482', 'Demo!Athena.27', 'Δοκιμή-2026'],
      ...['τρία-γαϊδούρια-47', 'x7#kQ9v!2mZ', 'dragon-sunshine-8', 'qwerty-λεμονόκουπα-9'],
      ...['μυστικό-κλειδί-42', 'Xk4-nvPq-82'],
    ]) {
      assert.equal(isCommonPassword(password), false, password)
    }
  })
})

describe('The Greek keyboard', () => {
  it('gives the Latin keys of Greek text and back', () => {
    assert.equal(latinKeys('Κωδικός'), 'kvdikow')
    assert.equal(greekKeys('kvdik;ow'), 'κωδικος')
    assert.equal(latinKeys('μαρια;'), 'mariaq')
    assert.equal(greekKeys('Maria!7'), 'μαρια!7')
    const latin = 'abcdefghijklmnopqrstuvwxyz'
    assert.equal(latinKeys(greekKeys(latin)), latin)
  })
})
