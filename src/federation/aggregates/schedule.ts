import { IdpError } from '../../errors.ts'
import { federations } from './federation-model.ts'
import { type RefreshContext, refreshFederation } from './refresh.ts'

/** How often a worker looks whether something is due; the times themselves are in the store. */
const everyMs = 60_000

/**
 * Refreshes federations when they are due. Every worker of every machine looks; the one that gets
 * the lease does it.
 */
export function startFederationRefresh(context: RefreshContext): {
  /** Gives up what is under way; resolves when nothing is. */
  stop(): Promise<void>
} {
  const stopping = new AbortController()
  let running = Promise.resolve()
  let isRunning = false
  const run = () => {
    if (isRunning) return
    isRunning = true
    running = refreshDue(context, stopping.signal)
      .catch((error) => {
        if (stopping.signal.aborted) return
        context.log.error(
          { err: error },
          'federations cannot be refreshed; tried again in a minute',
        )
      })
      .finally(() => {
        isRunning = false
      })
  }
  const timer = setInterval(run, everyMs)
  timer.unref()
  run()
  return {
    stop() {
      clearInterval(timer)
      stopping.abort()
      return running
    },
  }
}

/** One after the other: each needs a thread and the store. */
export async function refreshDue(context: RefreshContext, signal?: AbortSignal): Promise<void> {
  const due = await federations()
    .find(
      { nextRefreshAt: { $lte: context.now() }, 'source.kind': { $ne: 'mdq' } },
      { projection: { _id: 1 } },
    )
    .sort({ nextRefreshAt: 1 })
    .toArray()
  for (const { _id: name } of due) {
    if (signal?.aborted) return
    try {
      await refreshFederation(name, context, { onlyIfDue: true, signal })
    } catch (error) {
      // Recorded, logged and audited already; or another worker does it, or it was removed.
      if (!(error instanceof IdpError)) throw error
    }
  }
}
