import { model, Schema } from 'mongoose'
import type { Gender, Person, SealedNationalNumber } from './person.ts'

/** The personal facts of one source record, kept so that the next import of another source does not undo them. */
export interface SourceRecord {
  /** `source:sourceId`. */
  readonly key: string
  readonly username?: string
  readonly firstName: Person['firstName']
  readonly lastName: Person['lastName']
  readonly fatherName?: string
  readonly birthDate?: string
  readonly gender: Gender
  readonly citizenship?: string
  readonly orcid?: string
  /** Look-up keys of the numbers this record names; the sealed numbers are the Person's. */
  readonly numberHmacs: readonly string[]
  readonly taxNumber?: SealedNationalNumber
}

/** A Person as the store holds it, with what only the import needs. */
export interface StoredPerson extends Person {
  /** One for each of `roles`. */
  readonly records: readonly SourceRecord[]
  /** The username that the sources assign; the Account follows it while pending. */
  readonly username?: string
  /**
   * Random, new with every write of the import: compare-and-set without transactions. Whoever else
   * writes a field that the import writes sets a new one too.
   */
  readonly version: string
  /** What the AcademicID registry has this person under; written by academicid/ alone. */
  readonly academicIdKeys?: readonly string[]
  /**
   * An import changed which numbers the sources name: the AcademicID registry is yet to learn it.
   * In the same write, so that no crash comes between.
   */
  readonly numbersChangedAt?: Date
}

const localized = { el: String, en: String }

const sealedNumberSchema = new Schema(
  { country: String, hmac: String, sealed: String, isClaimed: Boolean },
  { _id: false },
)

const roleSchema = new Schema(
  {
    source: { type: String, required: true },
    sourceId: { type: String, required: true },
    role: { type: String, required: true },
    status: { type: String, required: true },
    statusChangedAt: Date,
    validFrom: String,
    validTo: String,
    departmentCode: String,
    ministryCode: String,
    departmentName: { type: localized, default: undefined },
    registrationNumber: String,
    degreeLevel: String,
    graduatedOn: String,
    enrollmentTerm: String,
    attendanceType: String,
    inscriptionTerm: String,
    inscriptionYear: String,
    inscriptionMethod: String,
    contractType: String,
    position: String,
    mobile: String,
    email: String,
  },
  { _id: false },
)

const recordSchema = new Schema(
  {
    key: { type: String, required: true },
    username: String,
    firstName: localized,
    lastName: localized,
    fatherName: String,
    birthDate: String,
    gender: Number,
    citizenship: String,
    orcid: String,
    numberHmacs: [String],
    taxNumber: { type: sealedNumberSchema, default: undefined },
  },
  { _id: false },
)

const personSchema = new Schema(
  {
    _id: { type: String, required: true },
    firstName: localized,
    lastName: localized,
    fatherName: String,
    birthDate: String,
    gender: Number,
    citizenship: [String],
    /** Absent, never empty: the unique index below must skip people without a number. */
    nationalNumbers: { type: [sealedNumberSchema], default: undefined },
    taxNumber: { type: sealedNumberSchema, default: undefined },
    roles: [roleSchema],
    orcid: String,
    academicId: String,
    academicIdKeys: { type: [String], default: undefined },
    numbersChangedAt: Date,
    records: [recordSchema],
    username: String,
    version: { type: String, required: true },
  },
  { versionKey: false, collection: 'people', minimize: false },
)

// A unique multikey index tells people apart, not entries inside one person: the import sees to
// it that one person holds a record or a number once.
personSchema.index({ 'records.key': 1 }, { unique: true })
personSchema.index({ 'nationalNumbers.hmac': 1 }, { unique: true, sparse: true })
personSchema.index({ username: 1 }, { unique: true, sparse: true })
// Two people of ours with one AcademicID: a wrong number in a record, never stored.
personSchema.index({ academicId: 1 }, { unique: true, sparse: true })
personSchema.index({ numbersChangedAt: 1 }, { sparse: true })
// Activation looks people up by the contact details that their source holds.
personSchema.index({ 'roles.mobile': 1 }, { sparse: true })
personSchema.index({ 'roles.email': 1 }, { sparse: true })
// The embedded AMKA registry asks for a surname and a birth date.
personSchema.index({ birthDate: 1 }, { sparse: true })

export const PersonModel = model('Person', personSchema)
