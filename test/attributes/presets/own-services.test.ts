import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertNothingElse, people, shibbolethHeaders } from './example-services.ts'

/** GUnet's reader of schacPersonalUniqueID: eight parts or it fails. */
function readUniqueId(value: string) {
  const parts = value.split(':')
  if (parts.length !== 8) throw new Error(`${parts.length} parts`)
  return { country: parts[5], type: parts[6]?.toUpperCase(), number: parts[7] }
}

describe('preset e-secretariat', () => {
  it('finds a student by department and number, and a person by the AcademicID', () => {
    const subject = {
      ...people.student,
      person: { ...people.student.person, academicId: 'synthetic-academic-id' },
    }
    const headers = shibbolethHeaders('e-secretariat', subject)
    assert.equal(headers.grEduPersonUndergraduateBranch, '267')
    assert.match(headers.schacPersonalUniqueCode!, /:267:10125$/)
    assert.equal(headers.schGrAcPersonID, 'synthetic-academic-id')
    assert.equal(headers.sn, 'Δοκιμαστική')
  })

  it('knows professors as such, without a student number', () => {
    const headers = shibbolethHeaders('e-secretariat', people.professor)
    assert.match(headers['unscoped-affiliation']!, /^faculty/)
    assert.equal(headers.schacPersonalUniqueCode, undefined)
  })

  it('has national numbers only by an administrator’s word, in GUnet’s eight parts', () => {
    for (const subject of Object.values(people)) {
      assert.equal(shibbolethHeaders('e-secretariat', subject).schacPersonalUniqueID, undefined)
    }
    const overrides = { release: ['schacPersonalUniqueID'] }
    const headers = shibbolethHeaders('e-secretariat', people.student, overrides)
    assert.deepEqual(headers.schacPersonalUniqueID?.split(';').map(readUniqueId), [
      { country: 'gr', type: 'SSN', number: '01013099997' },
      { country: 'gr', type: 'TIN', number: '123456783' },
    ])
    const foreign = shibbolethHeaders('e-secretariat', people.foreignStudent, overrides)
    assert.deepEqual(foreign.schacPersonalUniqueID?.split(';').map(readUniqueId), [
      { country: 'de', type: 'SSN', number: '12010190D001' },
    ])
  })
})

describe('presets webmail and vpn', () => {
  it('open the mailbox of the username, and know no more than whose it is', () => {
    for (const subject of Object.values(people)) {
      const headers = shibbolethHeaders('webmail', subject)
      assert.equal(headers.mail, `${headers.uid}@uni.example.gr`)
      assertNothingElse(headers, ['uid', 'mail', 'displayName'])
    }
  })

  it('choose the network by what somebody is, without a name', () => {
    const networks = (subject: typeof people.student) =>
      shibbolethHeaders('vpn', subject)['unscoped-affiliation']?.split(';') ?? []
    assert.ok(networks(people.student).includes('student'))
    assert.ok(networks(people.professor).includes('faculty'))
    assert.ok(!networks(people.alumnus).includes('member'))
    for (const subject of Object.values(people)) {
      assertNothingElse(shibbolethHeaders('vpn', subject), ['uid', 'unscoped-affiliation'])
    }
  })
})

describe('preset diavlos', () => {
  it('has who organises and of which university, and nothing about studies', () => {
    const headers = shibbolethHeaders('diavlos', people.professor)
    assert.equal(headers.eppn, 'mdokim.2023@uni.example.gr')
    assert.equal(headers.schacHomeOrganization, 'uni.example.gr')
    for (const subject of Object.values(people)) {
      assertNothingElse(shibbolethHeaders('diavlos', subject), [
        'eppn',
        'mail',
        'displayName',
        'affiliation',
        'schacHomeOrganization',
      ])
    }
  })
})
