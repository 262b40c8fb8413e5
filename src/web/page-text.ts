/** A sentence of the locale files, not yet in a language: an error by a field, a rule, a remark. */
export interface PageText {
  readonly key: string
  readonly values?: Readonly<Record<string, string | number>>
  /** Further sentences on the same matter; shown by the field after the first. */
  readonly more?: readonly PageText[]
}
