import { createHash } from 'node:crypto'
import { amkaCheckDigit } from '../../src/people/amka.ts'
import type { ReadRow } from '../../src/people/registry-reader.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'

export { seededRandom } from '../../demo/random.ts'

/** Secrets that are the same in every run. */
export function fixedSecrets() {
  return { get: (name: string) => createHash('sha256').update(`test ${name}`).digest() }
}

/** A synthetic AMKA for a birth date (YYYY-MM-DD) and a serial number of four digits. */
export function makeAmka(birthDate: string, serial: number): string {
  const [year, month, day] = birthDate.split('-') as [string, string, string]
  const ten = `${day}${month}${year.slice(2)}${String(serial).padStart(4, '0')}`
  return ten + amkaCheckDigit(ten)
}

/** A right row of a synthetic student. */
export function studentRow(changes: RegistryRow = {}): RegistryRow {
  return {
    source: 'sis',
    sourceId: '1001',
    role: 'student',
    username: 'dpapadopoulou',
    amka: makeAmka('2003-05-17', 4321),
    firstNameEl: 'Δήμητρα',
    lastNameEl: 'Παπαδοπούλου',
    birthDate: '2003-05-17',
    gender: '2',
    citizenship: 'GR',
    mobile: '6900000001',
    email: 'dimitra@example.org',
    departmentCode: '1201',
    ...changes,
  }
}

/** Rows as the reader yields them; the header was line 1. */
export function asRead(rows: readonly RegistryRow[]): ReadRow[] {
  return rows.map((row, index) => ({ line: index + 2, row }))
}
