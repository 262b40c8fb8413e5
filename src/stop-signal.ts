/** Ctrl-C reaches npm, its shell and us, and each passes it on: signals this close are one. Milliseconds. */
const sameSignalMs = 1000

/** Resolves at the first Ctrl-C or SIGTERM; a later one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = () => {
      if (firstAt !== undefined && Date.now() - firstAt > sameSignalMs) process.exit(1)
      firstAt ??= Date.now()
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  })
}
