import type { AppContext } from '../context.ts'
import { formatMoment } from '../web/date-time.ts'
import type { Language } from '../web/language.ts'
import type { Translate } from '../web/translate.ts'
import type { RegistrationRequest } from './request-model.ts'
import { findTrial, sandboxCasServer, sandboxClient } from './sandbox-trial.ts'
import type { SandboxEvent } from './sandbox-trial-model.ts'

/** The sandbox of a client or CAS service that waits, for its request's page; else undefined. */
export async function describeTrial(
  context: Pick<AppContext, 'config' | 'secrets' | 'now'>,
  request: RegistrationRequest,
  words: { readonly language: Language; readonly t: Translate },
) {
  if (request.protocol === 'saml' || request.state !== 'waiting') return undefined
  const trial = await findTrial(request._id)
  const shared = {
    isOpen: trial !== undefined && trial.openUntil > context.now(),
    openUntil: trial && formatMoment(trial.openUntil, words.language),
    // The newest first: that is what somebody who just tried looks for.
    events: (trial?.events ?? []).toReversed().map((event) => describeEvent(event, words)),
  }
  if (request.protocol === 'cas') {
    const { serviceId: pattern } = request
    return { ...shared, casServer: sandboxCasServer(context, request), pattern }
  }
  const { redirect_uris: redirectUris, scope } = JSON.parse(request.metadata) as {
    redirect_uris?: string[]
    scope?: string
  }
  return {
    ...shared,
    ...sandboxClient(context, request),
    redirectUris,
    scope: scope ?? 'openid',
  }
}

function describeEvent(
  { at, isWrong, code, detail }: SandboxEvent,
  { language, t }: { readonly language: Language; readonly t: Translate },
) {
  const key = `registration.trial.event.${code}`
  return {
    at: formatMoment(at, language),
    isWrong,
    what: t(`${key}.what`),
    ...(isWrong && { mend: t(`${key}.mend`) }),
    detail,
  }
}
