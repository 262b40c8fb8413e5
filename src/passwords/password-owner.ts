import type { AppContext } from '../context.ts'
import type { Account } from '../people/account.ts'
import { openNationalNumber } from '../people/national-number.ts'
import type { Person } from '../people/person.ts'
import type { PasswordOwner } from './password-rules.ts'

/**
 * What a person's password must not hold. National numbers are opened for this comparison only.
 *
 * @param person undefined when only the username is known, or nothing (`username` empty)
 * @throws {Error} when a national number does not open with this machine's key
 */
export function passwordOwner(
  context: Pick<AppContext, 'secrets'>,
  person: Person | undefined,
  account: Pick<Account, 'username' | 'mobile' | 'email'>,
): PasswordOwner {
  const roles = person?.roles ?? []
  const sealed = person
    ? [...person.nationalNumbers, ...(person.taxNumber ? [person.taxNumber] : [])]
    : []
  return {
    username: account.username,
    names: present([
      person?.firstName.el,
      person?.firstName.en,
      person?.lastName.el,
      person?.lastName.en,
      person?.fatherName,
    ]),
    numbers: present([
      ...sealed.map((entry) => openNationalNumber(context.secrets, entry)),
      ...roles.map((role) => role.registrationNumber),
    ]),
    phones: present([account.mobile, ...roles.map((role) => role.mobile)]),
    emails: present([account.email, ...roles.map((role) => role.email)]),
    birthDate: person?.birthDate,
  }
}

function present(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))] as string[]
}
