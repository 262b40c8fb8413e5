import type { AppContext } from '../context.ts'
import type { Account } from '../people/account.ts'
import { checkPersonalEmail } from '../people/email.ts'
import { currentRoles, type Person } from '../people/person.ts'
import { checkPhone } from '../people/phone.ts'
import { formText } from '../web/form-text.ts'
import type { PageText } from '../web/page-text.ts'
import { channelOf } from './contact-code.ts'
import { type ContactKind, contactKinds } from './contact-model.ts'

export interface WantedContact {
  readonly kind: ContactKind
  /** In its stored form. */
  readonly value: string
}

type ReadContacts = {
  readonly values: Record<ContactKind, string>
  readonly wanted: readonly WantedContact[]
  readonly errors: Record<string, PageText>
}

/**
 * The form with a new mobile, a new mail address or both. An empty field changes nothing: removing a
 * contact is a thing of its own. A channel that this installation cannot send by is not looked at.
 */
export function readContacts(
  context: Pick<AppContext, 'config' | 'messages'>,
  body: Record<string, unknown>,
  account: Pick<Account, ContactKind>,
): ReadContacts {
  const values = { mobile: formText(body.mobile), email: formText(body.email) }
  const wanted: WantedContact[] = []
  const errors: Record<string, PageText> = {}
  for (const kind of givable(context)) {
    if (values[kind] === '') continue
    const read = check[kind](values[kind], context.config.scope)
    if (typeof read !== 'string') errors[kind] = read
    else if (read === account[kind]) errors[kind] = { key: `account.contact.error.same.${kind}` }
    else wanted.push({ kind, value: read })
  }
  if (wanted.length === 0 && Object.keys(errors).length === 0) {
    errors[givable(context)[0] ?? 'email'] = { key: 'account.contact.error.missing' }
  }
  return { values, wanted, errors }
}

/** Kinds of contact that a code can be sent to. */
export function givable({ messages }: Pick<AppContext, 'messages'>): ContactKind[] {
  return contactKinds.filter((kind) => messages.channels[channelOf[kind]])
}

const check: Record<ContactKind, (text: string, scope: string) => string | PageText> = {
  mobile(text) {
    const checked = checkPhone(text)
    return checked.reason === undefined ? checked.value : { key: 'activation.error.mobile' }
  },
  email(text, scope) {
    const checked = checkPersonalEmail(text, scope)
    if (checked.reason === undefined) return checked.value
    return checked.reason === 'EMAIL_INSTITUTIONAL'
      ? { key: 'activation.error.emailInstitutional', values: { scope } }
      : { key: 'activation.error.email' }
  },
}

/**
 * Contacts that a source holds and the person has not left with us: to be taken over by a press of a
 * button, and a code.
 */
export function recordedElsewhere(
  context: Pick<AppContext, 'config' | 'messages' | 'now'>,
  person: Pick<Person, 'roles'>,
  account: Pick<Account, ContactKind>,
): WantedContact[] {
  const roles = currentRoles(person, context.now())
  return givable(context).flatMap((kind) => {
    const value = roles.find((role) => role[kind] !== undefined)?.[kind]
    if (value === undefined || value === account[kind]) return []
    return typeof check[kind](value, context.config.scope) === 'string' ? [{ kind, value }] : []
  })
}
