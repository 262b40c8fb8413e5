import type { MetadataReading } from './metadata-finding.ts'
import type { ServiceProvider } from './service.ts'

/** Notices what metadata that can be used had better say. */
export function reviewServiceProvider(sp: ServiceProvider, { findings }: MetadataReading): void {
  if (sp.encryptionKeys.length === 0) {
    findings.push({
      code: 'ENCRYPTION_KEY_MISSING',
      message: 'There is no key to encrypt to: assertions pass through the browser readable.',
      remedy: 'Publish a certificate with use="encryption", or without use.',
    })
  }
  if (sp.signingKeys.length === 0) {
    findings.push({
      code: 'SIGNING_KEY_MISSING',
      message: 'There is no key to verify by: signed requests and logout will be refused.',
      remedy: 'Publish a certificate with use="signing", or without use.',
    })
  }
  if (Object.keys(sp.displayName).length === 0) {
    findings.push({
      code: 'DISPLAY_NAME_MISSING',
      message: 'The service has no name, so people are shown its entityID.',
      remedy: 'Add mdui:DisplayName in Greek and English (xml:lang="el" and "en").',
    })
  }
  if (Object.keys(sp.privacyStatementUrl).length === 0) {
    findings.push({
      code: 'PRIVACY_STATEMENT_MISSING',
      message: 'The service does not say what it does with personal data.',
      remedy: 'Add mdui:PrivacyStatementURL.',
    })
  }
  if (
    !sp.contacts.some(({ type, email }) => email && (type === 'technical' || type === 'support'))
  ) {
    findings.push({
      code: 'CONTACT_MISSING',
      message: 'Nobody can be written to when something breaks.',
      remedy: 'Add a ContactPerson of type technical with an EmailAddress.',
    })
  }
  const asksForAttributes = sp.attributeConsumingServices.some(
    ({ requestedAttributes }) => requestedAttributes.length > 0,
  )
  if (!asksForAttributes && sp.subjectIdRequirement === undefined) {
    findings.push({
      code: 'NO_REQUESTED_ATTRIBUTES',
      message: 'The service asks for no attributes, so it gets none.',
      remedy:
        'Add an AttributeConsumingService with a RequestedAttribute for each, or have an administrator release them.',
    })
  }
  if (sp.entityId.length > 256) {
    findings.push({
      code: 'ENTITY_ID_LONG',
      message: 'The entityID is longer than 256 characters; other software may refuse it.',
      remedy: 'Choose a shorter one before anybody else has registered it.',
    })
  }
}
