import { type AcademicIdRegistry, RegistryUnreachable } from './academic-id-registry.ts'

/** Under what a person is to be found in the registry. */
export interface Wanted {
  /** To be registered, the most telling first; at least one. */
  readonly keys: readonly string[]
  /** Keys that were registered before: they lead to the id, nothing is registered under them. */
  readonly before: readonly string[]
  /** The id that the person has. */
  readonly held?: string
}

export type Registration =
  | { readonly outcome: 'registered'; readonly academicId: string }
  /** The keys belong to different ids, or to another than the person has. Nothing was changed. */
  | { readonly outcome: 'two-ids'; readonly academicId: string; readonly otherId: string }
  /** The person has an id that the registry does not know: it is not the registry it was made in. */
  | { readonly outcome: 'unknown-id' }

/**
 * Gives all keys of a person one id: the one they have, else one that a key has already, else a new
 * one. Safe to call again and at the same time; interrupted, the next call finishes it.
 *
 * @throws {RegistryUnreachable}
 */
export async function register(
  registry: AcademicIdRegistry,
  { keys, before, held }: Wanted,
): Promise<Registration> {
  const [first] = keys
  if (first === undefined) throw new Error('a person without a key')
  const asked = [...new Set([...keys, ...before])]
  const idOf = new Map<string, string>()
  // Who has one key and no past needs one question only.
  if (asked.length > 1 || held !== undefined) {
    for (const key of asked) {
      const found = await registry.get(key)
      if (found) idOf.set(key, found.academicId)
    }
  }
  if (held !== undefined && idOf.size === 0) return { outcome: 'unknown-id' }
  if (idOf.size === 0) idOf.set(first, (await registry.put(first)).academicId)
  const ids = [...new Set(asked.flatMap((key) => idOf.get(key) ?? []))]
  const academicId = held ?? (ids[0] as string)
  let otherId = ids.find((id) => id !== academicId)
  const anchor = asked.find((key) => idOf.get(key) === academicId)
  for (const key of keys) {
    if (anchor === undefined || idOf.has(key)) continue
    const { outcome } = await registry.alias(anchor, key)
    if (outcome === 'unknown') throw new RegistryUnreachable('it lost a key that it had just now')
    if (outcome === 'joined') continue
    // Registered in between, at another institution and without our other numbers.
    const other = (await registry.get(key))?.academicId
    if (other !== academicId) otherId ??= other
  }
  return otherId === undefined
    ? { outcome: 'registered', academicId }
    : { outcome: 'two-ids', academicId, otherId }
}
