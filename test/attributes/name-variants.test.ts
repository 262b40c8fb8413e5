import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as oidc from 'openid-client'
import { attributeByName } from '../../src/attributes/attribute-table.ts'
import { decideRelease } from '../../src/attributes/release.ts'
import { Browser, defaultScope, TestService } from '../oidc/relying-party-support.ts'
import { elements, parse } from '../saml/saml-support.ts'
import {
  newPerson,
  pathOf,
  postedForm,
  registerService,
  serviceLibrary,
  signIn,
} from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson } from '../support/people.ts'
import { environment, samlTarget, student } from './example-people.ts'

describe('names in the script that a service asks for', () => {
  const released = (names: readonly string[], audience: 'national' | 'international') =>
    Object.fromEntries(
      decideRelease(student, samlTarget(names, { audience }), environment).attributes.map(
        ({ samlName, values }) => [samlName, values],
      ),
    )

  it('are the same at home and abroad', () => {
    for (const audience of ['national', 'international'] as const) {
      assert.deepEqual(released(['sn;lang-el', 'cn;lang-en'], audience), {
        'cn;lang-en': ['Maria Dokimastiki'],
        'sn;lang-el': ['Δοκιμαστική'],
      })
    }
  })

  it('go by each of the spellings in use, under one Name', () => {
    for (const name of ['sn;lang-el', 'urn:oid:2.5.4.4;lang-el', 'sn_el']) {
      assert.deepEqual(released([name], 'national'), { 'sn;lang-el': ['Δοκιμαστική'] })
    }
    for (const name of ['givenName_en', 'urn:oid:2.5.4.42;lang-en']) {
      assert.deepEqual(released([name], 'national'), { 'givenName;lang-en': ['Maria'] })
    }
  })

  it('do not go where only the plain name was asked for, nor the other way round', () => {
    assert.deepEqual(released(['urn:oid:2.5.4.4'], 'national'), {
      'urn:oid:2.5.4.4': ['Δοκιμαστική'],
    })
    assert.deepEqual(Object.keys(released(['displayName_el'], 'national')), ['displayName;lang-el'])
  })

  it('have language-tagged claims, but cn, for which OpenID Connect has none', () => {
    assert.equal(attributeByName('displayName;lang-el')?.claim, 'name#el')
    assert.equal(attributeByName('givenName;lang-en')?.claim, 'given_name#en')
    assert.equal(attributeByName('cn;lang-el')?.claim, undefined)
  })
})

describe('names in one script, as libraries that are not ours read them', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  it('arrive over SAML with the Name of the table and an unspecified NameFormat', async () => {
    const service = {
      entityId: 'https://names.example.gr',
      acsUrl: 'https://names.example.gr/acs',
      requestedAttributes: {
        sn_el: 'sn;lang-el',
        sn_en: 'urn:oid:2.5.4.4;lang-en',
        givenName_el: 'givenName_el',
      },
    }
    await registerService(service)
    const { client, account } = await newPerson(app)
    const library = serviceLibrary(app, service)
    const start = pathOf(await library.getAuthorizeUrlAsync('', undefined, {}))
    const form = postedForm(await signIn(client, await client.get(start), account.username))
    const { profile } = await library.validatePostResponseAsync({
      SAMLResponse: form.SAMLResponse,
    })
    assert.equal(profile?.['sn;lang-el'], 'Παπαδοπούλου')
    assert.equal(profile?.['sn;lang-en'], 'Papadopoulou')
    assert.equal(profile?.['givenName;lang-el'], 'Δήμητρα')
    const attributes = elements(parse(form.xml), 'Attribute')
    assert.equal(attributes.length, 3)
    for (const attribute of attributes) {
      assert.equal(
        attribute.getAttribute('NameFormat'),
        'urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified',
      )
    }
  })

  const signInWith = async (parameters: Record<string, string>, registeredScope: string) => {
    const { account } = await addPerson()
    const service = await TestService.create(app.baseUrl, { scope: registeredScope })
    const tokens = await service.signIn(new Browser(app.baseUrl), account.username, parameters)
    const userInfo = await oidc.fetchUserInfo(
      service.configuration,
      tokens.access_token,
      tokens.claims()?.sub as string,
    )
    return { idToken: tokens.claims() as Record<string, unknown>, userInfo }
  }

  it('arrive over OpenID Connect by scopes without #', async () => {
    const scope = `${defaultScope} family_name_el given_name_en name_el`
    const { userInfo } = await signInWith({ scope }, scope)
    assert.equal(userInfo['family_name#el'], 'Παπαδοπούλου')
    assert.equal(userInfo['given_name#en'], 'Dimitra')
    assert.equal(userInfo['name#el'], 'Δήμητρα Παπαδοπούλου')
    assert.equal(userInfo['name#en'], undefined)
    assert.equal(userInfo.family_name, 'Παπαδοπούλου')
  })

  it('arrive by the claims parameter, as far as the client is registered for them', async () => {
    const claims = JSON.stringify({
      id_token: { 'family_name#en': { essential: true }, 'name#en': null },
      userinfo: { 'family_name#en': null },
    })
    const { idToken, userInfo } = await signInWith(
      { scope: 'openid', claims },
      'openid family_name_en',
    )
    assert.equal(idToken['family_name#en'], 'Papadopoulou')
    assert.equal(idToken['name#en'], undefined)
    assert.equal(userInfo['family_name#en'], 'Papadopoulou')
  })

  it('are announced in the discovery document, the scopes without #', async () => {
    const response = await fetch(`${app.baseUrl}/.well-known/openid-configuration`)
    const { claims_supported: claims, scopes_supported: scopes } =
      (await response.json()) as Record<string, string[]>
    for (const claim of ['family_name#el', 'given_name#en', 'name#el']) {
      assert.ok(claims?.includes(claim), claim)
      assert.ok(scopes?.includes(claim.replace('#', '_')), claim)
    }
    assert.deepEqual(
      scopes?.filter((scope) => scope.includes('#')),
      [],
    )
  })
})
