import { findPeople } from './people-store.ts'
import type { Person } from './person.ts'
import { canActivate, type RoleChoice, roleChoiceOf } from './role-choice.ts'

/** Brought to form by checkPhone() and checkPersonalEmail(). */
export interface Contact {
  readonly mobile?: string
  readonly email?: string
}

/** A contact of more people than this is no family's: a source filled an empty field with it. */
const maxSharing = 50

/**
 * Everybody whom a source lists under this contact in a role that can be activated: several for a
 * family telephone. With mobile and mail, both must be the same person's; the student system may
 * hold the one in one record and the other in another.
 *
 * A contact that more than fifty people have finds nobody: it tells nothing about who somebody is.
 * What the person gave us as recovery contact does not count: the source decides who somebody is.
 *
 * @param today YYYY-MM-DD in Greece
 */
export async function findPeopleByContact(
  choice: RoleChoice,
  contact: Contact,
  today: string,
): Promise<Person[]> {
  const { mobile, email } = contact
  if (mobile === undefined && email === undefined) return []
  const sharing = await findPeople(
    {
      ...(mobile === undefined ? {} : { 'roles.mobile': mobile }),
      ...(email === undefined ? {} : { 'roles.email': email }),
    },
    maxSharing + 1,
  )
  if (sharing.length > maxSharing) return []
  return sharing.filter((person) => {
    const roles = person.roles.filter(
      (role) => roleChoiceOf(role.role) === choice && canActivate(role, today),
    )
    return (
      (mobile === undefined || roles.some((role) => role.mobile === mobile)) &&
      (email === undefined || roles.some((role) => role.email === email))
    )
  })
}
