import type { Checked } from './checked.ts'

export type EmailProblem = 'EMAIL_INVALID' | 'EMAIL_INSTITUTIONAL'

/** RFC 5321 4.5.3.1.3: a path of 256 octets with its two angle brackets. */
const maxLength = 254

/**
 * Brings a personal mail address to its stored form: without spaces around it, in lower case,
 * because people look themselves up by it and do not remember their capitals.
 *
 * @param scope the institution's domain: an address under it opens only after the activation
 */
export function checkPersonalEmail(text: string, scope: string): Checked<EmailProblem> {
  const value = text.trim().normalize('NFC').toLowerCase()
  if (value.length > maxLength) return { reason: 'EMAIL_INVALID' }
  const match =
    /^[^\s@<>(),;:"[\]\\]{1,64}@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})$/.exec(value)
  if (!match) return { reason: 'EMAIL_INVALID' }
  const domain = match[1] as string
  if (domain === scope || domain.endsWith(`.${scope}`)) return { reason: 'EMAIL_INSTITUTIONAL' }
  return { value }
}
