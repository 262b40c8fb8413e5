import type { ActivationEvent, ActivationEventName } from '../activation/attempt.ts'
import type { AttemptState } from '../activation/helpdesk.ts'
import type { AmkaAnswer } from '../amka-registry/amka-registry.ts'

/** What happened, as the helpdesk reads it. */
export const eventTexts: Record<ActivationEventName, string> = {
  started: 'Opened the activation',
  'role-chosen': 'Chose the role',
  'contact-not-found': 'Gave a mobile or e-mail that no record of this role holds',
  'contact-found': 'Gave a mobile or e-mail that a record holds',
  'pin-sent': 'A PIN was sent',
  'pin-not-sent': 'The PIN could not be sent',
  'pin-wrong': 'Typed a wrong PIN',
  'pin-right': 'Typed the right PIN',
  'pin-expired': 'The PIN had expired',
  'pin-used-up': 'The PIN was cancelled after too many wrong tries',
  'fact-wrong': 'Several people share the contact; the fact asked for did not match',
  'fact-right': 'Several people share the contact; the fact asked for told who it is',
  'number-given': 'Gave a social security number',
  'number-checked': 'The number was checked',
  stopped: 'Could not go on',
  throttled: 'Had to wait: too many tries',
  agreed: 'Agreed with the data on record',
  disagreed: 'Disagreed with the data on record; nothing was saved',
  'password-refused': 'Chose a password that the rules refuse',
  done: 'Finished: the account or role is active',
  replaced: 'Started again; this one ended',
  left: 'Left',
}

export const stateTexts: Record<AttemptState, string> = {
  open: 'can still go on',
  done: 'finished',
  stopped: 'stopped',
  replaced: 'ended: the person started again',
  left: 'ended: the person left',
  expired: 'not finished in time',
}

/** Why a passphrase on paper was refused; the person was told none of it. */
export const codeTexts: Readonly<Record<string, string>> = {
  'unknown-username': 'There is no account with that username.',
  'no-code': 'The account has no passphrase: none was issued, or it was used.',
  'code-expired':
    'The passphrase had expired. Issue a new one: propylaia account recovery-code USERNAME',
  'code-used-up':
    'The passphrase was cancelled after five wrong tries. Issue a new one: propylaia account recovery-code USERNAME',
  'wrong-passphrase': 'The passphrase was not the one issued last.',
  throttled: 'Too many tries for this username, or from this network; the person was told to wait.',
  ACTIVATION_ALREADY_ACTIVE: 'The passphrase was right, but the account is active already.',
  ACTIVATION_ACCOUNT_STOPPED:
    'The passphrase was right, but the account is disabled or expired, or no role is left.',
  ACCOUNT_PASSWORD_CHANGED_MEANWHILE:
    'The passphrase was right, but the password was changed, or the passphrase used, at the same time.',
}

const timeFormat = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Athens',
  dateStyle: 'short',
  timeStyle: 'medium',
})

/** `2026-11-22 14:05:09` in Greece. */
export function athensTime(at: Date): string {
  return timeFormat.format(at)
}

const answerTexts: Readonly<Record<AmkaAnswer, string>> = {
  match: 'number, surname and birth date agree',
  mismatch: 'surname or birth date do not agree',
  unknown: 'the number is not registered',
  refused: 'the registry does not accept our token (AMKA_REGISTRY_TOKEN)',
  unreachable: 'the registry did not answer',
}

/**
 * One line of what happened, without the time.
 *
 * @param explain the sentence of an ErrorCode, undefined for any other detail
 */
export function eventText(
  { name, detail }: ActivationEvent,
  explain: (detail: string) => string | undefined,
): string {
  const text = eventTexts[name] ?? name
  if (!detail) return text
  if (name === 'number-checked') {
    const [registry, answer] = detail.split(': ')
    return `The ${registry} AMKA registry was asked: ${answerTexts[answer as AmkaAnswer] ?? answer}`
  }
  const explained = explain(detail)
  return `${text}: ${explained === undefined ? detail : `${explained} (${detail})`}`
}
