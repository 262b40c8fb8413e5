import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseAssertionConsumerService } from '../../src/saml/assertion-consumer-service.ts'
import { satisfyAuthnContext } from '../../src/saml/authn-context.ts'
import type { RequestedAuthnContext } from '../../src/saml/authn-request.ts'
import { chooseNameIdFormat, makeNameId, transientNameId } from '../../src/saml/name-id.ts'
import { authnContextClasses, bindings, nameIdFormats } from '../../src/saml/uris.ts'
import { acsUrl, idpEntityId, makeServiceProvider, spEntityId } from './saml-support.ts'

const sp = makeServiceProvider()

describe('SAML SSO: choosing the AssertionConsumerService (Core 3.4.1, Metadata 2.2.3)', () => {
  it('refuses a URL that is not in the metadata', () => {
    const request = { assertionConsumerServiceUrl: 'https://evil.example/acs' }
    assert.throws(() => chooseAssertionConsumerService(sp, request), {
      code: 'SAML_ENDPOINT_NOT_REGISTERED',
    })
  })

  for (const almost of [
    `${acsUrl}/`,
    acsUrl.toUpperCase(),
    `${acsUrl}?x=1`,
    acsUrl.replace('https://', 'https://user@'),
    `${acsUrl}%2e`,
  ]) {
    it(`compares character by character: not ${almost}`, () => {
      assert.throws(
        () => chooseAssertionConsumerService(sp, { assertionConsumerServiceUrl: almost }),
        { code: 'SAML_ENDPOINT_NOT_REGISTERED' },
      )
    })
  }

  it('takes a URL of the metadata, the default one or not', () => {
    for (const url of [acsUrl, `${acsUrl}2`]) {
      const request = { assertionConsumerServiceUrl: url }
      assert.equal(chooseAssertionConsumerService(sp, request).location, url)
    }
  })

  it('takes an index of the metadata and refuses another', () => {
    const request = { assertionConsumerServiceIndex: 2 }
    assert.equal(chooseAssertionConsumerService(sp, request).location, `${acsUrl}2`)
    assert.throws(() => chooseAssertionConsumerService(sp, { assertionConsumerServiceIndex: 3 }), {
      code: 'SAML_ENDPOINT_NOT_REGISTERED',
    })
  })

  it('without either takes isDefault, else the first not marked as no default, else the first', () => {
    const endpoint = (location: string, isDefault?: boolean) => ({
      binding: bindings.httpPost,
      location,
      isDefault,
    })
    const choose = (...endpoints: ReturnType<typeof endpoint>[]) =>
      chooseAssertionConsumerService(
        makeServiceProvider({ assertionConsumerServices: endpoints }),
        {},
      ).location
    assert.equal(choose(endpoint('a'), endpoint('b', true)), 'b')
    assert.equal(choose(endpoint('a', false), endpoint('b')), 'b')
    assert.equal(choose(endpoint('a', false), endpoint('b', false)), 'a')
  })

  it('answers by HTTP-POST only, and passes over endpoints of other bindings', () => {
    const artifact = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact'
    const mixed = makeServiceProvider({
      assertionConsumerServices: [
        { binding: artifact, location: `${acsUrl}-artifact`, index: 0, isDefault: true },
        { binding: bindings.httpPost, location: acsUrl, index: 1 },
      ],
    })
    assert.equal(chooseAssertionConsumerService(mixed, {}).location, acsUrl)
    assert.throws(() => chooseAssertionConsumerService(mixed, { protocolBinding: artifact }), {
      code: 'SAML_BINDING_UNSUPPORTED',
    })
    assert.throws(
      () => chooseAssertionConsumerService(mixed, { assertionConsumerServiceIndex: 0 }),
      { code: 'SAML_BINDING_UNSUPPORTED' },
    )
  })
})

