import { randomBytes } from 'node:crypto'
import type { Gender, PersonRole, RoleKind, SealedNationalNumber } from './person.ts'
import type { SourceRecord, StoredPerson } from './person-model.ts'
import type { NationalNumber, RegistryRecord } from './registry-record.ts'

/** A checked row with the look-up keys of its numbers. */
export interface PreparedRow {
  readonly line: number
  /** `source:sourceId`. */
  readonly key: string
  readonly record: RegistryRecord
  /** Same order as record.nationalNumbers. */
  readonly numberHmacs: readonly string[]
  readonly taxHmac?: string
}

export type Sealer = (entry: NationalNumber) => SealedNationalNumber

/** `source` holds no colon (registry-row.ts), so the key reads only one way. */
export function sourceKey(source: string, sourceId: string): string {
  return `${source}:${sourceId}`
}

function newPersonId(): string {
  return randomBytes(16).toString('hex')
}

/**
 * The person after one source record was put in or replaced. Pure but for sealing and the id of a
 * new person; an unchanged record gives a deeply equal person, with numbers not sealed anew.
 */
export function withRecord(
  before: StoredPerson | undefined,
  row: PreparedRow,
  seal: Sealer,
  now: Date,
): StoredPerson {
  const oldRecord = before?.records.find((record) => record.key === row.key)
  const oldRole = before?.roles.find((role) => sourceKey(role.source, role.sourceId) === row.key)
  const record = sourceRecord(row, oldRecord, seal)
  const records = replaceOrAdd(before?.records ?? [], oldRecord, record)
  const role = withStatusInstant(row.record.role, oldRole, now)
  const roles = replaceOrAdd(before?.roles ?? [], oldRole, role)
  return withoutUndefined({
    ...(before ?? { _id: newPersonId(), version: '' }),
    ...mergeFacts(records, roles),
    username: record.username ?? before?.username,
    nationalNumbers: mergeNumbers(before, row, oldRecord, records, seal),
    roles,
    records,
  })
}

/** The person after one of their roles ended because its source no longer lists it. */
export function withRoleEnded(before: StoredPerson, key: string, now: Date): StoredPerson {
  const roles = before.roles.map((role) =>
    sourceKey(role.source, role.sourceId) === key
      ? { ...role, status: 'ended' as const, statusChangedAt: now }
      : role,
  )
  return withoutUndefined({ ...before, ...mergeFacts(before.records, roles), roles })
}

function sourceRecord(row: PreparedRow, old: SourceRecord | undefined, seal: Sealer): SourceRecord {
  const { record } = row
  let taxNumber: SealedNationalNumber | undefined
  if (record.taxNumber) {
    taxNumber = old?.taxNumber?.hmac === row.taxHmac ? old?.taxNumber : seal(record.taxNumber)
  }
  return withoutUndefined({
    key: row.key,
    username: record.username,
    firstName: record.firstName,
    lastName: record.lastName,
    fatherName: record.fatherName,
    birthDate: record.birthDate,
    gender: record.gender,
    citizenship: record.citizenship,
    orcid: record.orcid,
    numberHmacs: row.numberHmacs,
    taxNumber,
  })
}

function withStatusInstant(
  role: RegistryRecord['role'],
  old: PersonRole | undefined,
  now: Date,
): PersonRole {
  if (old?.status === role.status) {
    return old.statusChangedAt ? { ...role, statusChangedAt: old.statusChangedAt } : role
  }
  // A role that begins active has not changed; one that we first meet ended or suspended has.
  return old === undefined && role.status === 'active' ? role : { ...role, statusChangedAt: now }
}

/**
 * Numbers of all records, and those the person gave at activation. A number goes only when the one
 * record that named it now names another: a source that leaves it out has not said it is wrong.
 */
function mergeNumbers(
  before: StoredPerson | undefined,
  row: PreparedRow,
  oldRecord: SourceRecord | undefined,
  records: readonly SourceRecord[],
  seal: Sealer,
): SealedNationalNumber[] | undefined {
  const stillNamed = new Set(records.flatMap((record) => record.numberHmacs))
  const replaced = new Set(
    row.numberHmacs.length === 0
      ? []
      : (oldRecord?.numberHmacs ?? []).filter((hmac) => !stillNamed.has(hmac)),
  )
  const numbers = (before?.nationalNumbers ?? [])
    .filter((entry) => !replaced.has(entry.hmac))
    .map((entry) => (row.numberHmacs.includes(entry.hmac) ? confirmed(entry) : entry))
  row.record.nationalNumbers.forEach((entry, index) => {
    if (!numbers.some((known) => known.hmac === row.numberHmacs[index])) numbers.push(seal(entry))
  })
  return numbers.length > 0 ? numbers : undefined
}

/** A source vouches for what was the person's word alone. */
function confirmed(entry: SealedNationalNumber): SealedNationalNumber {
  const { isClaimed, ...rest } = entry
  return isClaimed ? rest : entry
}

const kindRank: Record<RoleKind, number> = { faculty: 0, staff: 1, student: 2, affiliate: 3 }

/**
 * The personal facts of the Person out of all source records. Where sources differ, a record whose
 * role has not ended goes before one that has, then faculty, staff, student, affiliate (HR sees
 * identity papers), then the key: the same result in whatever order files come in.
 */
function mergeFacts(records: readonly SourceRecord[], roles: readonly PersonRole[]) {
  const roleOf = new Map(roles.map((role) => [sourceKey(role.source, role.sourceId), role]))
  const rank = (record: SourceRecord) => {
    const role = roleOf.get(record.key)
    return (role?.status === 'ended' ? 10 : 0) + (role ? kindRank[role.role] : 9)
  }
  const ordered = [...records].sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1))
  const first = ordered[0] as SourceRecord
  const pick = <K extends keyof SourceRecord>(field: K): SourceRecord[K] | undefined =>
    ordered.find((record) => record[field] !== undefined)?.[field]
  const citizenship = ordered.flatMap((record) => record.citizenship ?? [])
  return {
    firstName: first.firstName,
    lastName: first.lastName,
    fatherName: pick('fatherName'),
    birthDate: pick('birthDate'),
    gender: (ordered.find((record) => record.gender !== 0)?.gender ?? 0) as Gender,
    citizenship: [...new Set(citizenship)],
    taxNumber: pick('taxNumber'),
    orcid: pick('orcid'),
  }
}

function replaceOrAdd<T>(list: readonly T[], old: T | undefined, value: T): T[] {
  return old === undefined
    ? [...list, value]
    : list.map((element) => (element === old ? value : element))
}

/** The store would keep undefined as null, and deep comparison would tell it from absent. */
function withoutUndefined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
