/**
 * Memory that the reader of an aggregate and the writer to the store share: a few buffers that are
 * used again and again. A new buffer for each batch costs both of them more than what they do with it.
 */
export interface BatchSlots {
  readonly buffers: readonly SharedArrayBuffer[]
  /** For each buffer whether it is taken; behind them a count of releases, to wait on. */
  readonly states: Int32Array<SharedArrayBuffer>
}

/** @param bytes size of each */
export function makeSlots(count: number, bytes: number): BatchSlots {
  return {
    buffers: Array.from({ length: count }, () => new SharedArrayBuffer(bytes)),
    states: new Int32Array(new SharedArrayBuffer((count + 1) * Int32Array.BYTES_PER_ELEMENT)),
  }
}

/** The index of a free buffer; the thread sleeps until there is one, so never the main thread. */
export function takeSlot({ buffers, states }: BatchSlots): number {
  for (;;) {
    const releases = Atomics.load(states, buffers.length)
    for (let slot = 0; slot < buffers.length; slot++) {
      if (Atomics.compareExchange(states, slot, 0, 1) === 0) return slot
    }
    Atomics.wait(states, buffers.length, releases)
  }
}

export function releaseSlot({ buffers, states }: BatchSlots, slot: number): void {
  Atomics.store(states, slot, 0)
  Atomics.add(states, buffers.length, 1)
  Atomics.notify(states, buffers.length)
}
