import pino from 'pino'
import { keysCommand } from '../../../src/cli/keys.ts'
import { readConfig } from '../../../src/config.ts'
import { clearServiceCache } from '../../../src/federation/service-store.ts'
import { openRuntime } from '../../../src/runtime.ts'
import { type Printed, takeOutput } from '../../cli/support.ts'
import type { RunningIdentityProvider } from './identity-provider.ts'

/**
 * `propylaia keys …` on the store of the running server by a clock that is ahead: what an
 * administrator types days later, without waiting for them.
 */
export async function keysLater(
  identityProvider: RunningIdentityProvider,
  aheadMs: number,
  ...args: string[]
): Promise<Printed> {
  const runtime = await openRuntime(readConfig(identityProvider.environment), {
    embedded: 'join',
    log: pino({ level: 'silent' }),
    now: () => new Date(Date.now() + aheadMs),
  })
  // A process that opens the store anew has not seen what others registered meanwhile.
  clearServiceCache()
  try {
    return await takeOutput(() => keysCommand(runtime.context, args))
  } finally {
    await runtime.close()
  }
}
