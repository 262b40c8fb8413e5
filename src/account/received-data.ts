import { attributeTable } from '../attributes/attribute-table.ts'
import { type AuditEntry, findEventPage } from '../audit/read-audit-log.ts'

/** Events that say which facts of the person went to which service. */
const releaseEvents = ['saml.response', 'oidc.token', 'oidc.userinfo', 'cas.validate'] as const

/** So many of them are read for one page; whoever uses services more often goes back page by page. */
const readAtOnce = 1000

/** A service that received something, in the stretch of time that a page shows. */
export interface ReceivingService {
  /** entityID, client_id or address pattern. */
  readonly id: string
  readonly protocol: 'saml' | 'oidc' | 'cas'
  readonly lastAt: Date
  readonly times: number
  /** Names of the attribute table, in its order; empty: only that somebody signed in. */
  readonly attributes: readonly string[]
}

const nameByClaim = new Map(
  attributeTable.flatMap(({ claim, name }) => (claim === undefined ? [] : [[claim, name]])),
)

/**
 * The services that received facts about a person, the latest first.
 *
 * @returns also where the next page begins, when there is one
 */
export async function findReceivingServices(
  personId: string,
  before?: Date,
): Promise<{ services: ReceivingService[]; older?: Date }> {
  const { entries, older } = await findEventPage(personId, releaseEvents, {
    before,
    limit: readAtOnce,
  })
  const byService = new Map<string, AuditEntry[]>()
  for (const entry of entries) {
    if (entry.result !== 'success' || entry.service === undefined) continue
    const list = byService.get(entry.service)
    if (list) list.push(entry)
    else byService.set(entry.service, [entry])
  }
  const services = [...byService].map(([id, received]) => summarize(id, received))
  return { services, older }
}

function summarize(id: string, received: readonly AuditEntry[]): ReceivingService {
  const [newest] = received as [AuditEntry, ...AuditEntry[]]
  const names = new Set(received.flatMap(namesIn))
  // One answer over OpenID Connect is two requests: the token, then the facts.
  const isOidc = newest.event.startsWith('oidc.')
  const answers = isOidc ? received.filter(({ event }) => event === 'oidc.token') : received
  return {
    id,
    protocol: newest.event.slice(0, newest.event.indexOf('.')) as ReceivingService['protocol'],
    lastAt: newest.at,
    times: Math.max(answers.length, 1),
    attributes: attributeTable.map(({ name }) => name).filter((name) => names.has(name)),
  }
}

function namesIn({ details }: AuditEntry): string[] {
  const { attributes, released } = (details ?? {}) as Record<string, unknown>
  if (Array.isArray(attributes)) return attributes
  if (!Array.isArray(released)) return []
  return released.flatMap((claim) => nameByClaim.get(claim) ?? [])
}
