import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bareLetters, greekKeys, latinKeys } from '../../src/passwords/greek-keyboard.ts'
import { holdsOwnData } from '../../src/passwords/own-data.ts'
import { randomOwners } from './random-owners.ts'

const { seed, whole, from, randomOwner } = randomOwners()
const signs = [...'!#-.?*=+_ ']
const junk = () => Array.from({ length: whole(6) }, () => from(signs)).join('')

/** Ways to write a name that keep its letters. */
const spellings: ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => name.toLowerCase().normalize('NFD'),
  bareLetters,
  latinKeys,
  greekKeys,
  (name) => latinKeys(name).toUpperCase(),
  // With the accent typed, as the wrong layout leaves it: ή is ;h.
  (name) =>
    latinKeys(
      name
        .normalize('NFD')
        .toLowerCase()
        .replace(/(\p{L})[\u0301\u0308]+/gu, ';$1'),
    ).replaceAll('q', ';'),
  // Each letter in any case.
  (name) => Array.from(name, (c) => (whole(2) ? c.toUpperCase() : c.toLowerCase())).join(''),
]

describe(`Passwords made of somebody’s own data (TEST_SEED=${seed})`, () => {
  it('are found with a name of four letters or more, however it is written', () => {
    for (let round = 0; round < 3000; round++) {
      const owner = randomOwner()
      const name = from(owner.names.filter((candidate) => candidate.length >= 4))
      const password = `${junk()}${from(spellings)(name)}${junk()}`
      assert.ok(holdsOwnData(password, owner), `${name}: ${password}`)
    }
  })

  it('are found with any five digits in a row of a number or phone', () => {
    for (let round = 0; round < 3000; round++) {
      const owner = randomOwner()
      const number = from([...owner.numbers, ...owner.phones.map((phone) => phone.slice(3))])
      const at = whole(number.length - 4)
      const part = number.slice(at, at + 5 + whole(4))
      // A sign between two groups hides nothing.
      const middle = 1 + whole(part.length - 1)
      const grouped = `${part.slice(0, middle)}${from(['', ' ', '-', '.', '/'])}${part.slice(middle)}`
      assert.ok(holdsOwnData(`xk${grouped}xk`, owner), `${number}: ${grouped}`)
    }
  })

  it('are found with the birth date in any usual order', () => {
    for (let round = 0; round < 1000; round++) {
      const owner = randomOwner()
      const [year = '', month = '', day = ''] = owner.birthDate.split('-')
      const short = year.slice(2)
      const date = from([
        [day, month, year],
        [day, month, short],
        [year, month, day],
        [month, day, year],
        [short, month, day],
        [String(Number(day)), String(Number(month)), year],
      ]).join(from(['', '-', '/', '.']))
      assert.ok(holdsOwnData(`xk ${date} xk`, owner), `${owner.birthDate}: ${date}`)
    }
  })

  it('are not found in the pass phrases of others, with none of it', () => {
    // Letters that no Greek name begins with, digits that no number above repeats.
    for (let round = 0; round < 1000; round++) {
      const owner = randomOwner()
      assert.equal(holdsOwnData('wuzzy fjord jukebox 27', owner), false, String(owner.names))
    }
  })
})
