import type { Store } from 'express-session'
import { type AuditEntry, eventsOfPerson } from '../audit/read-audit-log.ts'
import type { Agreement, ConsentRecord } from '../consent/consent.ts'
import { listConsents } from '../consent/consent-store.ts'
import type { AppContext } from '../context.ts'
import { messagesOfPerson } from '../messages/message-store.ts'
import type { Account } from '../people/account.ts'
import { openNationalNumber } from '../people/national-number.ts'
import { findSourceRecords } from '../people/people-store.ts'
import type { Person, SealedNationalNumber } from '../people/person.ts'
import { listOwnSessions } from '../sso/own-sessions.ts'
import { contactChanges } from './contact-model.ts'
import { deletionRequestsOf } from './deletion-requests.ts'
import { RecoveryModel } from './recovery-model.ts'
import { shortAddress } from './short-address.ts'

/** Whose data, and what reads it. */
export interface ExportSource {
  readonly context: Pick<AppContext, 'config' | 'institution' | 'secrets' | 'now'>
  readonly store: Store
  readonly account: Account
  /** With all roles. */
  readonly person: Person
}

/** A list that may be long is read while it is sent. */
export type ExportPart = (source: ExportSource) => Promise<unknown> | AsyncIterable<unknown>

/** By name in the file. */
export type ExportParts = Readonly<Record<string, ExportPart>>

/**
 * Everything held about a person, part by part, as docs/password-service.md describes it. Fields are
 * named one by one: what is added to a record later must not show up here by itself. Left out are
 * secrets (hashes, codes, session ids), other people, what admins write for one another, and the
 * AcademicID, which nobody is shown.
 */
export const exportParts: ExportParts = {
  person: async ({ context, person }) => ({
    id: person._id,
    firstName: person.firstName,
    lastName: person.lastName,
    fatherName: person.fatherName,
    birthDate: person.birthDate,
    gender: person.gender,
    citizenship: person.citizenship,
    nationalNumbers: person.nationalNumbers.map((entry) => opened(context, entry)),
    taxNumber: person.taxNumber && opened(context, person.taxNumber),
    orcid: person.orcid,
    hasAcademicId: person.academicId !== undefined,
  }),
  roles: async ({ person }) =>
    person.roles.map((role) => ({
      source: role.source,
      sourceId: role.sourceId,
      role: role.role,
      status: role.status,
      statusChangedAt: role.statusChangedAt,
      validFrom: role.validFrom,
      validTo: role.validTo,
      departmentCode: role.departmentCode,
      ministryCode: role.ministryCode,
      departmentName: role.departmentName,
      registrationNumber: role.registrationNumber,
      degreeLevel: role.degreeLevel,
      graduatedOn: role.graduatedOn,
      enrollmentTerm: role.enrollmentTerm,
      attendanceType: role.attendanceType,
      inscriptionTerm: role.inscriptionTerm,
      inscriptionYear: role.inscriptionYear,
      inscriptionMethod: role.inscriptionMethod,
      contractType: role.contractType,
      position: role.position,
      mobile: role.mobile,
      email: role.email,
    })),
  sourceRecords: async ({ context, account }) =>
    (await findSourceRecords(account._id)).map((record) => ({
      record: record.key,
      username: record.username,
      firstName: record.firstName,
      lastName: record.lastName,
      fatherName: record.fatherName,
      birthDate: record.birthDate,
      gender: record.gender,
      citizenship: record.citizenship,
      orcid: record.orcid,
      taxNumber: record.taxNumber && opened(context, record.taxNumber),
    })),
  account: async ({ context, account }) => ({
    username: account.username,
    mailAddress: `${account.username}@${context.config.scope}`,
    state: account.state,
    expiresAt: account.expiresAt,
    activatedAt: account.activatedAt,
    activatedRoles: account.activatedRoles,
    activation: account.activation && {
      reference: account.activation.reference,
      way: account.activation.way,
      proven: account.activation.proven,
      numberCheckedBy: account.activation.numberCheckedBy,
      numberOnRecord: account.activation.numberOnRecord,
    },
    acceptedTerms: account.acceptedTerms && {
      terms: account.acceptedTerms.terms,
      privacy: account.acceptedTerms.privacy,
      acceptedAt: account.acceptedTerms.acceptedAt,
    },
    administratorSince: account.adminRight?.since,
    passwordChangedAt: account.passwordChangedAt,
    previousPasswordsKept: account.previousPasswords?.length,
    mobile: account.mobile,
    mobileConsentAt: account.mobileConsentAt,
    email: account.email,
    emailConsentAt: account.emailConsentAt,
    recoveryPassphrase: account.recoveryCode && {
      issuedAt: account.recoveryCode.issuedAt,
      expiresAt: account.recoveryCode.expiresAt,
    },
  }),
  recoveries: ({ account }) => recoveriesOf(account._id),
  contactChanges: ({ account }) => contactChangesOf(account._id),
  sessions: async ({ context, store, account }) =>
    (await listOwnSessions(context, store, account)).map((session) => ({
      startedAt: session.startedAt,
      authnInstant: session.authnInstant,
      lastSeenAt: session.lastSeenAt,
      address: session.address,
      userAgent: session.userAgent,
      services: session.services.map(({ protocol, id, joinedAt }) => ({ protocol, id, joinedAt })),
    })),
  signIns: ({ account }) => events(account._id, ({ event }) => isSignIn(event)),
  events: ({ account }) =>
    events(account._id, ({ event }) => !isSignIn(event) && !isAboutOthers(event)),
  consents: async ({ account }) => (await listConsents(account._id)).map(consentOf),
  messages: ({ account }) => sentMessages(account._id),
  deletionRequests: async ({ account }) =>
    (await deletionRequestsOf(account._id)).map(({ _id, state, createdAt, closedAt }) => ({
      reference: _id,
      state,
      createdAt,
      closedAt,
    })),
}

