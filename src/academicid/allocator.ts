import type { AppContext } from '../context.ts'
import type { Account } from '../people/account.ts'
import { RegistryUnreachable } from './academic-id-registry.ts'
import type { AcademicIdService } from './academic-ids.ts'
import { type AllocationContext, allocate } from './allocation.ts'
import {
  type ClaimedAccount,
  claimDue,
  delayAfter,
  makeDue,
  passOnChangedNumbers,
  postpone,
} from './allocation-store.ts'

/** How often this process looks for whoever is due. Milliseconds. */
const beatMs = 10_000

/** Accounts settled at the same time. */
const lanes = 4

/** While the registry is away one account at a time is tried, no less often than this. Milliseconds. */
const longestPauseMs = 60_000

/** How often the log says that the registry is away. Milliseconds. */
const warnEveryMs = 10 * 60_000

export type AllocatorContext = AllocationContext & Pick<AppContext, 'log'>

/**
 * Settles AcademicIDs behind the people's backs, in every server process; the store decides who is
 * at whom. What is due lives in the accounts, so nothing is lost with a process.
 */
export function openAllocator(context: AllocatorContext): AcademicIdService {
  const { log, now, registry, sharedKeys } = context
  let running: Promise<void> | undefined
  let isAgain = false
  let isStarted = false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  /** The registry is not asked before. */
  let pausedUntil = new Date(0)
  let warnedAt = new Date(0)

  function wake(): void {
    // A command ends with its work: a running server settles what it has made due.
    if (!isStarted || isClosed) return
    isAgain = true
    running ??= run().finally(() => {
      running = undefined
      if (isAgain) wake()
    })
  }

  async function run(): Promise<void> {
    while (isAgain && !isClosed) {
      isAgain = false
      try {
        await passOnAll()
        await settleDue()
      } catch (error) {
        log.error({ err: error }, 'AcademicIDs: the store does not answer')
      }
    }
  }

  async function passOnAll(): Promise<void> {
    while (!isClosed && !(await passOnChangedNumbers(now())).isLast);
  }

  async function settleDue(): Promise<void> {
    if (now() < pausedUntil) return
    // The first one tells whether the registry is there.
    if (!(await settleNext())) return
    await Promise.all(Array.from({ length: lanes }, settleAll))
  }

  async function settleAll(): Promise<void> {
    while (await settleNext());
  }

  /** @returns false when nobody is due, or the registry is away */
  async function settleNext(): Promise<boolean> {
    if (isClosed || now() < pausedUntil) return false
    const account = await claimDue(now())
    if (!account) return false
    try {
      await allocate(context, account)
      failures = 0
      return true
    } catch (error) {
      return fail(account, error)
    }
  }

  async function fail(account: ClaimedAccount, error: unknown): Promise<boolean> {
    if (!(error instanceof RegistryUnreachable)) {
      log.error({ err: error, personId: account._id }, 'an AcademicID could not be settled')
      await postpone(account, 'our own error: see the log', now())
      return true
    }
    await postpone(account, error.message, now())
    if (isClosed) return false
    failures += 1
    pausedUntil = new Date(now().getTime() + Math.min(delayAfter(failures), longestPauseMs))
    warn(error.message)
    return false
  }

  function warn(reason: string): void {
    if (now().getTime() - warnedAt.getTime() < warnEveryMs) return
    warnedAt = now()
    log.warn(
      { reason },
      'the AcademicID registry does not answer: activated accounts wait for their AcademicID, which is tried again by itself; look at ACADEMICID_URL, the network, and with the registry',
    )
  }

  function beat(): void {
    if (isClosed) return
    wake()
    timer = setTimeout(beat, beatMs).unref()
  }

  async function settled(): Promise<void> {
    while (running) await running
  }

  return {
    registry,
    sharedKeys,
    wake,
    noteSignIn(account: Account) {
      if (account.academicIdAt !== undefined || account.academicIdDue !== undefined) return
      if (account.academicIdConflict !== undefined) return
      makeDue(account._id, now()).then(wake, (error) =>
        log.error({ err: error }, 'AcademicIDs: the store does not answer'),
      )
    },
    passOnChangedNumbers: passOnAll,
    allocate: (account) => allocate(context, account),
    start() {
      if (isStarted || isClosed) return
      isStarted = true
      beat()
    },
    settled,
    async close() {
      isClosed = true
      clearTimeout(timer)
      registry.close()
      await settled()
    },
  }
}
