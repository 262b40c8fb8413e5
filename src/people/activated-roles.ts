import type { Account } from './account.ts'
import type { Person, PersonRole } from './person.ts'
import { roleChoiceOf } from './role-choice.ts'

export function isRoleActivated(
  role: Pick<PersonRole, 'role'>,
  account: Pick<Account, 'activatedRoles'>,
): boolean {
  return account.activatedRoles?.includes(roleChoiceOf(role.role)) ?? true
}

/**
 * The person as services may see them: roles that the account has not activated are left out. The
 * same object when nothing is left out: every response to a service asks.
 */
export function withActivatedRoles(
  person: Person,
  account: Pick<Account, 'activatedRoles'>,
): Person {
  if (account.activatedRoles === undefined) return person
  const roles = person.roles.filter((role) => isRoleActivated(role, account))
  return roles.length === person.roles.length ? person : { ...person, roles }
}
