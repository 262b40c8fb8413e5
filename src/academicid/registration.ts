import { type AcademicIdRegistry, RegistryUnreachable } from './academic-id-registry.ts'

/** Under what a person is to be found in the registry. */
export interface Wanted {
  /**
   * For each of the person's numbers, the most telling first, its keys under every shared key: to be
   * registered. At least one.
   */
  readonly numbers: readonly (readonly string[])[]
  /** Keys that were registered before: they lead to the id, nothing is registered under them. */
  readonly before: readonly string[]
  /** The id that the person has. */
  readonly held?: string
}

export type Registration =
  | { readonly outcome: 'registered'; readonly academicId: string }
  /**
   * The keys belong to different ids, or to another than the person has. One of the numbers may be
   * somebody else's, so none was given an id that it did not have.
   */
  | { readonly outcome: 'two-ids'; readonly academicId: string; readonly otherId: string }
  /** The person has an id that the registry does not know: it is not the registry it was made in. */
  | { readonly outcome: 'unknown-id' }
  /** The caller did not take the id. No further key was given it. */
  | { readonly outcome: 'refused'; readonly academicId: string }

/**
 * Gives all keys of a person one id: the one they have, else one that a key has already, else a new
 * one. Safe to call again and at the same time; interrupted, the next call finishes it.
 *
 * @param take is asked before a person without an id is given one, and before any further key is:
 *   when it is somebody else's, their numbers are not this person's either
 * @throws {RegistryUnreachable}
 */
export async function register(
  registry: AcademicIdRegistry,
  { numbers, before, held }: Wanted,
  take: (academicId: string) => Promise<boolean> = async () => true,
): Promise<Registration> {
  const keys = numbers.flat()
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
  if (held === undefined && !(await take(academicId))) return { outcome: 'refused', academicId }
  let otherId = ids.find((id) => id !== academicId)
  if (otherId !== undefined) {
    // What each number has stays findable under a shared key that is new.
    for (const keysOfOne of numbers) await alignKeys(registry, keysOfOne, idOf)
    return { outcome: 'two-ids', academicId, otherId }
  }
  const anchor = asked.find((key) => idOf.has(key)) as string
  for (const key of keys) {
    if (idOf.has(key)) continue
    const other = await join(registry, anchor, key)
    if (other === undefined || other === academicId) continue
    otherId = other
    break
  }
  return otherId === undefined
    ? { outcome: 'registered', academicId }
    : { outcome: 'two-ids', academicId, otherId }
}

/** Gives the keys of one number the id that this number has under a key, if it has one. */
async function alignKeys(
  registry: AcademicIdRegistry,
  keys: readonly string[],
  idOf: ReadonlyMap<string, string>,
): Promise<void> {
  const ids = new Set(keys.flatMap((key) => idOf.get(key) ?? []))
  const anchor = keys.find((key) => idOf.has(key))
  if (anchor === undefined || ids.size > 1) return
  for (const key of keys) {
    if (!idOf.has(key)) await join(registry, anchor, key)
  }
}

/** @returns the id that the key has now: another one when an institution registered it in between */
async function join(
  registry: AcademicIdRegistry,
  anchor: string,
  key: string,
): Promise<string | undefined> {
  const result = await registry.alias(anchor, key)
  if (result.outcome === 'unknown') {
    throw new RegistryUnreachable('it lost a key that it had just now')
  }
  if (result.outcome === 'joined') return result.registered.academicId
  return (await registry.get(key))?.academicId
}
