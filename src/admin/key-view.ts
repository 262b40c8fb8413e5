import type { AppContext } from '../context.ts'
import { presentActor, presentHours, presentValues } from '../key-rotation/present.ts'
import type { Rehearsal, RehearsedService } from '../key-rotation/rehearsal.ts'
import { type CertificateEnd, endingCertificates } from '../key-rotation/reminders.ts'
import type { KeyRecord } from '../keys/key-records.ts'
import { formatDay, formatMoment } from '../web/date-time.ts'
import type { Language } from '../web/language.ts'
import type { PageText } from '../web/page-text.ts'

/** A key as the page shows it; dates are written out. */
export function viewOfKey(key: KeyRecord, language: Language) {
  const moment = (at: Date | undefined) => at && formatMoment(at, language)
  const { certificate } = key
  return {
    kid: key.kid,
    use: key.use,
    type: key.type,
    state: key.state,
    publishedIn: key.publishedIn,
    createdAt: moment(key.createdAt),
    stagedAt: moment(key.stagedAt),
    activatedAt: moment(key.activatedAt),
    retiringAt: moment(key.retiringAt),
    retiredAt: moment(key.retiredAt),
    by: presentActor(key.history.at(-1)?.by ?? ''),
    certificate: certificate && {
      notAfter: formatDay(certificate.notAfter, language),
      sha1: certificate.sha1,
      sha256: certificate.sha256,
    },
  }
}

/** A rehearsal as the page shows it. */
export function viewOfRehearsal({ promotion, services, at }: Rehearsal, language: Language) {
  const count = (state: RehearsedService['state']) =>
    services.filter((service) => service.state === state).length
  return {
    stagedAt: formatMoment(promotion.stagedAt, language),
    safeAt: formatMoment(promotion.safeAt, language),
    isSafe: promotion.safeAt <= at,
    parts: promotion.parts.map(({ name, hours }) => ({ name, time: presentHours(hours) })),
    counts: {
      breaks: count('breaks'),
      waits: count('waits'),
      unknown: count('unknown'),
      ready: count('ready'),
    },
    services: services.map((service) => ({
      ...service,
      name: service.name[language],
      until: service.until && formatMoment(service.until, language),
      evidence: service.evidence.map(({ key, values }) => ({
        key,
        values: presentValues(values, (date) => formatMoment(date, language)),
      })),
    })),
  }
}

/** What an administrator should see first: certificates that end. */
export function keyNotices(
  { now }: Pick<AppContext, 'now'>,
  keys: readonly KeyRecord[],
  language: Language,
): PageText[] {
  return endingCertificates(keys, now()).map((end) => noticeOf(end, now(), language))
}

function noticeOf({ notAfter, daysLeft }: CertificateEnd, now: Date, language: Language): PageText {
  const date = formatDay(notAfter, language)
  return notAfter <= now
    ? { key: 'admin.keys.certificateEnded', values: { date } }
    : { key: 'admin.keys.ending', values: { date, count: daysLeft } }
}
