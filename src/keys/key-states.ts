import { type KeyState, type KeyType, type KeyUse, signatureAlgorithm } from './signing-key.ts'

interface StoredState {
  readonly use: string
  readonly type: string
  readonly state: KeyState
  readonly activation?: number | null
}

/**
 * Where one key signs at a time: SAML has one such place, OpenID Connect one for each algorithm,
 * because every service gets its tokens in the one it registered.
 */
export function slotOf({ use, type }: { use: string; type: string }): string {
  return use === 'oidc' ? `oidc ${signatureAlgorithm({ type: type as KeyType })}` : use
}

/**
 * The states that count. Activating a key is two writes, the new key's and then the former one's,
 * because a store promises no more than one document at a time. From the first write on the new key
 * is the active one and the former is retiring, whatever its record still says: so there are never
 * two that sign and never none, wherever the work is cut off.
 */
export function countedStates<T extends StoredState>(records: readonly T[]): T[] {
  const last = new Map<string, T>()
  for (const record of records) {
    if (record.state !== 'active') continue
    const known = last.get(slotOf(record))
    if (!known || (record.activation ?? 0) > (known.activation ?? 0)) {
      last.set(slotOf(record), record)
    }
  }
  return records.map((record) =>
    record.state === 'active' && last.get(slotOf(record)) !== record
      ? { ...record, state: 'retiring' as const }
      : record,
  )
}

/** Where a key of this use and state is published. */
export function publishedIn(use: KeyUse, state: KeyState): 'metadata' | 'jwks' | undefined {
  if (state === 'retired') return undefined
  if (use === 'oidc') return 'jwks'
  return use === 'saml' || state === 'active' ? 'metadata' : undefined
}
