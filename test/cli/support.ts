/** What a command printed, and its exit code. */
export interface Printed {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command in this process and takes what it prints. */
export async function takeOutput(run: () => Promise<number>): Promise<Printed> {
  const printed = { out: '', err: '' }
  const restore = [keep(process.stdout, 'out'), keep(process.stderr, 'err')]
  function keep(stream: NodeJS.WriteStream, field: 'out' | 'err') {
    const write = stream.write
    // The test runner reports in bytes on the same stream; those pass.
    stream.write = ((chunk: unknown, ...rest: []) => {
      if (typeof chunk !== 'string') return write.call(stream, chunk as Uint8Array, ...rest)
      printed[field] += chunk
      return true
    }) as typeof stream.write
    return () => {
      stream.write = write
    }
  }
  try {
    return { code: await run(), ...printed }
  } finally {
    for (const undo of restore) undo()
  }
}
