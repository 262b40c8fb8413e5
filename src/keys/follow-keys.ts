import type { KeyRing } from './signing-key.ts'

/**
 * How often the keys are read although nobody said that they changed: a command that died between
 * its write and its word to the others, or a store that was away just then, must not leave a worker
 * with keys of before. Milliseconds.
 */
const readEveryMs = 5000

/**
 * Keeps a worker's keys as the store has them: read again at each word of a change, and every few
 * seconds besides.
 *
 * @param options.onError told when the store could not be read; the next look tries again
 */
export function followKeys(
  keys: Pick<KeyRing, 'reload'>,
  options: { onError: (error: unknown) => void; everyMs?: number },
): { changed(): void; stop(): void } {
  let isStopped = false
  const read = () => {
    keys.reload().catch((error) => {
      // A look that the end cut short is no failure.
      if (!isStopped) options.onError(error)
    })
  }
  const timer = setInterval(read, options.everyMs ?? readEveryMs)
  timer.unref()
  return {
    changed: read,
    stop() {
      isStopped = true
      clearInterval(timer)
    },
  }
}
