/** A field of a form as trimmed text: fields arrive as text, a list or nothing; only a text counts. */
export function formText(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}
