import type { AppContext } from '../context.ts'
import type { AcademicIdConflict, AcademicIdWait } from '../people/account.ts'
import { maskNationalNumber, openNationalNumber } from '../people/national-number.ts'
import { accounts, people } from '../people/people-store.ts'
import { keyFingerprint } from './person-key.ts'

export interface AcademicIdStatus {
  readonly registry: 'embedded' | 'shared'
  /** The host of ACADEMICID_URL. */
  readonly host?: string
  /** Fingerprints of the shared keys, the one in use first: other institutions must see the same. */
  readonly sharedKeys: readonly string[]
  /** Accounts that were activated: whoever is to have an id. */
  readonly activated: number
  readonly allocated: number
  readonly waiting: number
  readonly conflicts: number
  /** Of those that wait, the one that was tried last. */
  readonly lastError?: AcademicIdWait
}

export async function academicIdStatus({
  config,
  academicIds,
}: Pick<AppContext, 'config' | 'academicIds'>): Promise<AcademicIdStatus> {
  const [activated, allocated, waiting, conflicts, [tried]] = await Promise.all([
    accounts().countDocuments({ activatedAt: { $exists: true } }),
    people().countDocuments({ academicId: { $exists: true } }),
    accounts().countDocuments({ academicIdDue: { $exists: true } }),
    accounts().countDocuments({ 'academicIdConflict.at': { $exists: true } }),
    accounts()
      .find({ academicIdDue: { $exists: true }, academicIdWait: { $exists: true } })
      .sort({ academicIdDue: -1 })
      .limit(1)
      .toArray(),
  ])
  const { academicIdUrl: url } = config
  return {
    registry: academicIds.registry.name,
    ...(url === undefined ? {} : { host: new URL(url).host }),
    sharedKeys: academicIds.sharedKeys.map(keyFingerprint),
    activated,
    allocated,
    waiting,
    conflicts,
    ...(tried?.academicIdWait ? { lastError: tried.academicIdWait } : {}),
  }
}

/** What a human must decide about one person. */
export interface ConflictReport extends AcademicIdConflict {
  readonly username: string
  /** The id that the person has and keeps until then. */
  readonly academicId?: string
  /** Masked. */
  readonly nationalNumbers: readonly string[]
}

/** Conflicts, the oldest first. */
export async function listConflicts({
  secrets,
}: Pick<AppContext, 'secrets'>): Promise<ConflictReport[]> {
  const found = await accounts()
    .find({ 'academicIdConflict.at': { $exists: true } })
    .sort({ 'academicIdConflict.at': 1 })
    .toArray()
  return Promise.all(
    found.map(async ({ _id, username, academicIdConflict }) => {
      const person = await people().findOne({ _id })
      return {
        username,
        ...(academicIdConflict as AcademicIdConflict),
        ...(person?.academicId === undefined ? {} : { academicId: person.academicId }),
        nationalNumbers: (person?.nationalNumbers ?? []).map(
          (entry) => `${entry.country} ${maskNationalNumber(openNationalNumber(secrets, entry))}`,
        ),
      }
    }),
  )
}
