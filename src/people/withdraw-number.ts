import { accounts, newVersion, people } from './people-store.ts'

export type NumberWithdrawal =
  /** wasClaimed: nobody had confirmed it. */
  | { readonly outcome: 'withdrawn'; readonly hmac: string; readonly wasClaimed: boolean }
  /** The person has no number of that country. */
  | { readonly outcome: 'none' }
  /** A source record names it: it is corrected there, and would come back with the next import. */
  | { readonly outcome: 'named'; readonly sources: readonly string[] }

/** Only imports of the very same person take a turn, so a second try is rare. */
const maxTries = 8

/**
 * Takes a national number away that the person gave at activation and that is not theirs, so that
 * whoever it belongs to can give it. The AcademicID stays: it is for life, and what services know the
 * person by. The account's note that the national registry confirmed a number goes with the number.
 */
export async function withdrawNationalNumber(
  personId: string,
  country: string,
): Promise<NumberWithdrawal> {
  for (let tried = 0; tried < maxTries; tried++) {
    const person = await people().findOne({ _id: personId })
    const number = person?.nationalNumbers?.find((held) => held.country === country)
    if (!person || !number) return { outcome: 'none' }
    const { hmac } = number
    const sources = person.records
      .filter((record) => record.numberHmacs?.includes(hmac))
      .map(({ key }) => key)
    if (sources.length > 0) return { outcome: 'named', sources }
    const left = (person.nationalNumbers ?? []).filter((held) => held.hmac !== hmac)
    if (country === 'GR') {
      // Before the number goes: a crash in between leaves less proved, never more.
      await accounts().updateOne(
        { _id: personId },
        { $unset: { 'activation.numberCheckedBy': '' } },
      )
    }
    const result = await people().updateOne(
      { _id: personId, version: person.version },
      {
        // Absent, never empty: the unique index skips people without a number.
        ...(left.length > 0
          ? { $set: { nationalNumbers: left, version: newVersion() } }
          : { $set: { version: newVersion() }, $unset: { nationalNumbers: '' } }),
      },
    )
    if (result.matchedCount !== 1) continue
    return { outcome: 'withdrawn', hmac, wasClaimed: number.isClaimed === true }
  }
  throw new Error(`imports keep changing person ${personId}; the number was not withdrawn`)
}
