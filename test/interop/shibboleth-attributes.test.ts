import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Browser } from './support/browser.ts'
import {
  sensitiveAttributes,
  staffAndStudent,
  student,
  studentAttributes,
  studentTwice,
} from './support/demo-people.ts'
import { attributesOf } from './support/service-site.ts'
import { applicationEntityId } from './support/shibboleth-config.ts'
import { assertSignedIn, lastResponse, protectedPage } from './support/shibboleth-pages.ts'
import { plain, posting, sealed, useShibboleth } from './support/shibboleth-scene.ts'

const { identityProvider } = useShibboleth()

describe('Shibboleth SP: attributes', () => {
  it('reports exactly the expected attributes of a student, assertion in clear', async () => {
    const browser = new Browser()
    const page = await browser.open(protectedPage(plain), student)
    assertSignedIn(page)
    assert.match(lastResponse(browser), /<saml:Assertion\b/)
    const { 'transient-id': transientId, ...attributes } = attributesOf(page)
    assert.deepEqual(attributes, studentAttributes)
    const [nameQualifier, spNameQualifier, value] = (transientId ?? '').split('!')
    assert.equal(nameQualifier, identityProvider().entityId)
    assert.equal(spNameQualifier, applicationEntityId(plain))
    assert.ok(value && !value.includes(student.username))
  })

  it('keeps national numbers back though the service asks for them', async () => {
    const attributes = attributesOf(await new Browser().open(protectedPage(plain), student))
    for (const id of sensitiveAttributes) {
      assert.ok(plain.requestedAttributes.includes(id))
      assert.equal(attributes[id], undefined)
    }
  })

  it('reports every value of somebody with several roles', async () => {
    const staff = attributesOf(await new Browser().open(protectedPage(plain), staffAndStudent))
    assert.equal(staff['unscoped-affiliation'], 'staff;employee;student;member')
    assert.equal(
      staff.affiliation,
      'staff@uni.example.gr;employee@uni.example.gr;student@uni.example.gr;member@uni.example.gr',
    )
    const twice = attributesOf(await new Browser().open(protectedPage(plain), studentTwice))
    assert.deepEqual(twice.ou?.split(';').sort(), [
      'Τμήμα Ιστορίας και Αρχαιολογίας',
      'Τμήμα Μαθηματικών',
    ])
  })

  it('reports exactly the expected attributes from an encrypted assertion', async () => {
    const browser = new Browser()
    const page = await browser.open(protectedPage(sealed), student)
    assertSignedIn(page)
    assert.match(lastResponse(browser), /<saml:EncryptedAssertion\b/)
    assert.doesNotMatch(lastResponse(browser), /<saml:Assertion\b/)
    const attributes = attributesOf(page)
    const pseudonym = /^([a-z2-7]{32})@uni\.example\.gr$/.exec(attributes['pairwise-id'] ?? '')?.[1]
    assert.ok(pseudonym, attributes['pairwise-id'])
    const qualified = `${identityProvider().entityId}!${applicationEntityId(sealed)}!${pseudonym}`
    assert.deepEqual(attributes, {
      affiliation: 'student@uni.example.gr;member@uni.example.gr',
      'pairwise-id': `${pseudonym}@uni.example.gr`,
      'persistent-id': qualified,
      eduPersonTargetedID: qualified,
    })
  })

  it('gives the same pseudonym at every sign-in, and different people different ones', async () => {
    const pseudonymOf = async (who: typeof student) =>
      attributesOf(await new Browser().open(protectedPage(sealed), who))['persistent-id']
    const first = await pseudonymOf(student)
    assert.ok(first)
    assert.equal(await pseudonymOf(student), first)
    assert.notEqual(await pseudonymOf(studentTwice), first)
  })

  it('gives subject-id where it is demanded, equal to eduPersonUniqueId', async () => {
    await identityProvider().cli('academicid', 'allocate', '--all')
    const attributes = attributesOf(await new Browser().open(protectedPage(posting), student))
    assert.match(attributes['subject-id'] ?? '', /^[a-z0-9]{1,127}@uni\.example\.gr$/i)
    assert.equal(attributes.eduPersonUniqueId, attributes['subject-id'])
    const { 'transient-id': _transient, ...others } = attributes
    assert.deepEqual(Object.keys(others).sort(), [
      'eduPersonUniqueId',
      'eppn',
      'ou',
      'schGrAcPersonID',
      'subject-id',
    ])
  })

  it('gives the AcademicID, the same at every sign-in and another for another person', async () => {
    const idOf = async (who: typeof student) =>
      attributesOf(await new Browser().open(protectedPage(posting), who)).schGrAcPersonID
    // It is made behind the first sign-in; this command comes back when everybody has theirs.
    await identityProvider().cli('academicid', 'allocate', '--all')
    const first = await idOf(student)
    assert.match(first ?? '', /^[0-9a-f]{32}$/)
    assert.equal(await idOf(student), first)
    assert.notEqual(await idOf(studentTwice), first)
  })
})
