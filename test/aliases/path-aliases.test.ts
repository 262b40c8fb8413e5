import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pathAliases, publishedAliases, resolveAlias } from '../../src/aliases/path-aliases.ts'
import { readConfig } from '../../src/config.ts'

const baseUrl = 'https://sso.uni.example.gr'
const settings = (environment: Record<string, string>) =>
  readConfig({ BASE_URL: baseUrl, ...environment })
const answered = (environment: Record<string, string>, url: string) =>
  resolveAlias(pathAliases(settings(environment)), url)?.url

describe('addresses of other software', () => {
  it('answer nothing until they are turned on', () => {
    for (const url of [
      '/idp/profile/SAML2/Redirect/SSO',
      '/simplesaml/saml2/idp/SSOService.php',
      '/realms/uni/protocol/openid-connect/auth',
      '/cas/oauth2.0/authorize',
    ]) {
      assert.equal(answered({}, url), undefined, url)
    }
  })

  it('lead to ours with the query as it came, octet for octet', () => {
    const query = '?SAMLRequest=a%2Bb%2f&RelayState=%20x+y'
    assert.equal(
      answered({ PATH_ALIASES: 'shibboleth' }, `/idp/profile/SAML2/Redirect/SSO${query}`),
      `/saml/sso${query}`,
    )
  })

  it('are exact: another case, a slash or a longer path is somebody else’s', () => {
    for (const url of [
      '/IDP/profile/SAML2/Redirect/SSO',
      '/idp/profile/SAML2/Redirect/SSO/',
      '/idp/profile/SAML2/Redirect/SSO/x',
      '//idp/profile/SAML2/Redirect/SSO',
      '/idp/profile/SAML2/Redirect%2FSSO',
      'https://sso.uni.example.gr/idp/shibboleth',
    ]) {
      assert.equal(answered({ PATH_ALIASES: 'shibboleth' }, url), undefined, url)
    }
  })

  it('stand where that software stood', () => {
    const environment = { PATH_ALIASES: 'shibboleth=/idp4, simplesamlphp=/auth/saml,cas=/sso' }
    assert.equal(answered(environment, '/idp4/shibboleth'), '/saml/metadata')
    assert.equal(answered(environment, '/idp/shibboleth'), undefined)
    assert.equal(answered(environment, '/auth/saml/saml2/idp/metadata.php'), '/saml/metadata')
    assert.equal(answered(environment, '/sso/login?service=x'), '/cas/login?service=x')
    assert.equal(answered(environment, '/ssologin'), undefined)
    assert.equal(
      answered(environment, '/idp4/profile/cas/serviceValidate?ticket=ST-1'),
      '/cas/serviceValidate?ticket=ST-1',
    )
  })

  it('have Keycloak’s form for one realm, with and without /auth', () => {
    const environment = { KEYCLOAK_REALM: 'uni' }
    const path = '/realms/uni/protocol/openid-connect/logout'
    assert.equal(answered(environment, path), '/oidc/end_session')
    assert.equal(answered(environment, `/auth${path}`), '/oidc/end_session')
    assert.equal(answered(environment, path.replace('uni', 'master')), undefined)
  })

  it('turn SimpleSAMLphp’s link to a service into ours', () => {
    const environment = { PATH_ALIASES: 'simplesamlphp' }
    const path = '/simplesaml/saml2/idp/SSOService.php'
    assert.equal(
      answered(environment, `${path}?spentityid=https%3A%2F%2Fsp.example&RelayState=a%26b`),
      '/saml/unsolicited?providerId=https%3A%2F%2Fsp.example&target=a%26b',
    )
    assert.equal(answered(environment, `${path}?SAMLRequest=x`), '/saml/sso?SAMLRequest=x')
  })

  it('are listed for the metadata by binding, SAML endpoints alone', () => {
    const listed = publishedAliases(settings({ PATH_ALIASES: 'cas=/sso,shibboleth' }))
    assert.deepEqual(
      listed.map(({ service, binding, path }) => `${service} ${binding} ${path}`),
      [
        'SingleSignOnService HTTP-Redirect /idp/profile/SAML2/Redirect/SSO',
        'SingleSignOnService HTTP-POST /idp/profile/SAML2/POST/SSO',
        'SingleLogoutService HTTP-Redirect /idp/profile/SAML2/Redirect/SLO',
        'SingleLogoutService HTTP-POST /idp/profile/SAML2/POST/SLO',
        'SingleLogoutService SOAP /idp/profile/SAML2/SOAP/SLO',
      ],
    )
  })
})

describe('settings of a move', () => {
  it('say what is wrong with them', () => {
    const wrong: [string, string, RegExp][] = [
      ['PATH_ALIASES', 'adfs', /PATH_ALIASES: must be a list of shibboleth, .*there is no "adfs"/],
      ['PATH_ALIASES', 'cas', /PATH_ALIASES: needs the path where CAS stood/],
      ['PATH_ALIASES', 'shibboleth=idp', /PATH_ALIASES: has the path "idp"/],
      ['PATH_ALIASES', 'shibboleth=/../x', /PATH_ALIASES: has the path/],
      ['PATH_ALIASES', 'cas=/login', /\/login holds addresses of our own/],
      ['PATH_ALIASES', 'cas=/info', /\/info holds addresses of our own/],
      ['PATH_ALIASES', 'cas=/saml/x', /\/saml holds addresses of our own/],
      ['PATH_ALIASES', 'cas=/sso,shibboleth=/sso', /names the same path twice/],
      ['KEYCLOAK_REALM', 'a/b', /KEYCLOAK_REALM: must be a realm name/],
      ['KEYCLOAK_REALM', '..', /KEYCLOAK_REALM: must be a realm name/],
      ['SAML_ENTITY_ID', 'not a uri', /SAML_ENTITY_ID: must be a URI/],
      ['SAML_ENTITY_ID', `urn:${'x'.repeat(1021)}`, /SAML_ENTITY_ID: must be a URI/],
      ['OIDC_ISSUER', 'https://other.example/realms/uni', /OIDC_ISSUER: must be BASE_URL/],
      ['OIDC_ISSUER', `${baseUrl}.evil.example`, /OIDC_ISSUER: must be BASE_URL/],
      ['OIDC_ISSUER', `${baseUrl}/realms/uni?x`, /OIDC_ISSUER: must be BASE_URL/],
    ]
    for (const [name, value, message] of wrong) {
      assert.throws(() => settings({ [name]: value }), { name: 'ConfigError', message }, value)
    }
  })

  it('keep our own names by default', () => {
    const { samlEntityId, oidcIssuer } = settings({})
    assert.equal(samlEntityId, `${baseUrl}/saml/metadata`)
    assert.equal(oidcIssuer, baseUrl)
  })
})
