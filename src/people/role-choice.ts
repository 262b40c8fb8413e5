import type { PersonRole, RoleKind } from './person.ts'

/** What people call themselves when they activate; faculty choose with the staff. */
export const roleChoices = ['student', 'staff', 'affiliate'] as const
export type RoleChoice = (typeof roleChoices)[number]

export function roleChoiceOf(kind: RoleKind): RoleChoice {
  return kind === 'faculty' ? 'staff' : kind
}

/**
 * Whether a role can be activated on `today` (YYYY-MM-DD in Greece): one that begins later can, so
 * that a first-year student is ready on the first day.
 */
export function canActivate(role: PersonRole, today: string): boolean {
  return role.status === 'active' && (role.validTo === undefined || today <= role.validTo)
}
