import { join } from 'node:path'
import type { AppContext } from '../context.ts'
import type { DeliveryState } from '../messages/messages.ts'
import type { Language } from '../web/language.ts'
import { viewsDir } from '../web/render.ts'
import { loadTranslations, type MessageValues, type Translate } from '../web/translate.ts'

export type MailContext = Pick<AppContext, 'config' | 'institution' | 'messages' | 'log'>

const texts = {
  confirm: 'messages.registration.confirm',
  confirmUpdate: 'messages.registration.confirmUpdate',
  confirmed: 'messages.registration.confirmed',
  approved: 'messages.registration.approved',
  rejected: 'messages.registration.rejected',
  admin: 'messages.registration.admin',
} as const

export interface RegistrationMail {
  readonly to: string
  readonly text: keyof typeof texts
  readonly language: Language
  readonly reference: string
  readonly values: MessageValues
  /** The token of a link inside: the text is then never stored. */
  readonly secret?: string
}

/** @returns how its first try ended */
export async function sendRegistrationMail(
  context: MailContext,
  mail: RegistrationMail,
): Promise<DeliveryState> {
  const { config, institution } = context
  const { to, text, language, reference, secret } = mail
  const t = translations(config)[language]
  const key = texts[text]
  const values = {
    reference,
    institution: institution.name[language],
    helpdesk: institution.technicalContact.email,
    ...mail.values,
  }
  const { state } = await context.messages.send({
    channel: 'email',
    to,
    kind: 'service-registration',
    language,
    subject: t(`${key}.subject`, values),
    text: t(`${key}.mail`, values),
    ...(secret === undefined ? {} : { code: secret }),
    reference,
  })
  return state
}

let loaded: Record<Language, Translate> | undefined

/** The messages' texts alone: commands send them too, and have no pages. */
function translations({ isProduction }: Pick<AppContext['config'], 'isProduction'>) {
  loaded ??= loadTranslations(join(viewsDir, 'messages'), { strict: !isProduction })
  return loaded
}
