import type { AppContext } from '../context.ts'
import type { EndedSession } from './logout-channels.ts'
import { destroyExpressSession } from './own-sessions.ts'
import { takeRecord, untold } from './session-record.ts'
import { SsoSessionModel } from './sso-session-model.ts'
import { tellServices } from './tell-services.ts'

/** Whoever began an ending is through by then, or died. */
const settleMs = 30_000
const batch = 50

/**
 * Finishes what processes began that died: ends the browser's session of sign-ins that are ending, and
 * tells their services, server to server. A service that was told before the crash hears it again.
 *
 * @returns how many sign-ins there were
 */
export async function finishLogouts(context: AppContext): Promise<number> {
  const now = context.now()
  const found = await SsoSessionModel.find({
    endingAt: { $lte: new Date(now.getTime() - settleMs) },
    ...untold(now),
  })
    .select(['expressSessionId'])
    .limit(batch)
    .lean()
  const ended: EndedSession[] = []
  try {
    for (const { _id, expressSessionId } of found) {
      await destroyExpressSession(context.sessionStore, expressSessionId)
      const taken = await takeRecord(context, _id, expressSessionId)
      if (taken) ended.push(taken)
    }
  } finally {
    // Those that are taken, also when the store failed at the next.
    for (const { id, personId, username } of ended) {
      const details = { by: 'recovery' }
      const who = { personId, username, sessionId: id }
      context.audit.record({ event: 'logout', result: 'success', ...who, details })
    }
    await tellServices(context, ended)
  }
  return ended.length
}
