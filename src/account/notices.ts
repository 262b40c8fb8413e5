import { join } from 'node:path'
import type { AppContext } from '../context.ts'
import { recipientsOf } from '../messages/recipients.ts'
import type { Account } from '../people/account.ts'
import type { Language } from '../web/language.ts'
import { viewsDir } from '../web/render.ts'
import { loadTranslations, type MessageValues, type Translate } from '../web/translate.ts'

/** What happened to the account. Values that a text needs beside the common ones are in brackets. */
export type NoticeKind =
  | 'password-changed'
  | 'password-recovered'
  /** [contact, undoUrl] */
  | 'contact-changed'
  /** [contact, undoUrl]: a new one beside the contact that is told */
  | 'contact-added'
  /** [undoUrl] */
  | 'contact-removed'
  | 'contact-restored'
  | 'deletion-requested'

/** Texts of a notice are `messages.notice.NAME.{subject,mail,sms}`. */
const textNames: Readonly<Record<NoticeKind, string>> = {
  'password-changed': 'passwordChanged',
  'password-recovered': 'passwordRecovered',
  'contact-changed': 'contactChanged',
  'contact-added': 'contactAdded',
  'contact-removed': 'contactRemoved',
  'contact-restored': 'contactRestored',
  'deletion-requested': 'deletionRequested',
}

export interface Notice {
  readonly kind: NoticeKind
  readonly language: Language
  /** What the helpdesk calls the matter. */
  readonly reference?: string
  /** Instead of the contacts that the account keeps, such as those it kept before. */
  readonly to?: { readonly mobile?: string; readonly email?: string }
  readonly values?: MessageValues
  /** What of the text opens something, such as an undo link's token: the text is then never stored. */
  readonly secret?: string
}

/**
 * Tells every contact that the account keeps what happened, so that whoever did not do it learns of
 * it and what to do. Nothing waits for these messages.
 */
export function sendNotice(
  context: Pick<AppContext, 'config' | 'institution' | 'messages' | 'log'>,
  account: Pick<Account, '_id' | 'username' | 'mobile' | 'email'>,
  notice: Notice,
): void {
  const { config, institution } = context
  const { kind, language, reference, secret } = notice
  const t = textsOf(config)[language]
  const key = `messages.notice.${textNames[kind]}`
  const values = {
    username: account.username,
    institution: institution.name[language],
    helpdesk: institution.helpdesk.email,
    recoverUrl: `${config.baseUrl.replace(/\/$/, '')}/account/recover`,
    ...notice.values,
  }
  const note = reference === undefined ? '' : t('messages.notice.reference', { reference })
  for (const { channel, to } of recipientsOf(notice.to ?? account)) {
    const isMail = channel === 'email'
    context.messages
      .send({
        channel,
        to,
        kind: 'account-notice',
        language,
        subject: isMail ? t(`${key}.subject`, values) : undefined,
        text: isMail ? t(`${key}.mail`, values) + note : t(`${key}.sms`, values),
        ...(secret === undefined ? {} : { code: secret }),
        reference,
        personId: account._id,
      })
      .catch((error) => context.log.error({ err: error, kind, reference }, 'notice was not taken'))
  }
}

let texts: Record<Language, Translate> | undefined

/** The messages' texts alone: commands send notices too, and have no pages. */
function textsOf({ isProduction }: Pick<AppContext['config'], 'isProduction'>) {
  texts ??= loadTranslations(join(viewsDir, 'messages'), { strict: !isProduction })
  return texts
}
