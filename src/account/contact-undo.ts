import type { mongo } from 'mongoose'
import type { AppContext } from '../context.ts'
import type { Account } from '../people/account.ts'
import { accounts, findAccount } from '../people/people-store.ts'
import { endingOf, removeEnded } from '../sso/end-everywhere.ts'
import { asSetBy, undoHmac } from './contact-change.ts'
import {
  type ContactChange,
  consentField,
  contactChanges,
  pendingContacts,
} from './contact-model.ts'

/** More changes than this in three days were made by a program; the helpdesk looks at those. */
const maxChain = 200
/** Another change came between so many times: somebody is playing. */
const maxTries = 5

/**
 * open: it can be undone.
 * undone: it has been, by this link or with an earlier change.
 * overtaken: the contact has been set in another way since, for example by the helpdesk.
 * expired: more than 72 hours have passed.
 */
export type UndoState = 'open' | 'undone' | 'overtaken' | 'expired'

export interface UndoCase {
  readonly state: UndoState
  readonly change: ContactChange
  readonly account: Account
  /** Ids of all changes that go with this one, while it is open. */
  readonly undoes: readonly string[]
}

/** @returns undefined when no such link was sent, or it ran out so long ago that nothing is kept */
export async function findUndo(
  context: Pick<AppContext, 'now' | 'secrets'>,
  token: unknown,
): Promise<UndoCase | undefined> {
  if (typeof token !== 'string' || !/^[A-Za-z0-9_-]{22}$/.test(token)) return undefined
  const change = await contactChanges().findOne({ undoHmac: undoHmac(context, token) })
  const account = change && (await findAccount(change.personId))
  if (!account) return undefined
  const found = { change, account, undoes: [] }
  if (change.undoneAt) return { ...found, state: 'undone' }
  if (change.undoUntil <= context.now()) return { ...found, state: 'expired' }
  const undoes = await changesSince(account, change)
  if (undoes) return { ...found, state: 'open', undoes }
  return { ...found, state: isAsBefore(account, change) ? 'undone' : 'overtaken' }
}

/** A parallel call has undone it, and has not noted it yet. */
function isAsBefore(account: Account, { kind, from, follows }: ContactChange): boolean {
  return account[kind] === from && account.contactSetBy?.[kind] === follows
}

/**
 * The changes that made the contact what it is, newest first, back to the given one: who gets hold of
 * an account may change a contact twice, and the first one's owner undoes both.
 *
 * @returns undefined when the contact was set in another way since
 */
async function changesSince(
  account: Account,
  change: ContactChange,
): Promise<string[] | undefined> {
  const { kind } = change
  const ids: string[] = []
  let expected = account[kind]
  let id = account.contactSetBy?.[kind]
  while (id !== undefined && ids.length < maxChain) {
    const link = id === change._id ? change : await contactChanges().findOne({ _id: id })
    if (!link || link.to !== expected) return undefined
    ids.push(link._id)
    if (link._id === change._id) return ids
    expected = link.from
    id = link.follows
  }
  return undefined
}

/**
 * Takes a contact back to what it was before a change, and with it undoes every later change of the
 * contact. In the same update all sign-ins end and remembered browsers are forgotten, so whoever
 * made the change cannot simply repeat it. Of parallel calls one does it; the others find it undone.
 *
 * @returns undefined as findUndo; `isDone` when this call did it
 */
export async function undoContactChange(
  context: AppContext,
  token: unknown,
): Promise<(UndoCase & { readonly isDone: boolean }) | undefined> {
  for (let tries = 0; tries < maxTries; tries++) {
    const found = await findUndo(context, token)
    if (!found) return undefined
    if (found.state !== 'open') return { ...found, isDone: false }
    const account = await restore(found)
    if (!account) continue
    await noteUndone(context, found)
    await removeEnded(context, account).catch((error) =>
      context.log.error({ err: error, personId: account._id }, 'ended sign-ins were not removed'),
    )
    return { ...found, account, state: 'undone', isDone: true }
  }
  throw new Error('the contact to be restored changes all the time')
}

/** @returns the account as it is now, or null when it is not what the caller saw */
function restore({ change, account }: UndoCase): Promise<Account | null> {
  const { kind, from, fromConsentAt, follows } = change
  const ending = endingOf(undefined)
  const restored = {
    [kind]: from,
    [consentField[kind]]: fromConsentAt,
    [`contactSetBy.${kind}`]: follows,
  }
  const present = Object.entries(restored).filter(([, value]) => value !== undefined)
  const absent = Object.entries(restored).filter(([, value]) => value === undefined)
  return accounts().findOneAndUpdate(
    {
      _id: account._id,
      ...asSetBy(kind, account[kind], account.contactSetBy?.[kind]),
    } as mongo.Filter<Account>,
    {
      ...(present.length > 0 ? { $set: Object.fromEntries(present) } : {}),
      $inc: { ...ending.$inc, deviceGeneration: 1 },
      $unset: { ...ending.$unset, ...Object.fromEntries(absent.map(([name]) => [name, ''])) },
    } as mongo.UpdateFilter<Account>,
    { returnDocument: 'after' },
  )
}

/** For the page of the link; what counts is the account. */
async function noteUndone(context: Pick<AppContext, 'now'>, found: UndoCase): Promise<void> {
  await contactChanges().updateMany(
    { _id: { $in: [...found.undoes] } },
    { $set: { undoneAt: context.now() } },
  )
  // Whatever the ended sign-ins were waiting to confirm.
  await pendingContacts().deleteMany({ personId: found.account._id })
}
