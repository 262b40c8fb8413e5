import type { Request, Response } from 'express'
import type Provider from 'oidc-provider'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { loginUrl, openFlow, sealFlow } from '../sso/login-flow.ts'
import { endSession } from '../sso/sessions.ts'
import { loginNeed } from './interaction-policy.ts'
import { type ActiveSession, activeSession } from './session-binding.ts'

type InteractionContext = Pick<AppContext, 'config' | 'now' | 'secrets' | 'audit'>
type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/**
 * `/oidc/interaction/:uid`: where oidc-provider sends people whom it must ask something. With the
 * right sign-in it goes back at once, else to the sign-in page, which comes back here.
 *
 * Several tabs do not mix: each interaction has its own path, and its cookie is bound to that path.
 */
export async function resolveInteraction(
  context: InteractionContext,
  provider: Provider,
  request: Request,
  response: Response,
): Promise<void> {
  const interaction = await findInteraction(provider, request, response)
  const finish = (result: Parameters<Provider['interactionFinished']>[2]) =>
    provider.interactionFinished(request, response, result)

  if (interaction.prompt.name !== 'login') return finish({ consent: {} })

  const afterLogin = interaction.lastSubmission?.login !== undefined
  const need = loginNeed(interaction.prompt, afterLogin)
  if (need === 'impossible') return finish(refusal(interaction))

  const active = await activeSession(context, request)
  const since = need === 'fresh-login' ? freshSince(context, request) : undefined
  if (active && (need === 'any-session' || provenSince(active, since))) {
    return finish({ login: loginOf(active) })
  }
  // A session whose account may no longer sign in: gone, so that the sign-in page says why.
  if (!active && request.session?.sso) await endSession(context, request)
  response.redirect(303, loginUrl(sealFlow(context, flowOf(interaction, request.path, need))))
}

async function findInteraction(
  provider: Provider,
  request: Request,
  response: Response,
): Promise<Interaction> {
  let interaction: Interaction
  try {
    interaction = await provider.interactionDetails(request, response)
  } catch (cause) {
    if ((cause as Error).name !== 'SessionNotFound') throw cause
    throw new IdpError('LOGIN_FLOW_EXPIRED', 'the interaction is over or not of this browser', {
      cause,
    })
  }
  if (interaction.uid !== request.params.uid) {
    throw new IdpError('LOGIN_FLOW_INVALID', 'the interaction cookie is of another interaction')
  }
  return interaction
}

/** OIDC Core 3.1.2.6, and the error that the Unmet Authentication Requirements draft added. */
function refusal(interaction: Interaction) {
  const isAcr = interaction.prompt.reasons.some((reason) => reason.startsWith('essential_acr'))
  return isAcr
    ? {
        error: 'unmet_authentication_requirements',
        error_description: 'none of the requested acr values can be reached',
      }
    : { error: 'login_required', error_description: 'another End-User is signed in' }
}

/** When this interaction asked for the new sign-in; undefined before it did. Milliseconds. */
function freshSince(context: InteractionContext, request: Request): number | undefined {
  if (request.query.flow === undefined) return undefined
  const flow = openFlow(context, request.query.flow)
  return flow.resume === request.path ? flow.issuedAt : undefined
}

function provenSince({ session }: ActiveSession, sinceMs: number | undefined): boolean {
  return sinceMs !== undefined && session.authnInstant >= sinceMs
}

function loginOf({ session }: ActiveSession) {
  return {
    accountId: session.personId,
    acr: session.acr,
    amr: [...session.amr],
    ts: Math.floor(session.authnInstant / 1000),
    remember: false,
  }
}

function flowOf(interaction: Interaction, path: string, need: 'any-session' | 'fresh-login') {
  const { client_id: clientId, login_hint: hint, redirect_uri: redirectUri } = interaction.params
  return {
    resume: path,
    service: { protocol: 'oidc' as const, id: String(clientId) },
    redirectsTo: String(redirectUri),
    forceAuthn: need === 'fresh-login',
    // A mail-like hint names the account by its left part.
    ...(typeof hint === 'string' && /^[\w.@-]{1,100}$/.test(hint)
      ? { username: hint.split('@')[0] }
      : {}),
  }
}
