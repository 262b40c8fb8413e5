import { IdpError } from '../errors.ts'
import { pathAsWritten } from '../federation/cas-pattern.ts'
import type { CasService } from '../federation/service.ts'
import { findCasServiceFor } from '../federation/service-store.ts'

/**
 * The registered service that this address belongs to. Told to the person here: to an address that
 * nobody registered nothing is sent, not even a browser (CAS Protocol 2.1.1).
 *
 * @throws {IdpError} CAS_SERVICE_UNKNOWN
 */
export async function registeredService(address: string): Promise<CasService> {
  const service = await findCasServiceFor(address)
  if (!service) {
    throw new IdpError(
      'CAS_SERVICE_UNKNOWN',
      `no CAS service is registered for "${address.slice(0, 300)}"`,
      { status: 403 },
    )
  }
  return service
}

/** The address with the ticket in its query. */
export function withTicket(address: string, ticket: string): string {
  const separator = address.includes('?') ? (/[?&]$/.test(address) ? '' : '&') : '?'
  return `${address}${separator}ticket=${ticket}`
}

/**
 * Whether a service validates a ticket for the address that it is for. The same address counts in
 * any of the forms that a browser makes one of, and without the session id that Java servers put
 * into the path: it is there before the sign-in and in a cookie after.
 */
export function isSameService(a: string, b: string): boolean {
  const comparable = (address: string) => {
    if (!URL.canParse(address)) return address
    const url = new URL(address)
    url.pathname = pathAsWritten(url.pathname)
    return url.href
  }
  return comparable(a) === comparable(b)
}
