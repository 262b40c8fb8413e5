import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPhone } from '../../src/people/phone.ts'

describe('mobile numbers', () => {
  it('come to E.164 from the forms that people write', () => {
    for (const text of [
      '6900000001',
      '690 000 0001',
      '+30 6900000001',
      '00306900000001',
      '306900000001',
      '(+30) 690-000.0001',
    ]) {
      assert.equal(checkPhone(text).value, '+306900000001', text)
    }
    assert.equal(checkPhone('0044 7700 900123').value, '+447700900123')
  })

  it('are refused without a country code, with letters, too short or too long', () => {
    for (const text of [
      '2101234567',
      '7700900123',
      '690000000',
      '+0123456789',
      '+1234567890123456',
      '+30690x000001',
      '',
    ]) {
      assert.equal(checkPhone(text).reason, 'MOBILE_NOT_E164', text)
    }
    assert.equal(checkPhone('+30690000001').reason, 'MOBILE_GREEK_LENGTH')
  })
})
