import type { RegisteredService } from '../federation/service.ts'

/**
 * One bare address as the mail room takes it (RFC 5321 4.1.2), and without characters that hide or
 * turn others: an administrator reads whose mailbox confirmed.
 */
const mailAddress = /^[^\s\p{C}@<>(),;:"[\]\\]{1,64}@[^\s\p{C}@<>(),;:"[\]\\]{1,255}$/u

/** Of a domain name, not of a machine or an address: there is nobody's mailbox to prove control by. */
const mailDomain = /@[^.]+(\.[^.]+)*\.[^.\d][^.]*$/u

/**
 * Who is written to about the service: the technical contact of its metadata, else the support
 * contact; for OpenID Connect and CAS the first of `contacts` (RFC 7591 section 2).
 */
export function technicalContact(service: RegisteredService): string | undefined {
  const addresses =
    service.protocol === 'saml'
      ? ['technical', 'support'].flatMap((wanted) =>
          service.contacts.flatMap(({ type, email }) => (type === wanted ? [email] : [])),
        )
      : listOf(service.metadata.contacts)
  return addresses.find(
    (address): address is string =>
      typeof address === 'string' && mailAddress.test(address) && mailDomain.test(address),
  )
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
