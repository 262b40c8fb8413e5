import { generateKeyPairSync, sign } from 'node:crypto'

export interface Measurement {
  readonly perSecond: number
  /** Milliseconds. */
  readonly medianMs: number
  readonly p99Ms: number
  readonly count: number
}

/**
 * Runs `work` from several clients at once for a while; the first part warms up and is not counted.
 *
 * @param seconds counted time
 * @param onCounting called once, when counting begins
 */
export async function measure(options: {
  clients: number
  seconds: number
  warmUpSeconds: number
  work: (client: number) => Promise<void>
  onCounting?: () => void
}): Promise<Measurement> {
  const begin = performance.now()
  const countFrom = begin + options.warmUpSeconds * 1000
  const stopAt = countFrom + options.seconds * 1000
  const times: number[] = []
  let isCounting = false
  await Promise.all(
    Array.from({ length: options.clients }, async (_, client) => {
      for (;;) {
        const from = performance.now()
        if (from >= stopAt) return
        if (!isCounting && from >= countFrom) {
          isCounting = true
          options.onCounting?.()
        }
        await options.work(client)
        if (from >= countFrom) times.push(performance.now() - from)
      }
    }),
  )
  const elapsedSeconds = (performance.now() - countFrom) / 1000
  times.sort((a, b) => a - b)
  const quantile = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return {
    perSecond: times.length / elapsedSeconds,
    medianMs: quantile(0.5),
    p99Ms: quantile(0.99),
    count: times.length,
  }
}

/** CPU milliseconds of one bare RSA-2048 SHA-256 signature on one core, node:crypto, this machine. */
export function bareSignatureMs(seconds = 2): number {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const text = Buffer.alloc(600, 'x')
  for (let round = 0; round < 200; round += 1) sign('sha256', text, privateKey)
  const from = process.cpuUsage()
  const stopAt = performance.now() + seconds * 1000
  let count = 0
  for (; performance.now() < stopAt; count += 1) sign('sha256', text, privateKey)
  const used = process.cpuUsage(from)
  return (used.user + used.system) / 1000 / count
}
