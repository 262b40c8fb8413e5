/**
 * A surname as two systems compare it: letters alone, without accents, capitals and the hyphen or
 * space of a double name. Final sigma is sigma.
 */
export function foldSurname(name: string): string {
  return name.normalize('NFD').replace(/\P{L}/gu, '').toLowerCase().replaceAll('ς', 'σ')
}
