import type { Request } from 'express'

/** Browsers may send any length; the beginning tells which one it is. Characters. */
const maxUserAgentLength = 256

/** Where a request comes from, as the audit log and the list of sign-ins hold it. */
export function requestOrigin(request: Request) {
  return {
    address: request.ip,
    userAgent: request.get('user-agent')?.slice(0, maxUserAgentLength),
  }
}
