/**
 * A mobile number as pages and admins see it: `+30 69•••••• 42`. Enough for its owner to know it
 * again; one of ten thousand and more for anybody else.
 *
 * @param mobile E.164
 */
export function maskMobile(mobile: string): string {
  const isGreek = mobile.startsWith('+30')
  const prefix = isGreek ? `+30 ${mobile.slice(3, 5)}` : `${mobile.slice(0, 3)} `
  const hidden = mobile.length - (isGreek ? 5 : 3) - 2
  return `${prefix}${'•'.repeat(Math.max(hidden, 0))} ${mobile.slice(-2)}`
}

/** So many for every part, so that the length is no hint. */
const dots = '•••••'

/** A mail address as pages and admins see it: `d•••••@e•••••.org`. */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  const lastDot = domain.lastIndexOf('.')
  return `${firstOf(email.slice(0, at))}${dots}@${firstOf(domain.slice(0, lastDot))}${dots}${domain.slice(lastDot)}`
}

/** Of one or two characters the first would be half of the secret. */
function firstOf(part: string): string {
  const characters = [...part]
  return characters.length > 2 ? (characters[0] as string) : ''
}

/** A mobile number or a mail address, masked. */
export function maskContact(contact: string): string {
  return contact.includes('@') ? maskEmail(contact) : maskMobile(contact)
}
