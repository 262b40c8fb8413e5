import type { AppContext } from '../context.ts'
import { type Account, accountStanding } from '../people/account.ts'
import { isRoleActivated } from '../people/activated-roles.ts'
import { maskNationalNumber, openNationalNumber } from '../people/national-number.ts'
import { findPerson } from '../people/people-store.ts'
import { currentRoles, type SealedNationalNumber } from '../people/person.ts'

/** What `account show` tells of an account and its person: no secret, numbers masked. */
export async function accountFacts(
  context: Pick<AppContext, 'secrets' | 'now'>,
  account: Account,
): Promise<Record<string, unknown>> {
  const person = await findPerson(account._id)
  const masked = (entry: SealedNationalNumber) =>
    `${entry.country} ${maskNationalNumber(openNationalNumber(context.secrets, entry))}`
  const now = context.now()
  const current = person ? currentRoles(person, now) : []
  // Named one by one: what is added to accounts later must not show up here by itself.
  return {
    username: account.username,
    personId: account._id,
    state: account.state,
    standing: accountStanding(account, now),
    stateReason: account.stateReason,
    hasPassword: account.passwordHash !== undefined,
    activatedAt: account.activatedAt,
    activation: account.activation,
    activatedRoles: account.activatedRoles,
    acceptedTerms: account.acceptedTerms,
    academicId: academicIdFacts(account),
    administrator: account.adminRight,
    passwordChangedAt: account.passwordChangedAt,
    expiresAt: account.expiresAt,
    mobile: account.mobile,
    mobileConsentAt: account.mobileConsentAt,
    email: account.email,
    emailConsentAt: account.emailConsentAt,
    firstName: person?.firstName,
    lastName: person?.lastName,
    fatherName: person?.fatherName,
    birthDate: person?.birthDate,
    gender: person?.gender,
    citizenship: person?.citizenship,
    nationalNumbers: person?.nationalNumbers.map(masked),
    taxNumber: person?.taxNumber && masked(person.taxNumber),
    roles: person?.roles.map((role) => ({
      ...role,
      isCurrent: current.includes(role),
      isActivated: account.activatedAt !== undefined && isRoleActivated(role, account),
    })),
  }
}

/** Whether there is an AcademicID, never which. */
function academicIdFacts(account: Account) {
  const { academicIdAt, academicIdDue, academicIdWait, academicIdConflict } = account
  if (account.activatedAt === undefined) return undefined
  return {
    since: academicIdAt,
    state: academicIdConflict
      ? 'conflict'
      : academicIdDue
        ? 'waits'
        : academicIdAt
          ? 'has'
          : 'none',
    conflict: academicIdConflict?.kind,
    waitsSince: academicIdWait?.since,
    tries: academicIdWait?.tries,
    error: academicIdWait?.error,
    nextTryAt: academicIdDue,
  }
}

/** A line for each fact that there is. */
export function factLines(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(18)} ${textOf(value)}\n`)
    .join('')
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value) && value.every((element) => typeof element === 'string')) {
    return value.join(', ')
  }
  if (Array.isArray(value)) return value.map((element) => `\n  - ${textOf(element)}`).join('')
  if (typeof value === 'object' && value !== null && 'el' in value && 'en' in value) {
    return `${value.el} / ${value.en}`
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .filter(([, fact]) => fact !== undefined)
      .map(([name, fact]) => `${name} ${textOf(fact)}`)
      .join(', ')
  }
  return String(value)
}
