import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { afmCheckDigit, checkAfm } from '../../src/people/afm.ts'
import { amkaCheckDigit, checkAmka } from '../../src/people/amka.ts'
import {
  maskNationalNumber,
  nationalNumberHmac,
  openNationalNumber,
  sealNationalNumber,
} from '../../src/people/national-number.ts'
import { fixedSecrets, makeAmka, seededRandom } from './support.ts'

describe('AMKA', () => {
  it('accepts a right number, spaces and hyphens aside', () => {
    assert.deepEqual(checkAmka('01013099997'), { value: '01013099997' })
    assert.deepEqual(checkAmka('010130-9999 7'), { value: '01013099997' })
  })

  it('says what is wrong with the others', () => {
    const reasonOf = (text: string, birthDate?: string) => checkAmka(text, birthDate).reason
    assert.equal(reasonOf('01013099999'), 'AMKA_CHECK_DIGIT_WRONG')
    // Passes Luhn, so only the date tells.
    assert.equal(reasonOf('00000000000'), 'AMKA_DATE_INVALID')
    assert.equal(reasonOf('31023099998'), 'AMKA_DATE_INVALID')
    assert.equal(reasonOf('0101309999'), 'AMKA_NOT_11_DIGITS')
    assert.equal(reasonOf('٠١٠١٣٠٩٩٩٩٧'), 'AMKA_NOT_11_DIGITS')
    assert.equal(reasonOf('01013099997', '1930-01-02'), 'AMKA_BIRTH_DATE_MISMATCH')
  })

  it('takes either century when the birth date fits', () => {
    assert.equal(checkAmka('01013099997', '1930-01-01').reason, undefined)
    assert.equal(checkAmka('01013099997', '2030-01-01').reason, undefined)
  })

  it('accepts 29 February of a year that is a leap year in one century only', () => {
    // 1900 had no 29 February, 2000 had.
    const number = `2902001234${amkaCheckDigit('2902001234')}`
    assert.equal(checkAmka(number).value, number)
  })

  it('accepts every number made right and finds any one wrong digit', (t) => {
    const seed = Date.now() % 1_000_000
    t.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    const below = (limit: number) => Math.floor(random() * limit)
    const two = (value: number) => String(value).padStart(2, '0')
    for (let round = 0; round < 500; round++) {
      const birthDate = `${1930 + below(90)}-${two(1 + below(12))}-${two(1 + below(28))}`
      const number = makeAmka(birthDate, below(10_000))
      assert.deepEqual(checkAmka(number, birthDate), { value: number })
      const at = below(11)
      const digit = (Number(number[at]) + 1 + below(9)) % 10
      const wrong = number.slice(0, at) + digit + number.slice(at + 1)
      assert.ok(checkAmka(wrong).reason, `${wrong} made from ${number}, seed ${seed}`)
    }
  })
})

describe('AFM', () => {
  it('accepts right numbers in the forms that people write', () => {
    for (const text of ['094259216', '123456783', '999999993']) {
      assert.deepEqual(checkAfm(text), { value: text })
    }
    assert.equal(checkAfm('EL 094.259.216').value, '094259216')
    assert.equal(checkAfm('94259216').value, '094259216')
    // In Greek letters, which look the same.
    assert.equal(checkAfm('ΕΛ094259216').value, '094259216')
  })

  it('says what is wrong with the others', () => {
    assert.equal(checkAfm('123456781').reason, 'AFM_CHECK_DIGIT_WRONG')
    assert.equal(checkAfm('000000000').reason, 'AFM_CHECK_DIGIT_WRONG')
    assert.equal(checkAfm('1234567').reason, 'AFM_NOT_9_DIGITS')
    assert.equal(checkAfm('12345678X').reason, 'AFM_NOT_9_DIGITS')
  })

  it('counts a remainder of 10 as check digit 0', () => {
    // 5 * 2 = 10.
    assert.equal(afmCheckDigit('00000005'), '0')
    assert.equal(checkAfm('000000050').value, '000000050')
  })
})

describe('national numbers at rest', () => {
  const secrets = fixedSecrets()

  it('open to what was sealed', () => {
    const entry = sealNationalNumber(secrets, 'GR', '01013099997')
    assert.equal(openNationalNumber(secrets, entry), '01013099997')
    assert.equal(entry.hmac, nationalNumberHmac(secrets, 'GR', '01013099997'))
    assert.ok(!JSON.stringify(entry).includes('01013099997'))
  })

  it('are sealed differently every time and found by the same key', () => {
    const one = sealNationalNumber(secrets, 'GR', '01013099997')
    const other = sealNationalNumber(secrets, 'GR', '01013099997')
    assert.notEqual(one.sealed, other.sealed)
    assert.equal(one.hmac, other.hmac)
  })

  it('have a key that depends on country and institution', () => {
    assert.notEqual(nationalNumberHmac(secrets, 'GR', '1'), nationalNumberHmac(secrets, 'CY', '1'))
    const others = { get: () => randomBytes(32) }
    assert.notEqual(nationalNumberHmac(secrets, 'GR', '1'), nationalNumberHmac(others, 'GR', '1'))
  })

  it('do not open when changed, cut, or moved to another entry', () => {
    const entry = sealNationalNumber(secrets, 'GR', '01013099997')
    const other = sealNationalNumber(secrets, 'GR', '01013099989')
    const flipped = Buffer.from(entry.sealed, 'base64url')
    flipped[15] = (flipped[15] as number) ^ 1
    for (const bad of [
      { ...entry, country: 'CY' },
      { ...entry, hmac: other.hmac },
      { ...entry, sealed: flipped.toString('base64url') },
      { ...entry, sealed: entry.sealed.slice(0, 20) },
      { ...entry, sealed: '' },
    ]) {
      assert.throws(() => openNationalNumber(secrets, bad))
    }
  })

  it('are masked but for the last two characters', () => {
    assert.equal(maskNationalNumber('01013099997'), '*********97')
    assert.equal(maskNationalNumber('1234'), '****')
  })
})
