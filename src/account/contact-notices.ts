import type { AppContext } from '../context.ts'
import { maskContact } from '../messages/mask.ts'
import type { ContactOutcome } from './contact-change.ts'
import { sendNotice } from './notices.ts'

type Changed = Extract<ContactOutcome, { outcome: 'done' }>

/**
 * Tells the old contact that it was replaced or removed, and the other one that there is a new one
 * beside it, each with the way to undo it. Nobody is told of the first contact that an account gets.
 */
export function tellOfChange(
  context: Pick<AppContext, 'config' | 'institution' | 'messages' | 'log'>,
  { before, change, token }: Changed,
): void {
  const { kind, from, to, reference, language } = change
  const undoUrl = new URL('/account/contact/undo', context.config.baseUrl)
  undoUrl.searchParams.set('token', token)
  const shared = { reference, language, secret: token }
  const urls = { undoUrl: undoUrl.href }
  if (to === undefined) {
    sendNotice(context, before, {
      ...shared,
      kind: 'contact-removed',
      to: { [kind]: from },
      values: urls,
    })
    return
  }
  const values = { ...urls, contact: maskContact(to) }
  if (from !== undefined) {
    sendNotice(context, before, {
      ...shared,
      kind: 'contact-changed',
      to: { [kind]: from },
      values,
    })
  }
  const { mobile, email } = before
  const others = kind === 'mobile' ? { email } : { mobile }
  sendNotice(context, before, { ...shared, kind: 'contact-added', to: others, values })
}
