import { isIP } from 'node:net'
import { isLoopbackUrl } from '../federation/metadata-text.ts'
import type { RegisteredService, RelyingParty } from '../federation/service.ts'
import { isPublicAddress } from '../fetch/public-address.ts'
import type { RegistrationFinding } from './registration-finding.ts'
import { technicalContact } from './technical-contact.ts'

/** Addresses that this server itself calls when the client is used. */
const calledByUs = ['jwks_uri', 'sector_identifier_uri', 'backchannel_logout_uri']

/** What usable client metadata had better say; the SAML reader finds the same of its own. */
export function reviewClient(client: RelyingParty): RegistrationFinding[] {
  const { metadata, displayName, privacyStatementUrl } = client
  const findings: RegistrationFinding[] = []
  if (Object.keys(displayName).length === 0) {
    findings.push({ code: 'DISPLAY_NAME_MISSING', severity: 'mend' })
  }
  if (Object.keys(privacyStatementUrl).length === 0) {
    findings.push({ code: 'PRIVACY_STATEMENT_MISSING', severity: 'mend' })
  }
  if (technicalContact(client) === undefined) {
    findings.push({ code: 'CONTACT_MISSING', severity: 'stop' })
  }
  for (const field of calledByUs) {
    const address = metadata[field]
    if (typeof address === 'string' && !isOutside(address)) {
      findings.push({ code: 'ADDRESS_NOT_PUBLIC', severity: 'stop', subject: address })
    }
  }
  return findings
}

/** Answers that a browser carries to its own machine: right for an app, seldom for a service. */
export function reviewEndpoints(service: RegisteredService): RegistrationFinding[] {
  return addressesOf(service)
    .filter((address) => /^https?:/.test(address) && isLoopbackUrl(address))
    .map((subject) => ({ code: 'ENDPOINT_LOCAL', severity: 'mend', subject }))
}

/** Where browsers are sent with an answer. */
export function addressesOf(service: RegisteredService): readonly string[] {
  switch (service.protocol) {
    case 'saml':
      return service.assertionConsumerServices.map(({ location }) => location)
    case 'oidc':
      return (service.metadata.redirect_uris as string[] | undefined) ?? []
    case 'cas':
      return [service.pattern.text]
  }
}

/** By its looks: where a name leads is looked at when it is called. */
function isOutside(address: string): boolean {
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '')
  if (isIP(host)) return isPublicAddress(host)
  return host.includes('.') && !/(^|\.)(localhost|local|internal|test|invalid)$/.test(host)
}
