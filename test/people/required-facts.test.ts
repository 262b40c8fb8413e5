import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import type { DegreeLevel, PersonRole, RoleKind } from '../../src/people/person.ts'
import { missingFacts, taxNumberProblem } from '../../src/people/required-facts.ts'
import { fixedSecrets } from './support.ts'

const secrets = fixedSecrets()
const sealed = (country: string, number: string) => sealNationalNumber(secrets, country, number)
const role = (kind: RoleKind, degreeLevel?: DegreeLevel): PersonRole => ({
  source: 'sis',
  sourceId: '1',
  role: kind,
  status: 'active',
  ...(degreeLevel ? { degreeLevel } : {}),
})
const student = role('student', 'bachelor')
const birthDate = '2003-05-17'
const taxNumber = sealed('GR', '123456783')
const nothing = { taxNumberRequiredFor: [] } as const

describe('what the record must hold before an activation', () => {
  it('is username and birth date', () => {
    assert.deepEqual(missingFacts({ birthDate }, 'dp', student, nothing), [])
    assert.deepEqual(missingFacts({}, undefined, student, nothing), ['username', 'birthDate'])
    assert.deepEqual(missingFacts({ birthDate: '' }, '', student, nothing), [
      'username',
      'birthDate',
    ])
  })

  it('is no tax number unless the institution asks for it', () => {
    for (const kind of ['student', 'faculty', 'staff', 'affiliate'] as const) {
      assert.deepEqual(missingFacts({ birthDate }, 'dp', role(kind), nothing), [], kind)
    }
  })

  it('is the tax number of those whom the institution asks for it', () => {
    const groups = {
      undergraduate: [
        role('student'),
        role('student', 'bachelor'),
        role('student', 'integrated-master'),
      ],
      postgraduate: [role('student', 'master'), role('student', 'doctorate')],
      staff: [role('staff'), role('faculty')],
      affiliate: [role('affiliate')],
    }
    for (const group of Object.keys(groups) as (keyof typeof groups)[]) {
      const rules = { taxNumberRequiredFor: [group] }
      for (const [name, roles] of Object.entries(groups)) {
        for (const one of roles) {
          const expected = name === group ? ['taxNumber'] : []
          assert.deepEqual(missingFacts({ birthDate }, 'dp', one, rules), expected)
          assert.deepEqual(missingFacts({ birthDate, taxNumber }, 'dp', one, rules), [])
        }
      }
    }
  })
})

describe('the tax number on record', () => {
  it('may be absent, Greek or of another country', () => {
    assert.equal(taxNumberProblem(secrets, {}), undefined)
    assert.equal(taxNumberProblem(secrets, { taxNumber }), undefined)
    assert.equal(taxNumberProblem(secrets, { taxNumber: sealed('DE', '12345678901') }), undefined)
  })

  it('must be right, and its country too', () => {
    for (const [country, number] of [
      ['GR', '123456781'],
      ['GR', '12345678901'],
      ['GR', '000000000'],
      ['GR', ''],
      ['DE', '!'],
      ['ZZ', '123456783'],
      ['EU', '123456783'],
      ['', '123456783'],
    ] as const) {
      const wrong = { taxNumber: sealed(country, number) }
      assert.equal(taxNumberProblem(secrets, wrong), 'invalid', `${country} ${number}`)
    }
  })
})
