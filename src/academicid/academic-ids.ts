import type { Account } from '../people/account.ts'
import type { AcademicIdRegistry } from './academic-id-registry.ts'
import type { AllocationOutcome } from './allocation.ts'
import type { ClaimedAccount } from './allocation-store.ts'

/** What the rest of the program does with AcademicIDs: it never waits for one. */
export interface AcademicIds {
  readonly registry: AcademicIdRegistry
  /** The one in use first. */
  readonly sharedKeys: readonly Buffer[]
  /** Somebody has just become due: looked after as soon as this process has nothing else to do. */
  wake(): void
  /** Somebody signed in: an account from before there was a registry becomes due. */
  noteSignIn(account: Account): void
  /** Makes due whose numbers an import changed, for commands. */
  passOnChangedNumbers(): Promise<void>
  /**
   * Settles one account now, for commands.
   *
   * @throws {RegistryUnreachable}
   */
  allocate(account: ClaimedAccount): Promise<AllocationOutcome>
}

/** The same with what only a server does with it. */
export interface AcademicIdService extends AcademicIds {
  /** From now on settles whoever is due, also what processes that are gone have left. */
  start(): void
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
  close(): Promise<void>
}
