import type { AttributeDefinition } from '../attributes/release-types.ts'
import { serviceId } from '../federation/service.ts'
import { summarizeService } from '../federation/service-summary.ts'
import { maskEmail } from '../messages/mask.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'
import type { RegistrationCheck } from './check-registration.ts'
import { describeFinding, type RegistrationFinding, type Severity } from './registration-finding.ts'

const order: readonly Severity[] = ['stop', 'mend', 'note']

/** Whoever mended so many asks again; a megabyte of mistakes would make a page of twenty. */
const maxFindings = 100

/** What a check found, for the page and for software, in one language. */
export function describeCheck(check: RegistrationCheck, language: Language, t: Translate) {
  const { service, running, contact, isGood, requested } = check
  return {
    isGood,
    ...(service && {
      protocol: service.protocol,
      // A client's own name for itself is made when it is registered.
      ...((service.protocol !== 'oidc' || running) && { id: serviceId(service) }),
      name: summarizeService(service, language).name,
    }),
    isUpdate: running !== undefined,
    ...(contact && { contact: maskEmail(contact) }),
    findings: describeFindings(check.findings, t),
    requested: requested.map((definition) => describeRequested(definition, t)),
  }
}

/** What stops it first, then by line; the rest is not told. */
export function describeFindings(findings: readonly RegistrationFinding[], t: Translate) {
  return [...findings]
    .sort(
      (a, b) =>
        order.indexOf(a.severity) - order.indexOf(b.severity) || (a.line ?? 0) - (b.line ?? 0),
    )
    .slice(0, maxFindings)
    .map((finding) => describeFinding(finding, t))
}

function describeRequested({ name, sensitivity }: AttributeDefinition, t: Translate) {
  return { name, label: t(`attribute.${name}`), needsReason: sensitivity !== 'public' }
}