/** Which sign-in an agreement for once belongs to stays out, like all ids of sessions. */
function consentOf({ protocol, id, version, standing, once, decisions }: ConsentRecord) {
  return {
    protocol,
    service: id,
    version,
    remembered: standing && agreementOf(standing),
    once: once.map((agreement) => ({ ...agreementOf(agreement), until: agreement.until })),
    decisions: decisions.map((decision) => ({
      version: decision.version,
      at: decision.at,
      kind: decision.kind,
      mode: decision.mode,
      attributes: decision.attributes,
      isRemembered: decision.isRemembered,
      language: decision.language,
      wording: decision.wording,
    })),
  }
}

function agreementOf({ version, at, mode, attributes }: Agreement) {
  return { version, at, mode, attributes }
}

function opened({ secrets }: Pick<AppContext, 'secrets'>, entry: SealedNationalNumber) {
  return { country: entry.country, number: openNationalNumber(secrets, entry) }
}

const isSignIn = (event: string) => event === 'login' || event === 'logout'

/** That somebody else has the id of one's number is for admins: it tells of that person. */
const isAboutOthers = (event: string) => event === 'academicid.conflict'

/** Small facts of events that are the person's own and no secret. */
const shownDetails = new Set([
  'acr',
  'amr',
  'attributes',
  'channel',
  'encrypted',
  'grantType',
  'grants',
  'kind',
  'mode',
  'nameIdFormat',
  'protocol',
  'reference',
  'released',
  'remembered',
  'role',
  'sessions',
  'status',
  'version',
  'way',
])

async function* events(personId: string, wanted: (entry: AuditEntry) => boolean) {
  for await (const entry of eventsOfPerson(personId)) {
    if (!wanted(entry)) continue
    // Who did not sign in as this person may be somebody else, or a service.
    const isOwn = entry.sessionId != null
    yield withoutGaps({
      at: entry.at,
      event: entry.event,
      result: entry.result,
      reason: entry.reason,
      service: entry.service,
      address: isOwn ? entry.address : shortAddress(entry.address ?? undefined),
      userAgent: isOwn ? entry.userAgent : undefined,
      details: shown(entry.details),
    })
  }
}

function shown(details: AuditEntry['details'] | null) {
  const facts = Object.entries(details ?? {}).filter(([name]) => shownDetails.has(name))
  return facts.length > 0 ? Object.fromEntries(facts) : undefined
}

/** The audit log holds null for what an event had not. */
function withoutGaps<T extends object>(entry: T) {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value != null))
}

async function* sentMessages(personId: string) {
  for await (const message of messagesOfPerson(personId)) {
    const { channel, to, kind, language, reference, state, createdAt, sentAt } = message
    yield { createdAt, sentAt, channel, to, kind, language, reference, state }
  }
}

async function* contactChangesOf(personId: string) {
  for await (const change of contactChanges().find({ personId }).sort({ changedAt: 1 })) {
    const { kind, reference, from, fromConsentAt, to, changedAt, undoUntil, undoneAt } = change
    yield { kind, reference, from, fromConsentAt, to, changedAt, undoUntil, undoneAt }
  }
}

/** Somebody else may have begun one and typed contacts of their own: those stay out. */
async function* recoveriesOf(personId: string) {
  const attempts = RecoveryModel.find({ personId }).sort({ startedAt: 1 }).lean().cursor()
  for await (const { reference, channel, language, startedAt, endedAt, events } of attempts) {
    const steps = events.map(({ at, name }) => ({ at, name }))
    yield { reference, channel, language, startedAt, endedAt, events: steps }
  }
}
