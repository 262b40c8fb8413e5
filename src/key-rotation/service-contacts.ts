import type { RegisteredService } from '../federation/service.ts'

/** Whom to write to about a service. */
export interface ServiceContact {
  readonly email: string
  readonly name?: string
}

/** Who runs things first. */
const kinds = ['technical', 'support', 'administrative', 'other']

/** The contacts that the service's own metadata names, technical ones first. */
export function serviceContacts(service: RegisteredService): ServiceContact[] {
  if (service.protocol === 'oidc') {
    const { contacts } = service.metadata
    const emails = Array.isArray(contacts) ? contacts.filter((one) => typeof one === 'string') : []
    return emails.map((email) => ({ email }))
  }
  if (service.protocol !== 'saml') return []
  return service.contacts
    .filter(({ email }) => email !== undefined)
    .toSorted((one, other) => kinds.indexOf(one.type) - kinds.indexOf(other.type))
    .map(({ email = '', givenName, surName }) => ({
      email: email.replace(/^mailto:/i, ''),
      name: [givenName, surName].filter((part) => part !== undefined).join(' ') || undefined,
    }))
}
