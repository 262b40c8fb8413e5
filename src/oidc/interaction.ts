import type { Request, Response } from 'express'
import type Provider from 'oidc-provider'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { carriedDecision, consentUrl } from '../consent/consent-flow.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { loginUrl, openFlow, openServiceFlow, sealFlow } from '../sso/login-flow.ts'
import { endSession } from '../sso/sessions.ts'
import { provenSince, useProof } from '../sso/sso-session.ts'
import { requestDisclosure } from './disclosure.ts'
import { consentRequested, loginNeed } from './interaction-policy.ts'
import { type ActiveSession, activeSession } from './session-binding.ts'

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>
type Result = Parameters<Provider['interactionFinished']>[2]

/**
 * `/oidc/interaction/:uid`: where oidc-provider sends people whom it must ask something. With the
 * right sign-in it goes back at once, else to the sign-in page, which comes back here. The consent
 * page does the same, where something would go that the person does not know of.
 *
 * Several tabs do not mix: each interaction has its own path, and its cookie is bound to that path.
 */
export async function resolveInteraction(
  context: AppContext,
  environment: AttributeEnvironment,
  provider: Provider,
  request: Request,
  response: Response,
): Promise<void> {
  const interaction = await findInteraction(provider, request, response)
  const finish = (result: Result) => provider.interactionFinished(request, response, result)

  if (interaction.prompt.name !== 'login') {
    const outcome = await resolveConsent(context, environment, interaction, request)
    if ('show' in outcome) return response.redirect(303, outcome.show)
    return finish(outcome.result)
  }

  const afterLogin = interaction.lastSubmission?.login !== undefined
  const need = loginNeed(interaction.prompt, afterLogin)
  if (need === 'impossible') return finish(refusal(interaction))

  const active = await activeSession(context, request)
  const since = need === 'fresh-login' ? freshSince(context, request) : undefined
  const isProven = active && since !== undefined && provenSince(active.session, since)
  if (active && (need === 'any-session' || isProven)) {
    if (need === 'fresh-login') useProof(active.session)
    return finish({ login: loginOf(active) })
  }
  // A session whose account may no longer sign in: gone, so that the sign-in page says why.
  if (!active && request.session?.sso) await endSession(context, request)
  response.redirect(303, loginUrl(sealFlow(context, flowOf(interaction, request.path, need))))
}

/** @returns how the interaction ends, or the address of the page to show first */
async function resolveConsent(
  context: AppContext,
  environment: AttributeEnvironment,
  { params, prompt }: Interaction,
  request: Request,
): Promise<{ readonly result: Result } | { readonly show: string }> {
  const active = await activeSession(context, request)
  // Signed out meanwhile: the login prompt asks again, and then this one.
  if (!active) return { result: {} }
  const decision = decisionOn(context, request, params.client_id, active)
  const about = await requestDisclosure(context, environment, request, active, params, decision)
  if (!about) return { result: { consent: {} } }
  const { disclosure, outcome, question } = about
  if (outcome.kind === 'refused') return { result: consentRefusal }
  // `prompt=consent` (OIDC Core 3.1.2.1) shows the question again; a notice that was read stays read.
  const isAskedAgain =
    disclosure === 'ask' && !decision && prompt.reasons.includes(consentRequested)
  if (disclosure === 'silent' || (outcome.kind === 'go' && !isAskedAgain)) {
    return { result: { consent: { ...decision } } }
  }
  const next = { resume: request.path, redirectsTo: String(params.redirect_uri) }
  return { show: consentUrl(context, { ...question, mode: disclosure, next }) }
}

/** OIDC Core 3.1.2.6. */
const consentRefusal = {
  error: 'access_denied',
  error_description: 'the End-User did not agree that data goes to this service',
}

/** What the person said at the consent page about this very interaction. */
function decisionOn(
  context: AppContext,
  request: Request,
  clientId: unknown,
  { session }: ActiveSession,
) {
  if (request.query.flow === undefined) return undefined
  const flow = openServiceFlow(context, request.query.flow, request.path)
  if (flow.service.protocol !== 'oidc' || flow.service.id !== clientId) {
    throw new IdpError('LOGIN_FLOW_INVALID', `the flow belongs to ${flow.service.id}`)
  }
  return carriedDecision(flow, session)
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
function freshSince(context: AppContext, request: Request): number | undefined {
  if (request.query.flow === undefined) return undefined
  const flow = openFlow(context, request.query.flow)
  return flow.resume === request.path ? flow.issuedAt : undefined
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
