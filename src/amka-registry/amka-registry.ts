/** The three facts that the national registry compares. */
export interface AmkaQuestion {
  /** 11 digits. */
  readonly amka: string
  /** As the source record holds it, usually Greek. */
  readonly familyName: string
  /** YYYY-MM-DD. */
  readonly birthDate: string
}

/**
 * match: registered, surname and birth date agree. mismatch: registered, they do not agree.
 * unknown: not registered. refused: the registry does not accept our token. unreachable: anything
 * else; never taken for a match.
 */
export type AmkaAnswer = 'match' | 'mismatch' | 'unknown' | 'refused' | 'unreachable'

export interface AmkaRegistry {
  /** For the start's announcement and the audit log. */
  readonly name: 'national' | 'embedded'
  check(question: AmkaQuestion): Promise<AmkaAnswer>
}
