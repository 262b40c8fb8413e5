import { generateKeyPairSync, sign } from 'node:crypto'

const longestWarmUpMs = 60_000

export interface Measurement {
  readonly perSecond: number
  /** Milliseconds. */
  readonly medianMs: number
  readonly p99Ms: number
  readonly count: number
}

/**
 * Runs `work` from several clients at once, in slices with a pause between them in which `between`
 * runs alone; what belongs together then meets the same machine, whose clock may wander.
 *
 * @param seconds counted time, all slices together
 * @param warmUpSeconds runs first and is not counted
 * @param warmUpCalls and goes on until so many calls were made, for a minute at most: code is compiled
 *   by how often it ran, and a machine with other work makes few calls in the same seconds
 */
export async function measure(options: {
  clients: number
  seconds: number
  slices: number
  warmUpSeconds: number
  warmUpCalls?: number
  work: (client: number) => Promise<void>
  /** Called around each slice, for readings such as CPU time. */
  onSlice?: (edge: 'start' | 'end') => void
  between?: () => void
}): Promise<Measurement> {
  const { clients, seconds, slices, work } = options
  const warmUp = await run(options.warmUpSeconds * 1000, clients, work)
  const warmUpUntil = performance.now() + longestWarmUpMs - options.warmUpSeconds * 1000
  for (let calls = warmUp.length; calls < (options.warmUpCalls ?? 0); ) {
    if (performance.now() >= warmUpUntil) break
    calls += (await run(1000, clients, work)).length
  }
  const times: number[] = []
  let elapsedMs = 0
  for (let slice = 0; slice < slices; slice += 1) {
    options.between?.()
    options.onSlice?.('start')
    const begin = performance.now()
    times.push(...(await run((seconds * 1000) / slices, clients, work)))
    elapsedMs += performance.now() - begin
    options.onSlice?.('end')
  }
  times.sort((a, b) => a - b)
  const quantile = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return {
    perSecond: (times.length * 1000) / elapsedMs,
    medianMs: quantile(0.5),
    p99Ms: quantile(0.99),
    count: times.length,
  }
}

/** @returns how long each call took, milliseconds */
async function run(
  durationMs: number,
  clients: number,
  work: (client: number) => Promise<void>,
): Promise<number[]> {
  const stopAt = performance.now() + durationMs
  const times: number[] = []
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let from = performance.now(); from < stopAt; from = performance.now()) {
        await work(client)
        times.push(performance.now() - from)
      }
    }),
  )
  return times
}

/** Times bare RSA-2048 SHA-256 signatures (node:crypto, one core), a little whenever it is asked. */
export class BareSignature {
  readonly #privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  readonly #text = Buffer.alloc(600, 'x')
  #cpuMs = 0
  #count = 0

  /** Signs for a while; what was measured before is kept. */
  sample(milliseconds: number): void {
    const from = process.cpuUsage()
    const stopAt = performance.now() + milliseconds
    for (; performance.now() < stopAt; this.#count += 1) {
      sign('sha256', this.#text, this.#privateKey)
    }
    const used = process.cpuUsage(from)
    this.#cpuMs += (used.user + used.system) / 1000
  }

  /** CPU milliseconds of one. */
  get eachMs(): number {
    return this.#cpuMs / this.#count
  }
}
