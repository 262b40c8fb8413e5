import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { open, SealError, seal } from '../keys/sealing.ts'

/**
 * A sign-in on its way: what was asked for, by whom, and where to go on. It travels sealed in the
 * URL, so the server keeps nothing for people who never finish, several tabs cannot mix, and any
 * worker can go on.
 */
export interface LoginFlow {
  /** Path on this server that goes on once the person is signed in. */
  readonly resume: string
  readonly service?: { readonly protocol: 'saml' | 'oidc' | 'cas'; readonly id: string }
  /** What the protocol needs to answer; JSON. */
  readonly state?: unknown
  /** The password must be proved after `issuedAt` even when a session exists. */
  readonly forceAuthn?: boolean
  /**
   * Where the redirects after the sign-in form end when that is another origin: Chromium holds them
   * to the page's `form-action` too. From registration data.
   */
  readonly redirectsTo?: string
  /** Fills the username field. */
  readonly username?: string
  /** What the person decided at the consent page on the way (consent/consent-flow.ts); JSON. */
  readonly decision?: unknown
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
}

type FlowContext = Pick<AppContext, 'secrets' | 'now' | 'config'>

const purpose = 'login-flow'
/** A token longer than this was not made here: nothing is decrypted. Characters. */
const maxTokenLength = 16_384

/** @returns the flow as a URL-safe text that only this institution can read or make */
export function sealFlow(context: FlowContext, flow: Omit<LoginFlow, 'issuedAt'>): string {
  const json = JSON.stringify({ ...flow, issuedAt: context.now().getTime() })
  return seal(context.secrets.get('login-flow'), deflateRawSync(json), purpose)
}

/**
 * @throws {IdpError} LOGIN_FLOW_INVALID not made here; LOGIN_FLOW_EXPIRED older than LOGIN_FLOW_SECONDS
 */
export function openFlow(context: FlowContext, token: unknown): LoginFlow {
  if (typeof token !== 'string' || token === '' || token.length > maxTokenLength) {
    throw new IdpError('LOGIN_FLOW_INVALID', 'flow parameter is missing or too long')
  }
  let flow: LoginFlow
  try {
    const packed = open(context.secrets.get('login-flow'), token, purpose)
    flow = JSON.parse(inflateRawSync(packed).toString('utf8'))
  } catch (error) {
    if (error instanceof SealError) {
      throw new IdpError('LOGIN_FLOW_INVALID', 'flow parameter was not made by this server', {
        cause: error,
      })
    }
    throw error
  }
  const ageMs = context.now().getTime() - flow.issuedAt
  if (ageMs > context.config.loginFlowSeconds * 1000) {
    throw new IdpError(
      'LOGIN_FLOW_EXPIRED',
      `sign-in was asked for ${Math.round(ageMs / 1000)} s ago`,
    )
  }
  return flow
}

/**
 * A flow that came back to where a protocol goes on.
 *
 * @param resume the path that goes on: a flow sealed for another is refused
 * @throws {IdpError} as openFlow; LOGIN_FLOW_INVALID also for a flow of another path or without a service
 */
export function openServiceFlow(
  context: FlowContext,
  token: unknown,
  resume: string,
): LoginFlow & Required<Pick<LoginFlow, 'service'>> {
  const flow = openFlow(context, token)
  const { service } = flow
  if (flow.resume !== resume || !service) {
    throw new IdpError('LOGIN_FLOW_INVALID', `the flow belongs to ${flow.resume}`)
  }
  return { ...flow, service }
}

/** The sign-in page for a flow. */
export function loginUrl(token: string): string {
  return `/login?flow=${token}`
}

/** Where the flow goes on after the sign-in. */
export function resumeUrl(flow: Pick<LoginFlow, 'resume'>, token: string): string {
  return `${flow.resume}?flow=${token}`
}
