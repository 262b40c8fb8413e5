import type { Account } from '../people/account.ts'
import type { SealedNationalNumber } from '../people/person.ts'
import type { StoredPerson } from '../people/person-model.ts'

/**
 * The numbers by which a person may get an AcademicID: those that a source system names, and the
 * AMKA that the national registry confirmed at activation. A number that the person only claims
 * would give them the id of whoever it belongs to, at every service. The embedded AMKA registry
 * confirms nothing here: about a number that no source names it knows no more than we do.
 *
 * @returns the AMKA first, then by country and look-up key: the same order at every call
 */
export function vouchedNumbers(
  person: Pick<StoredPerson, 'nationalNumbers' | 'records'>,
  activation: Account['activation'],
): SealedNationalNumber[] {
  const named = new Set(person.records.flatMap((record) => record.numberHmacs ?? []))
  const isConfirmed = (number: SealedNationalNumber) =>
    number.country === 'GR' && activation?.numberCheckedBy === 'national'
  return (person.nationalNumbers ?? [])
    .filter((number) => named.has(number.hmac) || isConfirmed(number))
    .toSorted(
      (a, b) => rank(a) - rank(b) || compare(a.country, b.country) || compare(a.hmac, b.hmac),
    )
}

function rank({ country }: SealedNationalNumber): number {
  return country === 'GR' ? 0 : 1
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
