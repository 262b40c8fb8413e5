import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AttributeSubject } from '../../../src/attributes/release-types.ts'
import { claimsOf } from '../../../src/oidc/account.ts'
import { casAttributes, oidcRelease, people, shibbolethHeaders } from './example-services.ts'

/** What eClass keeps of somebody who signs in for the first time. */
interface EclassUser {
  readonly username: string | undefined
  readonly email: string | undefined
  readonly givenname: string | undefined
  readonly surname: string | undefined
}

const maria: EclassUser = {
  username: 'mdokim.2023',
  email: 'mdokim.2023@uni.example.gr',
  givenname: 'Μαρία',
  surname: 'Δοκιμαστική',
}

/** Over CAS: attribute names whatever their case, of several values the first. */
function readOverCas(subject: AttributeSubject): EclassUser {
  const attributes = new Map(
    Object.entries(casAttributes('eclass', subject)).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === 'string' ? value : value[0],
    ]),
  )
  return {
    // The name of the ticket itself.
    username: subject.account.username,
    email: attributes.get('mail'),
    givenname: attributes.get('givenname'),
    surname: attributes.get('sn'),
  }
}

/** Through Shibboleth: headers by name; cn would be cut at the space where the names lack. */
function readThroughShibboleth(subject: AttributeSubject): EclassUser {
  const { uid: username, mail: email, ...headers } = shibbolethHeaders('eclass', subject)
  const parts = (headers.cn ?? '').split(' ')
  return {
    username,
    email,
    surname: headers.sn ?? parts.pop(),
    givenname: headers.givenName ?? parts.join(' '),
  }
}

function readOverOidc(subject: AttributeSubject): EclassUser {
  const scopes = ['openid', 'profile', 'email']
  const claims = claimsOf(oidcRelease('eclass', subject, scopes)) as Record<string, string>
  return {
    username: claims.preferred_username,
    email: claims.email,
    givenname: claims.given_name,
    surname: claims.family_name,
  }
}

describe('preset eclass', () => {
  const readings = { CAS: readOverCas, Shibboleth: readThroughShibboleth, OIDC: readOverOidc }
  for (const [protocol, read] of Object.entries(readings)) {
    it(`is the same user over ${protocol}, student or not`, () => {
      for (const subject of [people.student, people.twoDepartments, people.professor]) {
        assert.deepEqual(read(subject), maria)
      }
      assert.equal(read(people.foreignStudent).surname, 'Mustermann')
      assert.equal(read(people.alumnus).email, maria.email)
    })
  }

  it('has the student number of people who are mainly students, and of nobody else', () => {
    const code = (subject: AttributeSubject) =>
      shibbolethHeaders('eclass', subject).schacPersonalUniqueCode
    assert.match(code(people.student)!, /:267:10125$/)
    assert.equal(code(people.professor), undefined)
    assert.equal(code(people.staffDoctorate), undefined)
  })

  it('over OpenID Connect has nothing beyond the scopes, nor all that they ask for', () => {
    const scopes = ['openid', 'profile', 'schac_date_of_birth']
    assert.deepEqual(Object.keys(claimsOf(oidcRelease('eclass', people.student, scopes))).sort(), [
      'family_name',
      'given_name',
      'preferred_username',
    ])
  })

  it('never has a national number, the birth date or a mobile number', () => {
    for (const subject of Object.values(people)) {
      const names = Object.keys(casAttributes('eclass', subject))
      for (const name of names) assert.doesNotMatch(name, /SSN|TIN|UniqueID|Birth|mobile/)
    }
  })
})
