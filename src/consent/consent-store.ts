import { isDuplicateKey } from '../store/duplicate-key.ts'
import {
  type Agreement,
  attributesOf,
  type ConsentRecord,
  consentWording,
  type Decision,
  type DisclosureMode,
  inForce,
  type OneTimeAgreement,
  type ServiceRef,
} from './consent.ts'
import { consentId, consents } from './consent-model.ts'

/** So many decisions of a person about a service are kept; nobody reads more. */
const maxDecisions = 50

/** A person who is never remembered has one for each sign-in whose tokens may still live. */
const maxOnce = 50

export function findConsent(personId: string, service: ServiceRef): Promise<ConsentRecord | null> {
  return consents().findOne({ _id: consentId(personId, service) })
}

/** The one decided last comes first. */
export function listConsents(personId: string): Promise<ConsentRecord[]> {
  return consents().find({ personId }).sort({ decidedAt: -1, _id: 1 }).toArray()
}

/** What was decided on the page. */
export interface NewDecision {
  readonly kind: 'agree' | 'disagree' | 'inform'
  readonly mode: DisclosureMode
  readonly attributes: readonly string[]
  readonly isRemembered: boolean
  readonly language: 'el' | 'en'
  readonly at: Date
  /** SsoSession.id of who decided. */
  readonly sessionId: string
  /** How long an agreement that is not remembered can be of use. */
  readonly onceSeconds: number
}

/**
 * Writes a decision down and puts it into force. A refusal concerns what was asked this time: what
 * was agreed to before stays until it is withdrawn.
 *
 * @returns the version that it got
 */
export async function recordDecision(
  personId: string,
  service: ServiceRef,
  decided: NewDecision,
): Promise<number> {
  const { kind, mode, attributes, isRemembered, language, at, sessionId, onceSeconds } = decided
  const until = new Date(at.getTime() + onceSeconds * 1000)
  const isAllowed = kind !== 'disagree'
  return update(personId, service, (before, version) => {
    const given: Agreement = { version, at, mode, attributes }
    return {
      decision: {
        version,
        at,
        kind,
        mode,
        attributes,
        ...(isAllowed ? { isRemembered } : {}),
        language,
        wording: consentWording,
      },
      ...(isAllowed && isRemembered ? { standing: together(before?.standing, given) } : {}),
      ...(isAllowed && !isRemembered ? { once: { ...given, sessionId, until } } : {}),
    }
  })
}

/**
 * Takes back what is in force: nothing more goes until the person is asked again.
 *
 * @returns undefined when nothing was in force
 */
export async function recordWithdrawal(
  personId: string,
  service: ServiceRef,
  { at, language }: { readonly at: Date; readonly language?: 'el' | 'en' },
): Promise<{ readonly version: number; readonly attributes: readonly string[] } | undefined> {
  for (;;) {
    const before = await findConsent(personId, service)
    const agreements = before ? inForce(before, at) : []
    if (!before || agreements.length === 0) return undefined
    const version = before.version + 1
    const attributes = attributesOf(agreements)
    const decision: Decision = {
      version,
      at,
      kind: 'withdraw',
      attributes,
      ...(language ? { language } : {}),
      wording: consentWording,
    }
    const { modifiedCount } = await consents().updateOne(
      { _id: before._id, version: before.version },
      {
        $set: { version, decidedAt: at, once: [] },
        $unset: { standing: '' },
        $push: { decisions: { $each: [decision], $slice: -maxDecisions } },
      },
    )
    if (modifiedCount === 1) return { version, attributes }
  }
}

/**
 * Uses up an agreement that was given for one answer. Of two requests that bring the same one, one
 * gets it.
 */
export async function takeOneTimeAgreement(
  personId: string,
  service: ServiceRef,
  version: number,
): Promise<boolean> {
  const { modifiedCount } = await consents().updateOne(
    { _id: consentId(personId, service), 'once.version': version },
    { $pull: { once: { version } } },
  )
  return modifiedCount === 1
}

interface Change {
  readonly decision: Decision
  readonly standing?: Agreement
  readonly once?: OneTimeAgreement
}

/** Compare and set by version: of decisions that are taken at once each gets a version of its own. */
async function update(
  personId: string,
  { protocol, id }: ServiceRef,
  decide: (before: ConsentRecord | null, version: number) => Change,
): Promise<number> {
  for (;;) {
    const before = await findConsent(personId, { protocol, id })
    const version = (before?.version ?? 0) + 1
    const { decision, standing, once } = decide(before, version)
    if (before) {
      const { modifiedCount } = await consents().updateOne(
        { _id: before._id, version: before.version },
        {
          $set: { version, decidedAt: decision.at, ...(standing ? { standing } : {}) },
          $push: {
            decisions: { $each: [decision], $slice: -maxDecisions },
            ...(once ? { once: { $each: [once], $slice: -maxOnce } } : {}),
          },
        },
      )
      if (modifiedCount === 1) return version
      continue
    }
    try {
      await consents().insertOne({
        _id: consentId(personId, { protocol, id }),
        personId,
        protocol,
        id,
        version,
        ...(standing ? { standing } : {}),
        once: once ? [once] : [],
        decisions: [decision],
        decidedAt: decision.at,
      })
      return version
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
  }
}

/**
 * A service may ask for one thing here and another there: both stay agreed to. Of a notice and a
 * consent the newer one takes the place of the other.
 */
function together(before: Agreement | undefined, given: Agreement): Agreement {
  if (before?.mode !== given.mode) return given
  return { ...given, attributes: [...new Set([...before.attributes, ...given.attributes])] }
}
