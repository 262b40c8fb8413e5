import { EventEmitter } from 'node:events'
import { model, Schema } from 'mongoose'
import { upsertAgain } from './duplicate-key.ts'

/**
 * A counter for each thing that workers cache. Whoever changes the thing bumps its counter;
 * the others notice within about a second and drop what they hold.
 */
interface Version {
  /** The thing, e.g. 'signing-keys'. */
  _id: string
  counter: number
}

const Version = model<Version>(
  'Version',
  new Schema<Version>(
    { _id: { type: String, required: true }, counter: { type: Number, required: true } },
    { versionKey: false },
  ),
)

/** Bumps of this process, so that its own caches go at once and not at the next poll. */
const local = new EventEmitter()
local.setMaxListeners(0)

export async function bumpVersion(name: string): Promise<void> {
  const version: Version | null = await upsertAgain(() =>
    Version.findOneAndUpdate(
      { _id: name },
      { $inc: { counter: 1 } },
      { upsert: true, returnDocument: 'after' },
    ),
  )
  local.emit('bump', name, version?.counter)
}

/**
 * Calls `onChange` with the name of each counter that has changed since the watch began. Several
 * bumps between two polls are one call.
 *
 * @param options.intervalMs how often the store is asked; 1000 when not given
 * @param options.onError told when a poll fails; the next one tries again
 */
export function watchVersions(
  onChange: (name: string) => void,
  options: { intervalMs?: number; onError?: (error: unknown) => void } = {},
): { stop(): void } {
  const seen = new Map<string, number>()
  let isStopped = false
  let isFirstPoll = true
  let timer: NodeJS.Timeout | undefined

  const notice = (name: string, counter: number) => {
    const before = seen.get(name) ?? 0
    if (counter <= before) return
    seen.set(name, counter)
    if (!isStopped) onChange(name)
  }
  const onBump = (name: string, counter: number) => notice(name, counter)
  local.on('bump', onBump)

  const poll = async () => {
    try {
      const versions = await Version.find({}).lean()
      for (const { _id, counter } of versions) {
        // What was bumped before the watch began is no change.
        if (isFirstPoll && !seen.has(_id)) seen.set(_id, counter)
        else notice(_id, counter)
      }
      isFirstPoll = false
    } catch (error) {
      // A poll that the end cut short is no failure.
      if (!isStopped) options.onError?.(error)
    }
    schedule()
  }
  const schedule = () => {
    if (isStopped) return
    timer = setTimeout(poll, options.intervalMs ?? 1000)
    timer.unref()
  }
  void poll()

  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
      local.off('bump', onBump)
    },
  }
}
