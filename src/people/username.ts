/** 3 to 32 of lower-case letters, digits, dot, underscore, hyphen. */
export function isUsername(text: string): boolean {
  return /^[a-z0-9._-]{3,32}$/.test(text)
}

/** A username as people type it (capitals, spaces around it) in the form that accounts have. */
export function normalizeUsername(text: string): string {
  return text.trim().toLowerCase()
}
