import { IdpError } from '../errors.ts'

/** What a service asks for at /cas/login (CAS Protocol 2.1.1). JSON: it travels in the sealed flow. */
export interface CasLogin {
  /** As it came; a ticket is good for exactly this address. */
  readonly service: string
  readonly renew: boolean
  readonly gateway: boolean
  /** How the ticket goes back: by a redirect, or by a form that posts it. */
  readonly method: 'GET' | 'POST'
  /** `mfa-…`: the service wants this second factor. */
  readonly authnMethod?: string
  /** When it was asked for, where the flow was sealed anew on the way. Milliseconds. */
  readonly askedAt?: number
}

/** What the protocol knows; another parameter means nothing. */
export const loginParameters = [
  'service',
  'TARGET',
  'renew',
  'gateway',
  'method',
  'authn_method',
] as const

const methods = ['GET', 'POST'] as const

/** The login parameters in a form that was posted: a GET with them asks for the same. */
export function loginQuery(body: Record<string, unknown> | undefined): URLSearchParams {
  const query = new URLSearchParams()
  for (const name of loginParameters) {
    const value = body?.[name]
    if (typeof value === 'string') query.set(name, value)
  }
  return query
}

/**
 * Reads the parameters. `TARGET` is the service too, for clients that speak SAML 1.1. renew beats
 * gateway, as the specification recommends.
 *
 * @returns undefined without a service: then nobody asked for a ticket
 * @throws {IdpError} BAD_REQUEST for a method that we do not have
 */
export function readLogin(parameters: Readonly<Record<string, unknown>>): CasLogin | undefined {
  const service = textOf(parameters.service) ?? textOf(parameters.TARGET)
  if (service === undefined) return undefined
  const given = textOf(parameters.method) ?? 'GET'
  const method = methods.find((one) => one === given.toUpperCase())
  if (!method) {
    const shown = given.slice(0, 20)
    throw new IdpError('BAD_REQUEST', `method is "${shown}", expected GET or POST`)
  }
  const renew = isSet(parameters.renew)
  const authnMethod = textOf(parameters.authn_method)
  return {
    service,
    renew,
    gateway: isSet(parameters.gateway) && !renew,
    method,
    ...(authnMethod !== undefined && { authnMethod }),
  }
}

/** "If this parameter is set": services send true, and none means to set it by sending false. */
export function isSet(value: unknown): boolean {
  return typeof value === 'string' && value.toLowerCase() !== 'false'
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
