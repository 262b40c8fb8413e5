import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AttributeSubject } from '../../../src/attributes/release-types.ts'
import { assertNothingElse, people, shibbolethHeaders } from './example-services.ts'

/**
 * The reading of Synnefo's first code: no eppn, no account; first and last name, which cn replaces;
 * a student by the mere presence of one of two attributes, everybody else a professor.
 */
function registerWithOkeanos(subject: AttributeSubject) {
  const headers = shibbolethHeaders('okeanos', subject)
  if (!headers.eppn) return 'refused'
  return {
    token: headers.eppn,
    name: headers.cn ?? `${headers.givenName} ${headers.sn}`,
    level:
      headers.schacPersonalUniqueCode !== undefined ||
      headers.grEduPersonUndergraduateBranch !== undefined
        ? 'student'
        : 'professor',
  }
}

describe('preset okeanos', () => {
  const level = (subject: AttributeSubject) => {
    const registered = registerWithOkeanos(subject)
    return registered === 'refused' ? registered : registered.level
  }

  it('makes students of students', () => {
    assert.deepEqual(registerWithOkeanos(people.student), {
      token: 'mdokim.2023@uni.example.gr',
      name: 'Μαρία Δοκιμαστική',
      level: 'student',
    })
    assert.equal(level(people.twoDepartments), 'student')
    assert.equal(level(people.foreignStudent), 'student')
  })

  it('makes no student of a professor, nor of staff who take a doctorate', () => {
    assert.equal(level(people.professor), 'professor')
    assert.equal(level(people.staffDoctorate), 'professor')
  })

  it('makes no professor of a graduate: there is nothing to make an account of', () => {
    assert.equal(level(people.alumnus), 'refused')
  })

  it('gives no mail, no national number and nothing else', () => {
    for (const subject of Object.values(people)) {
      assertNothingElse(shibbolethHeaders('okeanos', subject), [
        'eppn',
        'displayName',
        'givenName',
        'sn',
        'cn',
        'primary-affiliation',
        'schacPersonalUniqueCode',
        'grEduPersonUndergraduateBranch',
      ])
    }
  })
})