describe('SAML SSO: NameIDPolicy (Core 3.4.1.1)', () => {
  const policy = (format?: string, spNameQualifier?: string) => ({
    format,
    spNameQualifier,
    allowCreate: true,
  })

  it('gives a transient identifier when nobody says anything', () => {
    assert.equal(chooseNameIdFormat(sp, undefined), nameIdFormats.transient)
    assert.equal(chooseNameIdFormat(sp, policy()), nameIdFormats.transient)
    assert.equal(chooseNameIdFormat(sp, policy(nameIdFormats.unspecified)), nameIdFormats.transient)
  })

  it('gives transient and persistent to whoever asks', () => {
    for (const format of [nameIdFormats.transient, nameIdFormats.persistent]) {
      assert.equal(chooseNameIdFormat(sp, policy(format)), format)
    }
  })

  it('gives the mail address only to a service whose metadata names that format', () => {
    const format = nameIdFormats.emailAddress
    const refusal = {
      code: 'SAML_NAMEID_POLICY_UNSUPPORTED',
      samlStatus: {
        code: 'Requester',
        secondLevel: 'InvalidNameIDPolicy',
        message: `NameID format ${format} is given only to services whose metadata lists it`,
      },
    }
    assert.throws(() => chooseNameIdFormat(sp, policy(format)), refusal)
    const listed = makeServiceProvider({ nameIdFormats: [format] })
    assert.equal(chooseNameIdFormat(listed, policy(format)), format)
    assert.equal(chooseNameIdFormat(listed, undefined), format)
  })

  it("lets an administrator's word come before the metadata", () => {
    const overridden = makeServiceProvider({
      nameIdFormats: [nameIdFormats.transient],
      overrides: { nameIdFormat: nameIdFormats.persistent },
    })
    assert.equal(chooseNameIdFormat(overridden, undefined), nameIdFormats.persistent)
  })

  it('gives a persistent identifier to no service that may not know people again', () => {
    const mayTell = (name: string) => name !== 'pairwise-id'
    const { persistent, transient } = nameIdFormats
    const listed = makeServiceProvider({ nameIdFormats: [persistent] })
    assert.equal(chooseNameIdFormat(listed, undefined, mayTell), transient)
    assert.throws(() => chooseNameIdFormat(listed, policy(persistent), mayTell), {
      code: 'SAML_NAMEID_POLICY_UNSUPPORTED',
    })
    const overridden = makeServiceProvider({ overrides: { nameIdFormat: persistent } })
    assert.equal(chooseNameIdFormat(overridden, undefined, mayTell), persistent)
  })

  it('refuses formats it does not have and affiliations it does not know', () => {
    for (const wrong of [
      policy('urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted'),
      policy('urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos'),
      policy(nameIdFormats.persistent, 'https://affiliation.example'),
    ]) {
      assert.throws(() => chooseNameIdFormat(sp, wrong), { code: 'SAML_NAMEID_POLICY_UNSUPPORTED' })
    }
    assert.equal(
      chooseNameIdFormat(sp, policy(nameIdFormats.persistent, spEntityId)),
      nameIdFormats.persistent,
    )
  })

  it('qualifies the identifiers that mean something only between us and the service', () => {
    const source = {
      issuer: idpEntityId,
      transient: () => '_t',
      persistent: () => 'p',
      emailAddress: () => 'niki@uni.example.gr',
      principalName: () => undefined,
    }
    assert.deepEqual(makeNameId(sp, nameIdFormats.persistent, source), {
      format: nameIdFormats.persistent,
      value: 'p',
      nameQualifier: idpEntityId,
      spNameQualifier: spEntityId,
    })
    assert.deepEqual(makeNameId(sp, nameIdFormats.emailAddress, source), {
      format: nameIdFormats.emailAddress,
      value: 'niki@uni.example.gr',
    })
    assert.throws(() => makeNameId(sp, nameIdFormats.unspecified, source), {
      code: 'SAML_NAMEID_POLICY_UNSUPPORTED',
    })
  })

  it('makes transient identifiers that stay in a session and differ between sessions and services', () => {
    const key = Buffer.alloc(32, 7)
    const value = transientNameId(key, 'session', spEntityId)
    assert.equal(transientNameId(key, 'session', spEntityId), value)
    assert.notEqual(transientNameId(key, 'session2', spEntityId), value)
    assert.notEqual(transientNameId(key, 'session', `${spEntityId}2`), value)
    assert.notEqual(transientNameId(Buffer.alloc(32, 8), 'session', spEntityId), value)
    assert.match(value, /^_[0-9a-f]{40}$/)
  })
})

describe('SAML SSO: RequestedAuthnContext (Core 3.3.2.2.1)', () => {
  const { unspecified, password, passwordProtectedTransport, refedsMfa } = authnContextClasses
  const reached = passwordProtectedTransport
  const ask = (comparison: RequestedAuthnContext['comparison'], ...classRefs: string[]) =>
    satisfyAuthnContext({ comparison, classRefs }, reached)

  it('states what was reached when the service does not ask', () => {
    assert.equal(satisfyAuthnContext(undefined, reached), reached)
  })

  it('exact: states the first class asked for that holds', () => {
    assert.equal(ask('exact', passwordProtectedTransport), passwordProtectedTransport)
    assert.equal(ask('exact', password), password)
    assert.equal(ask('exact', unspecified), unspecified)
    assert.equal(ask('exact', refedsMfa, password), password)
    assert.equal(ask('exact', refedsMfa), undefined)
    assert.equal(ask('exact', 'urn:oasis:names:tc:SAML:2.0:ac:classes:X509'), undefined)
  })

  it('minimum: what was reached, if it is at least as strong as one asked for', () => {
    assert.equal(ask('minimum', password), reached)
    assert.equal(ask('minimum', passwordProtectedTransport, refedsMfa), reached)
    assert.equal(ask('minimum', refedsMfa), undefined)
  })

  it('better: what was reached, if it is stronger than all asked for', () => {
    assert.equal(ask('better', password), reached)
    assert.equal(ask('better', passwordProtectedTransport), undefined)
    assert.equal(ask('better', password, refedsMfa), undefined)
  })

  it('maximum: as strong as possible without passing what is asked for', () => {
    assert.equal(ask('maximum', password), password)
    assert.equal(ask('maximum', refedsMfa), reached)
  })

  it('does not compare classes it cannot rank, and meets no declaration', () => {
    for (const comparison of ['minimum', 'better', 'maximum'] as const) {
      assert.equal(ask(comparison, 'urn:example:unknown'), undefined)
    }
    assert.equal(ask('exact'), undefined)
  })
})
