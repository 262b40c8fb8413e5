/** MongoDB's code for a second document with the same value in a unique index. */
const duplicateKeyCode = 11_000

/** Whether a write failed because another document has its place already. By code: drivers have copies. */
export function isDuplicateKey(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === duplicateKeyCode
}

/**
 * Runs an upsert, once more if it lost a race: of two that both find nothing the second meets the
 * first's document, and then it updates that.
 */
export async function upsertAgain<T>(upsert: () => Promise<T>): Promise<T> {
  try {
    return await upsert()
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return upsert()
  }
}
