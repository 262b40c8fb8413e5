/** What the registry knows under a key. */
export interface Registered {
  /** 32 lower-case hex digits: 128 random bits, for life. */
  readonly academicId: string
  /** When the id was made, whichever key it was made under. */
  readonly created: Date
}

/**
 * joined: both keys have the one id now, or had it before. unknown: the first key is nobody's.
 * conflict: both have ids, different ones; nothing was changed, a human decides.
 */
export type AliasResult =
  | { readonly outcome: 'joined'; readonly registered: Registered; readonly isNew: boolean }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'conflict' }

/** Gives every natural person one id, whichever institution asks, by keys over national numbers. */
export interface AcademicIdRegistry {
  /** For the start's announcement and the audit log. */
  readonly name: 'embedded' | 'shared'
  /**
   * The id under the key, made at the first call. Of calls at the same time all get the same id.
   *
   * @throws {RegistryUnreachable} whenever there is no answer that the interface defines
   */
  put(key: string): Promise<Registered & { readonly isNew: boolean }>
  get(key: string): Promise<Registered | undefined>
  /** Gives a second key the id of the first. */
  alias(key: string, otherKey: string): Promise<AliasResult>
  /** Gives up questions that are under way: the process ends. */
  close(): void
}

/**
 * No usable answer: no connection, too late, refused, or something that the interface does not have.
 * The caller tries again later; an id is never made up. `message` holds no key and no address.
 */
export class RegistryUnreachable extends Error {
  override readonly name = 'RegistryUnreachable'
}

export function isAcademicId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)
}
