/** As people type it: no accents, no capitals; final sigma is sigma. */
export function foldText(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ς', 'σ')
}

/** The words of a search, folded; a text matches when it holds all of them. */
export function searchWords(search: string): readonly string[] {
  return foldText(search).split(/\s+/).filter(Boolean)
}
