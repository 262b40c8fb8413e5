import express, { type Request, type Response, Router } from 'express'
import { addressedUrl } from '../aliases/alias-middleware.ts'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import { mayIdentify } from '../attributes/identifier.ts'
import { samlReleaseTarget } from '../attributes/targets.ts'
import { carriedDecision, consentUrl } from '../consent/consent-flow.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { findServiceProvider } from '../federation/service-store.ts'
import { loginUrl, openServiceFlow, resumeUrl, sealFlow } from '../sso/login-flow.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import { chooseAssertionConsumerService } from './assertion-consumer-service.ts'
import { logoutRoutes } from './logout-routes.ts'
import { mdqRoutes } from './mdq/mdq-routes.ts'
import { checkRelayState } from './message-limits.ts'
import { endpointPaths } from './metadata.ts'
import { metadataCache } from './metadata-cache.ts'
import { readPostRequest } from './post-binding.ts'
import { type ReceivedMessage, rawQuery, readRedirectRequest } from './redirect-binding.ts'
import type { RequestBinding } from './request-intake.ts'
import { approvedServiceProvider } from './service-lookup.ts'
import { acceptAuthnRequest, planSignOn, planUnsolicitedSignOn, type SignOn } from './sign-on.ts'
import {
  type AnswerOutcome,
  answerFromSession,
  answerWithStatus,
  auditRefusal,
  type Pending,
} from './sign-on-answer.ts'
import { SamlStatusError } from './status-response.ts'

const resumePath = '/saml/sso/resume'

/** Our metadata needs no session, so this part comes before the session is read. */
export function samlMetadataRoutes(context: AppContext): Router {
  const router = Router()
  const currentMetadata = metadataCache(context)
  router.get('/saml/metadata', async (req, res) => {
    const { xml, etag } = await currentMetadata()
    res.set({
      ETag: etag,
      'Cache-Control': 'public, max-age=3600',
      'Content-Type': 'application/samlmetadata+xml',
    })
    if (req.fresh) res.status(304).end()
    else res.end(xml)
  })
  router.use(mdqRoutes(context, currentMetadata))
  return router
}

/** Single sign-on and single logout (SAML Profiles 4.1 and 4.4). */
export function samlRoutes(context: AppContext): Router {
  const router = Router()
  const environment = attributeEnvironment(context)
  // No CSRF token: the form comes from the service, and what it may do is in the message.
  const parseForm = express.urlencoded({ extended: false, limit: '128kb', parameterLimit: 20 })

  router.get(endpointPaths.singleSignOn, (req, res) =>
    receive(req, res, 'HTTP-Redirect', () => readRedirectRequest(rawQuery(req.originalUrl))),
  )
  router.post(endpointPaths.singleSignOn, parseForm, (req, res) =>
    receive(req, res, 'HTTP-POST', () => readPostRequest(req.body ?? {})),
  )

  router.get(resumePath, async (req, res) => {
    const flow = openServiceFlow(context, req.query.flow, resumePath)
    const signOn = flow.state as SignOn
    const sp = await approvedServiceProvider(findServiceProvider, flow.service.id, context.now())
    // The metadata may have changed while the person typed.
    chooseAssertionConsumerService(sp, { assertionConsumerServiceUrl: signOn.destination })
    const pending = {
      sp,
      signOn,
      issuedAt: signOn.askedAt ?? flow.issuedAt,
      decision: (session: SsoSession) => carriedDecision(flow, session),
    }
    await answer(req, res, pending, String(req.query.flow))
  })

  router.get('/saml/unsolicited', async (req, res) => {
    const providerId = textOf(req.query.providerId)
    if (!providerId) throw new IdpError('BAD_REQUEST', 'providerId is missing')
    const target = textOf(req.query.target)
    checkRelayState(target)
    const now = context.now()
    const sp = await approvedServiceProvider(findServiceProvider, providerId, now)
    const signOn = planUnsolicitedSignOn(sp, target, textOf(req.query.shire), mayTell(sp))
    await answer(req, res, { sp, signOn, issuedAt: now.getTime() })
  })

  router.use(logoutRoutes(context, parseForm))
  return router

  async function receive(
    req: Request,
    res: Response,
    binding: RequestBinding,
    read: () => ReceivedMessage,
  ): Promise<void> {
    const now = context.now()
    let message: ReceivedMessage
    let accepted: Awaited<ReturnType<typeof acceptAuthnRequest>>
    try {
      message = read()
      accepted = await acceptAuthnRequest(message, {
        binding,
        find: findServiceProvider,
        destination: addressedUrl(context.config, req, endpointPaths.singleSignOn),
        now,
        clockSkewMs: context.config.clockSkewSeconds * 1000,
        decryptionKeys: context.keys.decrypting(),
      })
    } catch (error) {
      auditRefusal(context, req, error)
      throw error
    }
    const { sp, request, assertionConsumerService } = accepted
    let signOn: SignOn
    try {
      signOn = planSignOn(accepted, message.relayState, mayTell(sp))
    } catch (error) {
      if (!(error instanceof SamlStatusError)) throw error
      const to = {
        destination: assertionConsumerService.location,
        requestId: request.id,
        relayState: message.relayState,
      }
      return answerWithStatus(context, environment, req, res, error, { sp, signOn: to })
    }
    const pending = { sp, signOn, issuedAt: now.getTime() }
    if (binding === 'HTTP-POST' && !req.session?.sso) {
      // A form from another site comes without our SameSite=Lax cookie. As a GET the browser sends
      // it, so a session that exists is found.
      const token = seal(pending)
      return res.redirect(303, resumeUrl({ resume: resumePath }, token))
    }
    await answer(req, res, pending)
  }

  /** @param token the sealed flow, when there is one already */
  async function answer(
    req: Request,
    res: Response,
    pending: Pending,
    token?: string,
  ): Promise<void> {
    let outcome: AnswerOutcome
    try {
      outcome = await answerFromSession(context, environment, req, res, pending)
    } catch (error) {
      if (!(error instanceof SamlStatusError)) throw error
      return answerWithStatus(context, environment, req, res, error, pending)
    }
    if (outcome.kind === 'sign-in') res.redirect(303, loginUrl(token ?? seal(pending)))
    if (outcome.kind === 'consent') {
      const { question } = outcome
      const state: SignOn = { ...pending.signOn, askedAt: pending.issuedAt }
      const next = { ...nextStep(pending.signOn), state }
      res.redirect(303, consentUrl(context, { ...question, next }))
    }
  }

  /** Presets hold whatever the NameID's format is. */
  function mayTell(sp: ServiceProvider) {
    return (name: string) => mayIdentify(name, samlReleaseTarget(sp, environment))
  }

  function seal({ sp, signOn }: Pending): string {
    return sealFlow(context, {
      ...nextStep(signOn),
      service: { protocol: 'saml', id: sp.entityId },
    })
  }
}

function nextStep(signOn: SignOn) {
  return { resume: resumePath, state: signOn, forceAuthn: signOn.forceAuthn }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
