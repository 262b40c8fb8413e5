import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { AppContext } from '../context.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { observeFederations } from './federation-evidence.ts'
import { keepMetadataPromise } from './metadata-promises.ts'
import { rotateOidcKeys } from './oidc-rotation.ts'
import type { PromotionContext } from './promotion.ts'
import { remindOfCertificates } from './reminders.ts'

/** How often a process looks whether something is due; when it is, is in the store. */
const everyMs = 60_000
/** What has to be done is done this often, by one process. */
const dueEveryMs = 10 * 60_000

interface TurnRecord {
  readonly _id: 'keys'
  /** Nobody begins before; a process that dies loses its turn and no more. */
  readonly nextAt: Date
}

const turnSchema = new Schema(
  { _id: { type: String, required: true }, nextAt: { type: Date, required: true } },
  { versionKey: false },
)
const TurnModel = model('KeyRotationTurn', turnSchema, 'keyRotationTurns')
const turns = () => TurnModel.collection as unknown as Collection<TurnRecord>

export type ScheduleContext = PromotionContext &
  Pick<AppContext, 'institution' | 'messages' | 'log' | 'now'>

/**
 * What happens to keys by itself: OpenID Connect keys are rotated, certificates that end are
 * reminded of, and what the rehearsal needs to know of the past is written down. Every process of
 * every machine looks; the one that gets the turn does it.
 */
export function startKeySchedule(context: ScheduleContext): {
  /** Resolves when nothing is under way. */
  stop(): Promise<void>
} {
  let running = Promise.resolve()
  let isRunning = false
  const run = () => {
    if (isRunning) return
    isRunning = true
    running = lookAfterKeys(context)
      .catch((error) => {
        context.log.error({ err: error }, 'keys could not be looked after; tried again by itself')
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
      return running
    },
  }
}

/** Does what is due, unless another process has just done it. */
export async function lookAfterKeys(context: ScheduleContext): Promise<void> {
  if (!(await takeTurn(context.now()))) return
  // Each by itself: a mail server or a federation that is away must not keep keys from rotating.
  const tasks = [keepMetadataPromise, rotateOidcKeys, remindOfCertificates, observeFederations]
  for (const task of tasks) {
    try {
      await task(context)
    } catch (error) {
      context.log.error({ err: error, task: task.name }, 'a task of the key schedule failed')
    }
  }
}

async function takeTurn(now: Date): Promise<boolean> {
  const nextAt = new Date(now.getTime() + dueEveryMs)
  try {
    // Not due: the upsert meets the record that is there, and loses.
    const taken = await turns().updateOne(
      { _id: 'keys', nextAt: { $lte: now } },
      { $set: { nextAt } },
      { upsert: true },
    )
    return taken.modifiedCount + taken.upsertedCount > 0
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}
