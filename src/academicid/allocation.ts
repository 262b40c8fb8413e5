import type { AppContext } from '../context.ts'
import type { AcademicIdConflict } from '../people/account.ts'
import { openNationalNumber } from '../people/national-number.ts'
import type { StoredPerson } from '../people/person-model.ts'
import type { AcademicIdRegistry } from './academic-id-registry.ts'
import {
  type ClaimedAccount,
  loadForAllocation,
  settle,
  storeAcademicId,
  storeKeys,
} from './allocation-store.ts'
import { personKey } from './person-key.ts'
import { type Registration, register, type Wanted } from './registration.ts'
import { vouchedNumbers } from './vouched-numbers.ts'

export interface AllocationContext
  extends Pick<AppContext, 'config' | 'secrets' | 'audit' | 'now'> {
  readonly registry: AcademicIdRegistry
  /** The one in use first. */
  readonly sharedKeys: readonly Buffer[]
}

export type AllocationOutcome = 'allocated' | 'had-one' | 'conflict' | 'gone'

/**
 * Settles the AcademicID of one activated account: gets it, or has the person's further numbers
 * registered. Every step can be done twice, so whatever is cut short is simply done again.
 *
 * @throws {RegistryUnreachable} the account stays as it was
 */
export async function allocate(
  context: AllocationContext,
  account: ClaimedAccount,
): Promise<AllocationOutcome> {
  const person = await loadForAllocation(account._id)
  if (!person) {
    await settle(account, {})
    return 'gone'
  }
  const wanted = wantedKeys(context, person, account.activation)
  let stored: Stored = 'stored'
  const registration = isRegistered(wanted, account)
    ? ({ outcome: 'registered', academicId: wanted.held as string } as const)
    : await register(context.registry, wanted, async (academicId) => {
        stored = await storeAcademicId(person._id, academicId)
        return stored === 'stored'
      })
  const at = context.now()
  const conflict = conflictOf(registration, stored, at)
  if (!conflict) await storeKeys(person._id, wanted.numbers.flat())
  const hasId = person.academicId !== undefined || conflict?.kind !== 'taken'
  await settle(account, { ...(hasId ? { at } : {}), ...(conflict ? { conflict } : {}) })
  report(context, account, person, conflict)
  if (conflict) return 'conflict'
  return person.academicId === undefined ? 'allocated' : 'had-one'
}

/** The keys of a person in the registry, under every shared key. */
export function wantedKeys(
  context: Pick<AllocationContext, 'config' | 'secrets' | 'sharedKeys'>,
  person: StoredPerson,
  activation: ClaimedAccount['activation'],
): Wanted {
  const { config, secrets, sharedKeys } = context
  const numbers = vouchedNumbers(person, activation).map(
    (entry) => [entry.country, openNationalNumber(secrets, entry)] as const,
  )
  // Without a number that counts the person is known under a name that only this institution gives.
  const names = numbers.length > 0 ? numbers : [[config.scope, person._id] as const]
  return {
    numbers: names.map(([country, number]) =>
      sharedKeys.map((sharedKey) => personKey(sharedKey, country, number)),
    ),
    before: person.academicIdKeys ?? [],
    ...(person.academicId === undefined ? {} : { held: person.academicId }),
  }
}

/** Nothing new since the last time: the registry need not be asked. */
function isRegistered({ numbers, before, held }: Wanted, account: ClaimedAccount): boolean {
  return (
    held !== undefined &&
    account.academicIdConflict === undefined &&
    numbers.flat().every((key) => before.includes(key))
  )
}

type Stored = Awaited<ReturnType<typeof storeAcademicId>>

/** @returns what a human must decide */
function conflictOf(
  registration: Registration,
  stored: Stored,
  at: Date,
): AcademicIdConflict | undefined {
  if (registration.outcome === 'unknown-id') return { kind: 'unknown-id', at }
  const { academicId } = registration
  if (stored === 'taken') return { kind: 'taken', otherId: academicId, at }
  // Somebody was faster with other numbers: they have what they have.
  if (stored === 'kept') return { kind: 'two-ids', otherId: academicId, at }
  if (registration.outcome === 'two-ids') {
    return { kind: 'two-ids', otherId: registration.otherId, at }
  }
  return undefined
}

function report(
  { audit, registry }: AllocationContext,
  account: ClaimedAccount,
  person: StoredPerson,
  conflict: AcademicIdConflict | undefined,
): void {
  const facts = { personId: account._id, username: account.username }
  const details = { registry: registry.name }
  if (conflict && conflict.kind !== account.academicIdConflict?.kind) {
    audit.record({
      event: 'academicid.conflict',
      result: 'failure',
      reason: conflict.kind,
      ...facts,
      details,
    })
  }
  if (person.academicId === undefined && conflict?.kind !== 'taken') {
    audit.record({ event: 'academicid.received', result: 'success', ...facts, details })
  }
}
