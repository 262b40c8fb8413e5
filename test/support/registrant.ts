import { amkaCheckDigit } from '../../src/people/amka.ts'
import { importRegistry } from '../../src/people/registry-import.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import type { TestApp } from './app.ts'

let count = 0

/** A valid AMKA that belongs to nobody: the serial runs on. */
export function syntheticAmka(birthDate: string, serial = ++count): string {
  const [year = '', month = '', day = ''] = birthDate.split('-')
  const ten = `${day}${month}${year.slice(2)}${String(serial).padStart(4, '0')}`
  return ten + amkaCheckDigit(ten)
}

/** A synthetic first-year student as the Secretariat's system exports her, or what `change` makes of it. */
export function studentRow(change: RegistryRow = {}): RegistryRow {
  const number = String(++count).padStart(4, '0')
  const birthDate = change.birthDate ?? '2007-03-12'
  return {
    source: 'sis',
    sourceId: `S${number}`,
    role: 'student',
    username: `1010${number}`,
    amka: birthDate === '' ? '' : syntheticAmka(birthDate),
    firstNameEl: 'Δήμητρα',
    lastNameEl: 'Παπαδοπούλου',
    fatherNameEl: 'Νικόλαος',
    birthDate,
    gender: '2',
    citizenship: 'GR',
    mobile: `+30690001${number}`,
    email: `student${number}@example.org`,
    departmentCode: '101',
    departmentNameEl: 'Τμήμα Πληροφορικής',
    departmentNameEn: 'Department of Informatics',
    registrationNumber: `2026${number}`,
    degreeLevel: 'bachelor',
    ...change,
  }
}

/** Puts rows into the registry as `propylaia registry import` does; every row must be accepted. */
export async function importRows(app: TestApp, ...rows: RegistryRow[]): Promise<void> {
  const rejected: unknown[] = []
  await importRegistry(
    rows.map((row, index) => ({ line: index + 2, row })),
    {
      secrets: app.context.secrets,
      scope: app.context.config.scope,
      now: app.context.now,
      onRejected: (row) => rejected.push(row),
    },
  )
  if (rejected.length > 0) throw new Error(`rejected: ${JSON.stringify(rejected)}`)
}
