import type { AppContext } from '../context.ts'
import { describeService } from '../federation/describe-service.ts'
import { openFlow, resumeUrl } from '../sso/login-flow.ts'
import type { Language } from '../web/language.ts'

type FlowContext = Pick<AppContext, 'secrets' | 'now' | 'config'>

/**
 * The sign-in that a service asked for, out of an address or a form, for pages that take the person
 * somewhere else first (activation, recovery).
 *
 * @returns the token, or undefined when it is not ours or too old: such pages go on without it
 */
export function readFlow(context: FlowContext, token: unknown): string | undefined {
  if (typeof token !== 'string' || token === '') return undefined
  try {
    openFlow(context, token)
    return token
  } catch {
    return undefined
  }
}

/** Where the person was going, if that sign-in is still wanted. */
export async function wayBack(
  context: FlowContext,
  token: string | undefined,
  language: Language,
): Promise<{ url: string; serviceName?: string } | undefined> {
  if (readFlow(context, token) === undefined) return undefined
  const flow = openFlow(context, token)
  const service = flow.service && (await describeService(flow.service, language))
  return {
    url: resumeUrl(flow, token as string),
    ...(service ? { serviceName: service.name } : {}),
  }
}
