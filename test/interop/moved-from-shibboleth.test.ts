import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { Browser } from './support/browser.ts'
import { student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import {
  attributesOf,
  environmentOf,
  newSiteFolder,
  type ServiceSite,
  startServices,
} from './support/service-site.ts'
import { applicationUrl, type SpApplication } from './support/shibboleth-config.ts'
import {
  assertNoSession,
  assertSignedIn,
  openPage,
  protectedPage,
} from './support/shibboleth-pages.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

/** What the institution's Shibboleth Identity Provider was called. */
const entityId = 'https://idp.uni.example.gr/idp/shibboleth'
const [redirectPort = 0, postPort = 0] = await freePorts(2)
const byRedirect: SpApplication = {
  id: 'redirect',
  port: redirectPort,
  hasEncryptionKey: true,
  signsRequests: true,
  requestedAttributes: ['eppn', 'mail'],
}
/** Unsigned: without algorithms in the metadata it knows, this SP would sign what it posts by SHA-1. */
const byPost: SpApplication = {
  id: 'post',
  port: postPort,
  requestBinding: 'HTTP-POST',
  requestedAttributes: ['eppn'],
}

const oldHome = mkdtempSync(join(tmpdir(), 'propylaia-interop-old-idp-'))
let identityProvider: RunningIdentityProvider
let site: ServiceSite

showLogsOnFailure(() => [identityProvider, site])

before(async () => {
  // The key of the installation that is replaced, as `idp-signing.key` and `.crt` there.
  const [key, certificate] = [join(oldHome, 'idp-signing.key'), join(oldHome, 'idp-signing.crt')]
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:3072', '-nodes', '-sha256', '-days', '7300'],
      ...['-subj', '/CN=idp.uni.example.gr', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'pipe' },
  )
  identityProvider = await startIdentityProvider({
    SAML_ENTITY_ID: entityId,
    PATH_ALIASES: 'shibboleth',
  })
  await identityProvider.cli(
    ...['keys', 'import', key, '--use', 'saml', '--cert', certificate, '--activate'],
  )
  site = await startServices(identityProvider, newSiteFolder(), {
    applications: [byRedirect, byPost],
    knownMetadata: oldMetadata(identityProvider.baseUrl, readFileSync(certificate, 'utf8')),
  })
})

after(async () => {
  await site?.stop()
  await identityProvider?.stop()
  rmSync(oldHome, { recursive: true, force: true })
})

/** The metadata file that a Shibboleth Identity Provider has, for the endpoints that services use. */
function oldMetadata(baseUrl: string, certificate: string): string {
  const profile = `${baseUrl}/idp/profile/SAML2`
  const endpoint = (name: string, binding: string, path: string) =>
    `<${name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${profile}/${path}"/>`
  return `<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" entityID="${entityId}">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol urn:mace:shibboleth:1.0">
    <Extensions><shibmd:Scope regexp="false">uni.example.gr</shibmd:Scope></Extensions>
    <KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate.replace(/-----[^-]+-----/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
    ${endpoint('SingleLogoutService', 'HTTP-Redirect', 'Redirect/SLO')}
    ${endpoint('SingleLogoutService', 'HTTP-POST', 'POST/SLO')}
    ${endpoint('SingleSignOnService', 'HTTP-POST', 'POST/SSO')}
    ${endpoint('SingleSignOnService', 'HTTP-Redirect', 'Redirect/SSO')}
  </IDPSSODescriptor>
</EntityDescriptor>
`
}

describe('a Shibboleth SP that was not told of the move', () => {
  it('signs in by HTTP-Redirect, at the address it knows, under the name and key it knows', async () => {
    const browser = new Browser()
    const page = await browser.open(protectedPage(byRedirect), student)
    assertSignedIn(page)
    assert.equal(environmentOf(page).Shib_Identity_Provider, entityId)
    assert.equal(attributesOf(page).eppn, student.eppn)
    assert.ok(browser.visited.some((url) => url.includes('/idp/profile/SAML2/Redirect/SSO?')))
    assert.ok(!browser.visited.some((url) => url.includes('/saml/sso?')))
  })

  it('signs in by HTTP-POST', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(byPost), student))
    const request = browser.posted.find(({ fields }) => fields.has('SAMLRequest'))
    assert.equal(request?.action, `${identityProvider.baseUrl}/idp/profile/SAML2/POST/SSO`)
  })

  it('signs out at the address it knows', async () => {
    const browser = new Browser()
    assertSignedIn(await browser.open(protectedPage(byRedirect), student))
    await browser.open(`${applicationUrl(byRedirect)}/Shibboleth.sso/Logout`)
    assert.ok(browser.visited.some((url) => url.includes('/idp/profile/SAML2/Redirect/SLO?')))
    assertNoSession(await browser.open(openPage(byRedirect)))
    const again = await browser.open(protectedPage(byRedirect))
    assert.ok(again.forms.some(({ fields }) => fields.has('password')))
  })
})
