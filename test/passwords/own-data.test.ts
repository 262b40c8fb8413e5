import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { holdsOwnData } from '../../src/passwords/own-data.ts'
import type { PasswordOwner } from '../../src/passwords/password-rules.ts'

/** Synthetic. */
const dimitra: PasswordOwner = {
  username: 'dpapadopoulou',
  names: ['Δήμητρα', 'Dimitra', 'Παπαδοπούλου', 'Papadopoulou', 'Κωνσταντίνος'],
  numbers: ['12030798765', '123456783', '20250113'],
  phones: ['+306971234567', '+4915112345678'],
  emails: ['mimi.pap92641@mail.example'],
  birthDate: '2007-03-12',
}
const owner = (change: Partial<PasswordOwner>): PasswordOwner => ({
  ...{ username: '', names: [], numbers: [], phones: [], emails: [] },
  ...change,
})

const held: Record<string, readonly string[]> = {
  'a name in Greek': ['Δήμητρα!92', 'δημητρα-92-', 'xxΔΗΜΗΤΡΑxx', 'Παπαδοπούλου9', 'παπαδοπουλος!'],
  'a name in Latin letters': ['Dimitra!92', 'PAPADOPOULOU!', 'my-papadopoulos-9'],
  'a name in greeklish': [
    ...[
      'dhmhtra!92',
      'dimhtra-9',
      'Papadopoyloy!',
      'papad0p0ulou',
      'konstantinos',
      'kwnstantinos!',
    ],
    ...['k0nst@nt1nos', 'dnmntra!9'],
  ],
  'a name typed with the other keyboard layout': [
    ...['dhmhtra!', 'd;hmhtra', 'papadopo;yloy9', 'διμιτρα!9', 'παπαδοποθλοθ!', 'κονσταντινοσ9'],
  ],
  'the beginning of a name': ['papad!92xy', 'παπαδ-92-xy', 'dimit#92xy', 'Konst!9xy'],
  'the short form of a name': [
    'Kostas!92',
    'κώστας-92',
    'kwstas#92',
    'koostas-dinos',
    'mimi-#9243',
  ],
  'a word of the mail address': ['mimi!92xyz', 'xx-mimi-xx!'],
  'five digits in a row of a number or phone': [
    ...['xk-98765-!', 'AMKA12030798765', 'xy20250!', 'xy34567!', '6971234567', '697-123-4567'],
    ...['(697) 12 34', 'xy92641!', 'xy51123!'],
  ],
  'the birth date': [
    ...['xk12032007!', 'xk-12/03/07', 'xk2007-03-12', 'xk.12.3.2007', '031207-xk!', '070312-xk!'],
    ...['xk-2007-!!', 'xk1203!!', 'xk-032007'],
  ],
}

describe('A password that holds something about its owner', () => {
  for (const [kind, passwords] of Object.entries(held)) {
    for (const password of passwords) {
      it(`is ${password}: ${kind}`, () => assert.equal(holdsOwnData(password, dimitra), true))
    }
  }

  it('is one with θ, ξ, χ, ψ, αι, ου, μπ, ντ, γκ in any spelling', () => {
    const spelt: Record<string, readonly string[]> = {
      Θεοδώρα: ['theodora', '8eodwra', 'ueodvra', '9eodora', 'Theodwra'],
      Αλέξανδρος: ['alexandros', 'aleksandros', 'ale3andros', 'alejandros', '@lexandr0s'],
      Χαράλαμπος: [
        'charalampos',
        'xaralampos',
        'haralabos',
        'kharalambos',
        'xaralambos',
        'mpampis!',
      ],
      Ψαρρού: ['psarrou', 'psarou', 'carroy', 'psarru'],
      Αικατερίνη: ['aikaterini', 'ekaterini', 'aikaterinh', 'katerina', 'kaiti-92'],
      Ευστάθιος: ['efstathios', 'eustathios', 'efsta8ios', 'stathis!'],
      Γκίκας: ['gkikas', 'gikas-9'],
      Ντούρος: ['ntouros', 'douros', 'durosss'],
      Άγγελος: ['aggelos', 'angelos', 'agelosx'],
      Ιωάννης: ['ioannis', 'iwannhs', 'giannis', 'yannis!', 'ioanis99'],
      'Οικονόμου-Ζαΐμη': ['oikonomou', 'ikonomou', 'zaimi-9', 'ζαίμη-9'],
    }
    for (const [name, forms] of Object.entries(spelt)) {
      for (const form of forms) {
        assert.ok(holdsOwnData(`${form}-x-!`, owner({ names: [name] })), `${name}: ${form}`)
      }
    }
  })

  it('is one with a foreign name, marks or not', () => {
    const names = owner({ names: ['Jürgen', "O'Connor", 'Nguyễn Thị'] })
    for (const password of ['jurgen!92', 'Jürgen!92', 'ξθργεν!92', 'connor-92!', 'nguyen!92']) {
      assert.ok(holdsOwnData(password, names), password)
    }
  })

  it('is not one that happens to share a few letters or digits', () => {
    const anna = owner({
      names: ['Άννα', 'Anna', 'Λη', 'Lee', 'Ίων'],
      numbers: ['12030798765'],
      phones: ['+306971234567'],
      emails: ['an@mail.example', 'a.b.c@mail.example'],
      birthDate: '2007-03-12',
    })
    for (const password of [
      ...['banana-tree-42', 'panama-canal-7!', 'sleep-eleven-9', 'lion-72-cave', 'Ανάσα-βαθιά-7'],
      ...['xk-9876-!', 'xk-1234-!', 'xk-12007-!', 'xk-120-!', 'xk820071!', '+30 is Greece!'],
      ...['spoon-tiger-marsh-482', 'mail-example-9'],
    ]) {
      assert.equal(holdsOwnData(password, anna), false, password)
    }
    for (const password of [
      'papaya-tiger-47',
      'dimmer-cloud-9!',
      'konzert-haus-8',
      'μπαμπάκας-8!',
    ]) {
      assert.equal(holdsOwnData(password, dimitra), false, password)
    }
  })

  it('is found out in the end, whatever name or address the owner has', () => {
    // A pattern of the whole name would be tried in 2^30 ways.
    for (const name of ['i'.repeat(60), 'ει'.repeat(30), 'ηι'.repeat(30), 'a+(*[^'.repeat(9)]) {
      const hostile = owner({ names: [`${name}ξ`], emails: [`${name}j@mail.example`] })
      for (const sign of ['i', 'ι', '1', 'a']) {
        assert.equal(typeof holdsOwnData(sign.repeat(1000), hostile), 'boolean')
      }
    }
  })

  it('cannot be told when nothing is known about the owner', () => {
    assert.equal(holdsOwnData('Maria2007!', owner({})), false)
  })
})
