import { IdpError } from '../errors.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { newVersion, people } from './people-store.ts'
import type { SealedNationalNumber } from './person.ts'

/** Only imports of the very same person take a turn, so a second try is rare. */
const maxTries = 8

/**
 * Adds a national number that the person gave because the record lacked it. It stays when the
 * source is imported again without one. Of two people who give the same number the unique index
 * lets one have it.
 *
 * @returns known: it is this person's already; taken: it is somebody else's
 * @throws {IdpError} ACTIVATION_RECORD_CHANGED when a source has meanwhile named another number of
 *   that country, or the person is gone
 */
export async function giveNationalNumber(
  personId: string,
  number: SealedNationalNumber,
): Promise<'given' | 'known' | 'taken'> {
  for (let tried = 0; tried < maxTries; tried++) {
    const person = await people().findOne(
      { _id: personId },
      { projection: { nationalNumbers: 1, version: 1 } },
    )
    const numbers = person?.nationalNumbers ?? []
    if (numbers.some((held) => held.hmac === number.hmac)) return 'known'
    if (!person || numbers.some((held) => held.country === number.country)) {
      throw new IdpError(
        'ACTIVATION_RECORD_CHANGED',
        `person ${personId}: expected a record without a number of ${number.country}, ${person ? 'it has one now' : 'there is none'}`,
        { status: 409 },
      )
    }
    try {
      const result = await people().updateOne(
        { _id: personId, version: person.version },
        {
          $push: { nationalNumbers: number },
          // The import writes only over the version it has read: it must notice this write.
          $set: { version: newVersion() },
        },
      )
      if (result.matchedCount === 1) return 'given'
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      return 'taken'
    }
  }
  throw new Error(`imports keep changing person ${personId}; the given number was not stored`)
}
