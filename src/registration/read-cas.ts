import { overlaps } from '../federation/cas-pattern.ts'
import { casServiceOf, checkCasMetadata } from '../federation/cas-service.ts'
import type { CasService, RegisteredService } from '../federation/service.ts'
import type { ServiceRecord } from '../federation/service-model.ts'
import { listApprovedServices, listServiceRecords, toService } from '../federation/service-store.ts'
import type { RegistrationFinding } from './registration-finding.ts'
import { addressesOf } from './review-client.ts'
import { technicalContact } from './technical-contact.ts'

/** What a service handed in about itself, as CAS has no metadata: see checkCasMetadata(). */
export function readCas(
  given: Record<string, unknown>,
  origin: string,
): { service: CasService; metadata: string; findings: RegistrationFinding[] } {
  const { metadata, ignored } = checkCasMetadata(given)
  const service = casServiceOf(metadata, { state: 'pending', origin, overrides: {} })
  return {
    service,
    metadata: JSON.stringify(metadata),
    findings: [
      ...reviewCas(service),
      ...ignored.map(
        (subject): RegistrationFinding => ({
          code: 'CLIENT_FIELD_IGNORED',
          severity: 'note',
          subject,
        }),
      ),
    ],
  }
}

function reviewCas(service: CasService): RegistrationFinding[] {
  const { displayName, privacyStatementUrl, pattern, requestedAttributes } = service
  const findings: RegistrationFinding[] = []
  if (Object.keys(displayName).length === 0) {
    findings.push({ code: 'DISPLAY_NAME_MISSING', severity: 'stop' })
  }
  if (Object.keys(privacyStatementUrl).length === 0) {
    findings.push({ code: 'PRIVACY_STATEMENT_MISSING', severity: 'mend' })
  }
  if (technicalContact(service) === undefined) {
    findings.push({ code: 'CONTACT_MISSING', severity: 'stop' })
  }
  if (pattern.isWildcard) {
    // Whose all those hosts are no mail can show: an administrator may register it by hand.
    findings.push({ code: 'CAS_PATTERN_WIDE', severity: 'stop', subject: pattern.text })
  }
  if (requestedAttributes.length === 0) {
    findings.push({ code: 'NO_REQUESTED_ATTRIBUTES', severity: 'note' })
  }
  return findings
}

/**
 * Why nobody may register this pattern by a form: somebody else's service is there already, under
 * CAS at an address that both match, or under another protocol at the same host. Who is the contact
 * of that one is no stranger.
 *
 * @returns undefined when nothing is in the way
 */
export async function whoseAddress(
  service: CasService,
  baseUrl: string,
  now: Date,
): Promise<'CAS_PATTERN_TAKEN' | 'CAS_HOST_TAKEN' | undefined> {
  const { pattern } = service
  const contact = technicalContact(service)
  const isStrange = (other: RegisteredService) => technicalContact(other) !== contact
  for (const record of await listServiceRecords('cas')) {
    if (record.serviceId === pattern.text || !isDecided(record)) continue
    const other = toService(record)
    const isThere = other.protocol === 'cas' && overlaps(other.pattern, pattern)
    if (isThere && isStrange(other)) return 'CAS_PATTERN_TAKEN'
  }
  if (new URL(baseUrl).hostname === pattern.hostname) return 'CAS_HOST_TAKEN'
  for (const other of await listApprovedServices(now)) {
    if (other.protocol === 'cas') continue
    const hosts = addressesOf(other).map((address) =>
      URL.canParse(address) ? new URL(address).hostname : '',
    )
    if (hosts.includes(pattern.hostname) && isStrange(other)) return 'CAS_HOST_TAKEN'
  }
  return undefined
}

/** One that waits came from anybody: it must not shut a service out. */
function isDecided({ state }: ServiceRecord): boolean {
  return state === 'approved'
}
