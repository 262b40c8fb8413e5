import type { KeyRing } from './signing-key.ts'

/** An answer is good for so long: load balancers ask often. Milliseconds. */
const keptMs = 5000

/**
 * Whether what signs now can sign: true at once as long as the active keys are in the store, else
 * the key signer is asked to sign something, every five seconds at most.
 */
export function signerHealth(
  { keys }: { readonly keys: KeyRing },
  now: () => number = Date.now,
): () => Promise<boolean> {
  let last: { at: number; answer: Promise<boolean> } | undefined
  keys.onChange(() => {
    last = undefined
  })
  return async () => {
    const remote = (['saml', 'oidc'] as const)
      .flatMap((use) => keys.published(use))
      .filter(({ state, privateKey }) => state === 'active' && !privateKey)
    if (remote.length === 0) return true
    if (!last || now() - last.at > keptMs) {
      last = { at: now(), answer: allSign(remote) }
    }
    return last.answer
  }
}

async function allSign(keys: readonly { sign(data: Uint8Array): Promise<Buffer> }[]) {
  try {
    await Promise.all(keys.map((key) => key.sign(Buffer.from('propylaia readiness'))))
    return true
  } catch {
    return false
  }
}
