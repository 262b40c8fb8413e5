import { type CasPattern, CasPatternError, parseCasPattern } from './cas-pattern.ts'
import { clientDisplay } from './client-metadata.ts'
import { MetadataError } from './metadata-finding.ts'
import { isLoopbackUrl, isWebUrl } from './metadata-text.ts'
import type { CasService } from './service.ts'

/** What a CAS service is registered with, checked; kept as JSON in the store. */
export type CasMetadata = Readonly<Record<string, unknown>> & { readonly cas_service: string }

export interface CheckedCasService {
  readonly metadata: CasMetadata
  /** Fields that mean nothing to us. */
  readonly ignored: readonly string[]
}

/** Texts that may have a language, as `client_name#el`: those of RFC 7591, which clients use here. */
const localizedFields = ['client_name', 'client_description', 'client_uri', 'policy_uri']
const urlFields = ['client_uri', 'policy_uri', 'logo_uri']
const maxAttributes = 60

/**
 * Checks what a CAS service is registered with. CAS has no metadata of its own, so it is a JSON
 * object with the names of RFC 7591: `cas_service` (the address pattern, required), `client_name`,
 * `client_description`, `client_uri` (where people start), `policy_uri`, `logo_uri`, `contacts`,
 * `attributes` (names of docs/attributes.md) and `logout_uri` (where a logout is told, when not at
 * the address that the ticket was for).
 *
 * @throws {IdpError} METADATA_INVALID with every mistake: field, what was expected, what came
 */
export function checkCasMetadata(given: unknown): CheckedCasService {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refusal(['the registration of a CAS service must be one JSON object'])
  }
  const input = given as Record<string, unknown>
  const problems: string[] = []
  const ignored: string[] = []
  const metadata: Record<string, unknown> = {}
  const pattern = readPattern(input.cas_service, problems)
  for (const [field, value] of Object.entries(input)) {
    const [name = '', language] = field.split('#', 2)
    const isText = language === undefined || localizedFields.includes(name)
    if (isText && (localizedFields.includes(name) || name === 'logo_uri')) {
      problems.push(...checkDisplayField(field, name, value))
      metadata[field] = value
    } else if (field === 'contacts' || field === 'attributes') {
      if (!isTextList(value) || value.length > maxAttributes) {
        problems.push(`${field} must be a list of texts, got ${show(value)}`)
      }
      metadata[field] = value
    } else if (field === 'logout_uri') {
      if (!isOwnAddress(value, pattern)) {
        problems.push(
          `logout_uri must be an https address at the host of cas_service, got ${show(value)}`,
        )
      }
      metadata[field] = value
    } else if (field !== 'cas_service') ignored.push(field)
  }
  if (problems.length > 0) throw refusal(problems)
  return { metadata: { cas_service: pattern!.text, ...metadata }, ignored }
}

function readPattern(value: unknown, problems: string[]): CasPattern | undefined {
  if (typeof value !== 'string') {
    problems.push(`cas_service must be an address pattern, got ${show(value)}`)
    return undefined
  }
  try {
    return parseCasPattern(value)
  } catch (error) {
    if (!(error instanceof CasPatternError)) throw error
    problems.push(`cas_service: ${error.message}`)
    return undefined
  }
}

function checkDisplayField(field: string, name: string, value: unknown): string[] {
  if (typeof value !== 'string' || value === '') {
    return [`${field} must be a text, got ${show(value)}`]
  }
  return urlFields.includes(name) && !isWebUrl(value)
    ? [`${field} must be an https address, got ${show(value)}`]
    : []
}

/** We post to it when somebody signs out: it must be the service's own. */
function isOwnAddress(value: unknown, pattern: CasPattern | undefined): boolean {
  if (typeof value !== 'string' || !isWebUrl(value)) return false
  const { protocol, hostname } = new URL(value)
  if (protocol !== 'https:' && !isLoopbackUrl(value)) return false
  if (!pattern) return true
  return (
    hostname === pattern.hostname ||
    (pattern.isWildcard && hostname.endsWith(`.${pattern.hostname}`))
  )
}

function refusal(problems: readonly string[]): MetadataError {
  return new MetadataError(
    `${problems.join('; ')}.`,
    problems.map((message) => ({ code: 'CAS_FIELD_INVALID', message })),
  )
}

/** The service as protocols and pages read it, of metadata that was checked before. */
export function casServiceOf(
  metadata: Readonly<Record<string, unknown>>,
  registration: Pick<CasService, 'state' | 'origin' | 'overrides'>,
): CasService {
  const pattern = parseCasPattern(String(metadata.cas_service))
  const display = clientDisplay(metadata)
  const names = isTextList(metadata.attributes) ? metadata.attributes : []
  return {
    protocol: 'cas',
    pattern,
    contacts: isTextList(metadata.contacts) ? metadata.contacts : [],
    requestedAttributes: names.map((name) => ({ name, isRequired: false })),
    ...(typeof metadata.logout_uri === 'string' && { logoutUrl: metadata.logout_uri }),
    metadata,
    ...display,
    // A pattern of a whole host is where it starts, if nobody says better.
    startUrl:
      display.startUrl ?? (pattern.path === '' && !pattern.isWildcard ? pattern.text : undefined),
    ...registration,
  }
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
