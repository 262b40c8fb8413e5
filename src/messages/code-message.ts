import type { AppContext } from '../context.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'
import type { MessageKind, OutgoingMessage } from './messages.ts'
import type { Recipient } from './recipients.ts'

/**
 * The message that brings a one-time code.
 *
 * @param message.texts where `.subject`, `.mail` and `.sms` are, with the values `code`,
 *   `institution` and `helpdesk`
 */
export function codeMessage(
  { config, institution }: Pick<AppContext, 'config' | 'institution'>,
  { channel, to }: Recipient,
  message: { kind: MessageKind; code: string; texts: string; language: Language; t: Translate },
): OutgoingMessage {
  const { kind, code, texts, language, t } = message
  const shared = { channel, to, kind, language, code }
  const values = {
    code,
    institution: institution.name[language],
    helpdesk: institution.helpdesk.email,
  }
  if (channel === 'email') {
    return {
      ...shared,
      subject: t(`${texts}.subject`, values),
      text: t(`${texts}.mail`, values),
    }
  }
  // The last line lets telephones offer the code for this site only (WICG origin-bound one-time codes).
  return {
    ...shared,
    text: `${t(`${texts}.sms`, values)}\n\n@${new URL(config.baseUrl).host} #${code}`,
  }
}
