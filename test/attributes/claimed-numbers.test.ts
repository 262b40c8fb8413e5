import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import { missingFacts } from '../../src/attributes/missing-facts.ts'
import { environment, samlTarget, studentRole, subjectWith } from './example-people.ts'

const claimed = {
  country: 'GR',
  hmac: '01',
  sealed: 'sealed:01013099997',
  isClaimed: true,
} as const
const german = { country: 'DE', hmac: '02', sealed: 'sealed:SYNTHETIC65' }
const subject = subjectWith([studentRole], {
  nationalNumbers: [claimed, german],
  taxNumber: undefined,
})

describe('a national number that only the person gave', () => {
  const valuesOf = (name: string) => [
    ...attributeByName(name)!.values(subject, environment, samlTarget([])),
  ]

  it('goes to no service, whoever released it: nobody knows whose it is', () => {
    assert.deepEqual(valuesOf('schGrAcPersonSSN'), [])
    assert.deepEqual(valuesOf('schacPersonalUniqueID'), [
      'urn:mace:terena.org:schac:personalUniqueID:de:SSN:SYNTHETIC65',
    ])
  })

  it('is missing as long as no source names it', () => {
    const definition = attributeByName('schGrAcPersonSSN')!
    assert.deepEqual(missingFacts(definition, subject, environment, samlTarget([])), ['amka'])
  })
})
