import type { AppContext } from '../context.ts'
import { recipientsOf } from '../messages/recipients.ts'
import type { Account } from '../people/account.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'

/**
 * Tells the recovery contacts that the account is active: whoever did not do this themselves learns
 * of it. Nothing waits for these messages.
 */
export function sendConfirmations(
  context: Pick<AppContext, 'config' | 'institution' | 'messages' | 'log'>,
  account: Account,
  { reference, language, t }: { reference: string; language: Language; t: Translate },
): void {
  const { institution, config } = context
  const values = {
    username: account.username,
    institution: institution.name[language],
    helpdesk: institution.helpdesk.email,
    url: config.baseUrl,
  }
  for (const { channel, to } of recipientsOf(account)) {
    const isMail = channel === 'email'
    context.messages
      .send({
        channel,
        to,
        kind: 'activation-done',
        language,
        subject: isMail ? t('messages.activationDone.subject', values) : undefined,
        text: t(isMail ? 'messages.activationDone.mail' : 'messages.activationDone.sms', values),
        reference,
        personId: account._id,
      })
      .catch((error) => context.log.error({ err: error, reference }, 'confirmation was not taken'))
  }
}
