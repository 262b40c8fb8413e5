import type { AppContext } from '../context.ts'
import { activationRules } from '../institution.ts'
import type { Limit, Limiter } from '../limits/limiter.ts'
import { type Contact, findPeopleByContact } from '../people/contact-match.ts'
import { checkPersonalEmail } from '../people/email.ts'
import { athensDate } from '../people/person.ts'
import { checkPhone } from '../people/phone.ts'
import type { RoleChoice } from '../people/role-choice.ts'
import type { PageText } from '../web/page-text.ts'

type ReadContact =
  | { readonly contact: Contact; readonly errors?: undefined }
  | { readonly errors: Record<string, PageText>; readonly contact?: undefined }

/**
 * The contact form as typed. `+` in front is for foreign numbers; spaces, 0030 and a bare 69… are
 * the same Greek number (people/phone.ts).
 */
export function readContact(
  context: Pick<AppContext, 'config' | 'institution' | 'messages'>,
  typed: { mobile: string; email: string },
): ReadContact {
  const errors: Record<string, PageText> = {}
  const { channels } = context.messages
  const { mobile: mobileText, email: emailText } = {
    mobile: channels.sms ? typed.mobile : '',
    email: channels.email ? typed.email : '',
  }
  let mobile: string | undefined
  let email: string | undefined
  if (mobileText !== '') {
    const checked = checkPhone(mobileText)
    if (checked.reason === undefined) mobile = checked.value
    else errors.mobile = { key: 'activation.error.mobile' }
  }
  if (emailText !== '') {
    const checked = checkPersonalEmail(emailText, context.config.scope)
    if (checked.reason === undefined) email = checked.value
    else if (checked.reason === 'EMAIL_INSTITUTIONAL')
      errors.email = {
        key: 'activation.error.emailInstitutional',
        values: { scope: context.config.scope },
      }
    else errors.email = { key: 'activation.error.email' }
  }
  const first = channels.sms ? 'mobile' : 'email'
  if (mobileText === '' && emailText === '') {
    errors[first] = { key: missingKey(channels) }
  }
  const { contacts } = activationRules(context.institution)
  if (contacts === 'exactly-one' && mobileText !== '' && emailText !== '') {
    errors[first] = { key: 'activation.error.contactOnlyOne' }
  }
  if (Object.keys(errors).length > 0) return { errors }
  return {
    contact: {
      ...(mobile === undefined ? {} : { mobile }),
      ...(email === undefined ? {} : { email }),
    },
  }
}

function missingKey(channels: { sms: boolean; email: boolean }): string {
  if (channels.sms && channels.email) return 'activation.error.contactMissing.both'
  return channels.sms
    ? 'activation.error.contactMissing.sms'
    : 'activation.error.contactMissing.email'
}

export type SearchResult =
  | { readonly outcome: 'found'; readonly candidates: readonly string[] }
  | { readonly outcome: 'not-found' }
  | { readonly outcome: 'throttled'; readonly minutes: number }

/**
 * Whose record of this role holds the contact. Searches that find nobody are limited by network, so
 * that nobody walks through telephone numbers; each is counted before it runs and taken back when it
 * finds somebody, so that many sent at once get no more.
 *
 * @param network of the browser (limits/network.ts)
 */
export async function searchContact(
  context: Pick<AppContext, 'config' | 'now'>,
  limiter: Limiter,
  search: { role: RoleChoice; contact: Contact; network: string },
): Promise<SearchResult> {
  const limit: Limit = {
    name: 'activation-search',
    subject: search.network,
    max: context.config.activationSearchesPerAddress,
    windowMs: 15 * 60_000,
  }
  const minutes = await limiter.take(limit)
  if (minutes > 0) return { outcome: 'throttled', minutes }
  const found = await findPeopleByContact(search.role, search.contact, athensDate(context.now()))
  if (found.length === 0) return { outcome: 'not-found' }
  await limiter.giveBack(limit)
  return { outcome: 'found', candidates: found.map((person) => person._id) }
}
