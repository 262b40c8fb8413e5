import type { RegisteredService } from '../federation/service.ts'

/** One bare address without control characters, as the mail room takes it (RFC 5321 4.1.2). */
const mailAddress = /^[^\s\p{Cc}@<>(),;:"[\]\\]{1,64}@[^\s\p{Cc}@<>(),;:"[\]\\]{1,255}$/u

/**
 * Who is written to about the service: the technical contact of its metadata, else the support
 * contact; for OpenID Connect the first of `contacts` (RFC 7591 section 2).
 */
export function technicalContact(service: RegisteredService): string | undefined {
  const addresses =
    service.protocol === 'saml'
      ? ['technical', 'support'].flatMap((wanted) =>
          service.contacts.flatMap(({ type, email }) => (type === wanted ? [email] : [])),
        )
      : listOf(service.metadata.contacts)
  return addresses.find(
    (address): address is string => typeof address === 'string' && mailAddress.test(address),
  )
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
