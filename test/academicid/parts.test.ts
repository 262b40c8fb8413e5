import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { isPersonKey, keyFingerprint, personKey } from '../../src/academicid/person-key.ts'
import { vouchedNumbers } from '../../src/academicid/vouched-numbers.ts'
import { ConfigError, readConfig } from '../../src/config.ts'

const url = 'https://academicid.example.gr'
const key = randomBytes(32)

describe('The key of a person', () => {
  it('is base64url of HMAC-SHA-256 over COUNTRY|NUMBER: capitals, no spaces', () => {
    const expected = createHmac('sha256', key).update('GR|12093134234').digest('base64url')
    assert.equal(personKey(key, 'GR', '12093134234'), expected)
    assert.equal(personKey(key, 'gr', '120931 34234'), expected)
    assert.equal(expected.length, 43)
    assert.ok(isPersonKey(expected))
    assert.ok(!isPersonKey(`${expected}=`) && !isPersonKey([expected]))
  })

  it('is accepted however the 32 bytes come out', () => {
    for (let count = 0; count < 500; count++) {
      assert.ok(isPersonKey(randomBytes(32).toString('base64url')))
    }
  })
})

describe('Numbers that may join people', () => {
  const number = (country: string, hmac: string) => ({ country, hmac, sealed: '' })
  const records = (...numberHmacs: string[]) => [{ numberHmacs }] as never

  it('are those that a source names; the AMKA first, then by country', () => {
    const nationalNumbers = [number('IT', 'c'), number('DE', 'b'), number('GR', 'a')]
    const vouched = vouchedNumbers(
      { nationalNumbers, records: records('a', 'b', 'c') },
      { way: 'pin' },
    )
    assert.deepEqual(
      vouched.map(({ country }) => country),
      ['GR', 'DE', 'IT'],
    )
  })

  it('and an AMKA that the national registry confirmed; nothing else that a person claims', () => {
    const person = { nationalNumbers: [number('GR', 'a'), number('DE', 'b')], records: records() }
    const countries = (numberCheckedBy?: 'national' | 'embedded') =>
      vouchedNumbers(person, { way: 'pin', numberCheckedBy }).map(({ country }) => country)
    assert.deepEqual(countries('national'), ['GR'])
    assert.deepEqual(countries('embedded'), [])
    assert.deepEqual(countries(), [])
    assert.deepEqual(vouchedNumbers({ records: records('a') } as never, undefined), [])
  })
})

describe('Settings of the AcademicID registry', () => {
  const problemsOf = (environment: Record<string, string>): readonly string[] => {
    try {
      readConfig(environment)
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      return error.problems
    }
    return []
  }

  it('are complete or the start is refused, saying what is missing', () => {
    const problems = problemsOf({ ACADEMICID_URL: url })
    assert.equal(problems.length, 2)
    assert.match(problems[0] as string, /^ACADEMICID_TOKEN: must be set with ACADEMICID_URL/)
    assert.match(problems[1] as string, /^ACADEMICID_SHARED_KEYS: must be set with ACADEMICID_URL/)
  })

  it('take keys in hex and base64url, several of them', () => {
    const second = randomBytes(48)
    const { academicIdSharedKeys } = readConfig({
      ACADEMICID_URL: url,
      ACADEMICID_TOKEN: 'x',
      ACADEMICID_SHARED_KEYS: ` ${key.toString('hex')} , ${second.toString('base64url')} `,
    })
    assert.deepEqual(academicIdSharedKeys, [key, second])
    const fingerprints = academicIdSharedKeys.map(keyFingerprint)
    assert.equal(new Set(fingerprints).size, 2)
  })

  it('refuse a short, mistyped or repeated key without printing it', () => {
    const wrong = [
      'short',
      key.toString('hex').slice(0, 62),
      `${key.toString('base64url')}!`,
      key.toString('base64'),
      `${key.toString('hex')},x`,
      `${key.toString('hex')},${key.toString('base64url')}`,
    ]
    for (const value of wrong) {
      const text = problemsOf({ ACADEMICID_SHARED_KEYS: value })
      assert.match(
        text.join(),
        /^ACADEMICID_SHARED_KEYS: (must be keys of at least 32|holds the same)/,
      )
      assert.ok(!text.join().includes(value))
    }
  })

  it('of the server ask for nothing that an identity provider needs', () => {
    const environment = { NODE_ENV: 'production', ACADEMICID_PORT: '3011' }
    assert.equal(readConfig(environment, 'academicid-registry').academicIdPort, 3011)
    assert.throws(() => readConfig(environment), /BASE_URL/)
  })
})
