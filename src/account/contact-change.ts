import { randomBytes } from 'node:crypto'
import type { mongo } from 'mongoose'
import type { AppContext } from '../context.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import { type Account, accountStanding, signInCounts } from '../people/account.ts'
import { accounts, findAccount } from '../people/people-store.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import type { Language } from '../web/language.ts'
import {
  type ContactChange,
  type ContactKind,
  consentField,
  contactChanges,
} from './contact-model.ts'

/** How long the old contact can undo a change. */
export const undoMs = 72 * 3_600_000
/** Another change came between so many times: somebody is playing. */
const maxTries = 5

export type ContactOutcome =
  | {
      readonly outcome: 'done'
      /** As it was before, with the contacts to be told. */
      readonly before: Account
      readonly change: ContactChange
      /** For the undo link; the store has only its hash. */
      readonly token: string
    }
  /** It was like that already. */
  | { readonly outcome: 'same' }
  /** The sign-in was ended or the account stopped meanwhile. */
  | { readonly outcome: 'signed-out' }

/**
 * Sets or removes a recovery contact, in one update of the account that also says which change did
 * it. Of parallel changes each sees what the one before left, so that each can be undone to that; a
 * sign-in that was ended meanwhile, perhaps by an undo, changes nothing any more.
 *
 * @param wanted.to confirmed by its owner; undefined removes the contact and the consent
 */
export async function changeContact(
  context: Pick<AppContext, 'now' | 'secrets'>,
  session: Pick<SsoSession, 'id' | 'personId' | 'generation'>,
  wanted: { kind: ContactKind; to?: string; reference: string; language: Language },
): Promise<ContactOutcome> {
  const { kind, to } = wanted
  for (let tries = 0; tries < maxTries; tries++) {
    const before = await findAccount(session.personId)
    if (!before || !maySet(before, session, context.now())) return { outcome: 'signed-out' }
    if (before[kind] === to) return { outcome: 'same' }
    const { change, token } = describeChange(context, before, wanted)
    // First, so that there is no change without a way back; on its own it does nothing.
    await contactChanges().insertOne(change)
    const result = await accounts().updateOne(
      {
        _id: before._id,
        state: 'active',
        sessionGeneration: before.sessionGeneration ?? { $exists: false },
        ...asSetBy(kind, before[kind], before.contactSetBy?.[kind]),
      } as mongo.Filter<Account>,
      to === undefined
        ? {
            $set: { [`contactSetBy.${kind}`]: change._id },
            $unset: { [kind]: '', [consentField[kind]]: '' },
          }
        : {
            $set: {
              [kind]: to,
              [consentField[kind]]: change.changedAt,
              [`contactSetBy.${kind}`]: change._id,
            },
          },
    )
    if (result.matchedCount === 1) return { outcome: 'done', before, change, token }
    await contactChanges().deleteOne({ _id: change._id })
  }
  throw new Error(`the ${kind} of ${session.personId} changes all the time`)
}

function maySet(account: Account, session: Pick<SsoSession, 'id' | 'generation'>, now: Date) {
  return accountStanding(account, now) === 'active' && signInCounts(account, session)
}

/** A filter: the contact is this one, and this change made it so. */
export function asSetBy(kind: ContactKind, value: string | undefined, by: string | undefined) {
  return {
    [kind]: value ?? { $exists: false },
    [`contactSetBy.${kind}`]: by ?? { $exists: false },
  }
}

function describeChange(
  context: Pick<AppContext, 'now' | 'secrets'>,
  before: Account,
  { kind, to, reference, language }: Parameters<typeof changeContact>[2],
): { change: ContactChange; token: string } {
  const changedAt = context.now()
  const token = randomToken()
  const [from, fromConsentAt, follows] = [
    before[kind],
    before[consentField[kind]],
    before.contactSetBy?.[kind],
  ]
  const change: ContactChange = {
    _id: randomBytes(12).toString('hex'),
    personId: before._id,
    kind,
    reference,
    language,
    ...(from === undefined ? {} : { from }),
    ...(fromConsentAt === undefined ? {} : { fromConsentAt }),
    ...(to === undefined ? {} : { to }),
    ...(follows === undefined ? {} : { follows }),
    changedAt,
    undoHmac: undoHmac(context, token),
    undoUntil: new Date(changedAt.getTime() + undoMs),
  }
  return { change, token }
}

/** @param token as the link carries it */
export function undoHmac(context: Pick<AppContext, 'secrets'>, token: string): string {
  return keyedHash(context.secrets.get('code-hmac'), `contact-undo|${token}`).toString('hex')
}
