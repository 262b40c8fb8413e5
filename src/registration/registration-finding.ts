import type { MetadataError, MetadataFinding } from '../federation/metadata-finding.ts'
import { cleanText } from '../federation/metadata-text.ts'
import type { Translate } from '../web/translate.ts'

/** stop: it cannot be asked for like this; mend: better mended; note: good to know. */
export type Severity = 'stop' | 'mend' | 'note'

/** Something in what was handed in. Codes are those of the metadata's reader and ours. */
export interface RegistrationFinding {
  readonly code: string
  readonly severity: Severity
  readonly line?: number
  /** What it is about, in the metadata's own words. Foreign text. */
  readonly subject?: string
  /** What the reader said, in English: precise where our sentence is general. */
  readonly message?: string
  readonly remedy?: string
}

const maxSubjectLength = 200
const maxMessageLength = 400

/** What a service that comes to us by itself must mend, although an administrator may register it so. */
const stops = new Set(['ENDPOINT_HTTP', 'CONTACT_MISSING'])
const notes = new Set(['CERTIFICATE_EXPIRED', 'VALID_UNTIL_NEAR', 'NO_REQUESTED_ATTRIBUTES'])

export function fromMetadata(finding: MetadataFinding): RegistrationFinding {
  const severity = stops.has(finding.code) ? 'stop' : notes.has(finding.code) ? 'note' : 'mend'
  return { ...finding, severity }
}

/** Everything that makes the text unusable. */
export function fromError(error: MetadataError): RegistrationFinding[] {
  return error.problems.map((problem) => ({ ...problem, severity: 'stop' }))
}

export interface DescribedFinding extends RegistrationFinding {
  readonly what: string
  readonly mend: string
}

/** In the page's language; what a newer reader finds that has no text here, in its own English. */
export function describeFinding(finding: RegistrationFinding, t: Translate): DescribedFinding {
  const key = `registration.finding.${finding.code}`
  const isKnown = t.has(`${key}.what`)
  const { code, severity, line } = finding
  const subject = finding.subject && cleanText(finding.subject, maxSubjectLength)
  const message = finding.message && cleanText(finding.message, maxMessageLength)
  return {
    code,
    severity,
    ...(line !== undefined && { line }),
    ...(subject && { subject }),
    ...(message && { message }),
    what: isKnown ? t(`${key}.what`) : (message ?? code),
    mend: isKnown ? t(`${key}.mend`) : (finding.remedy ?? ''),
  }
}
