import { join } from 'node:path'
import type { Collection } from 'mongodb'
import { model, Schema } from 'mongoose'
import type { AppContext } from '../context.ts'
import { type KeyRecord, listKeys } from '../keys/key-records.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { formatDay } from '../web/date-time.ts'
import type { Language } from '../web/language.ts'
import { viewsDir } from '../web/render.ts'
import { loadTranslations, type Translate } from '../web/translate.ts'

const dayMs = 86_400_000
/** Days before the end of a certificate. */
export const reminderDays = [90, 30, 7] as const

interface ReminderRecord {
  /** kid and days. */
  readonly _id: string
  readonly at: Date
}

const reminderSchema = new Schema(
  { _id: { type: String, required: true }, at: { type: Date, required: true } },
  { versionKey: false },
)
const ReminderModel = model('KeyReminder', reminderSchema, 'keyReminders')
const reminders = () => ReminderModel.collection as unknown as Collection<ReminderRecord>

/** A certificate in use that ends soon, or has ended. */
export interface CertificateEnd {
  readonly kid: string
  readonly notAfter: Date
  /** Whole days; none left when it has ended. */
  readonly daysLeft: number
  /** The reminder that is due: 90, 30 or 7 days before. */
  readonly stage: (typeof reminderDays)[number]
}

interface MailText {
  readonly subject: string
  readonly text: string
}

type ReminderContext = Pick<AppContext, 'config' | 'institution' | 'messages' | 'log' | 'now'>

/** Certificates of SAML keys that sign, and end within 90 days. */
export function endingCertificates(keys: readonly KeyRecord[], now: Date): CertificateEnd[] {
  return keys.flatMap(({ kid, use, state, certificate }) => {
    if (use !== 'saml' || state !== 'active' || !certificate) return []
    const { notAfter } = certificate
    const daysLeft = Math.max(0, Math.floor((notAfter.getTime() - now.getTime()) / dayMs))
    const stage = reminderDays.findLast((days) => daysLeft <= days)
    return stage === undefined ? [] : [{ kid, notAfter, daysLeft, stage }]
  })
}

/** Tells the technical contact, once for each stage and certificate, whichever process finds out. */
export async function remindOfCertificates(context: ReminderContext): Promise<void> {
  const { log, now } = context
  for (const end of endingCertificates(await listKeys(), now())) {
    if (!(await isFirst(end, now()))) continue
    const { kid, notAfter, daysLeft } = end
    log.warn(
      { kid, notAfter, daysLeft },
      'the certificate of the SAML signing key ends soon; stage the next key: propylaia keys stage --use saml',
    )
    await sendReminder(context, end)
  }
}

async function isFirst({ kid, stage }: CertificateEnd, at: Date): Promise<boolean> {
  try {
    await reminders().insertOne({ _id: `${kid} ${stage}`, at })
    return true
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}

async function sendReminder(context: ReminderContext, end: CertificateEnd): Promise<void> {
  const { config, institution, messages } = context
  // In both languages: who keeps the technical contact's mailbox is not known.
  const [greek, english] = (['el', 'en'] as const).map((language) => {
    const t = messageTexts(config)[language]
    const values = {
      count: end.daysLeft,
      date: formatDay(end.notAfter, language),
      kid: end.kid,
      url: `${config.baseUrl}/admin/keys`,
      institution: institution.name[language],
    }
    return {
      subject: t('messages.keys.reminder.subject', values),
      text: t('messages.keys.reminder.mail', values),
    }
  }) as [MailText, MailText]
  await messages.send({
    channel: 'email',
    to: institution.technicalContact.email,
    kind: 'key-reminder',
    language: 'el',
    subject: `${greek.subject} / ${english.subject}`,
    text: `${greek.text}\n\n- - -\n\n${english.text}`,
  })
}

let loaded: Record<Language, Translate> | undefined

/** The messages' texts alone: commands need them too, and have no pages. */
export function messageTexts({
  isProduction,
}: Pick<AppContext['config'], 'isProduction'>): Record<Language, Translate> {
  loaded ??= loadTranslations(join(viewsDir, 'messages'), { strict: !isProduction })
  return loaded
}
