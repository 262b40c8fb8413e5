import { endAbandonedRecoveries } from './account/recovery-store.ts'
import { endAbandonedAttempts } from './activation/attempt-store.ts'
import type { AppContext } from './context.ts'
import { finishLogouts } from './sso/unfinished-logouts.ts'

const everyMs = 60_000

/** Each ends what was due in `(since, now]`, by an index: old records are not looked at again. */
const tasks = { endAbandonedAttempts, endAbandonedRecoveries }

/**
 * What must happen by itself: somebody who closed the browser half way has not asked us to keep
 * their telephone number, and a process that died half way through a logout leaves the rest to others.
 * Every worker may run it; the work is the same once or twice.
 */
export function startHousekeeping(context: AppContext): {
  /** Resolves when nothing is under way. */
  stop(): Promise<void>
} {
  let since = new Date(0)
  let running = Promise.resolve()
  const run = () => {
    running = running.then(async () => {
      try {
        since = await keepHouse(context, since)
      } catch (error) {
        context.log.error({ err: error }, 'housekeeping failed; it is tried again in a minute')
      }
    })
  }
  const timer = setInterval(run, everyMs)
  timer.unref()
  run()
  return {
    stop() {
      clearInterval(timer)
      return running
    },
  }
}

/** @returns the instant up to which it is done */
export async function keepHouse(context: AppContext, since: Date): Promise<Date> {
  const now = context.now()
  await Promise.all([
    ...Object.values(tasks).map((task) => task(since, now)),
    finishLogouts(context),
  ])
  return now
}
