import { type Request, type Response, Router } from 'express'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import { disclosureOf } from '../attributes/disclosure.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { currentSession } from '../sso/current-session.ts'
import { loginUrl, resumeUrl } from '../sso/login-flow.ts'
import { endSession } from '../sso/sessions.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import { loadSubject } from '../sso/subject.ts'
import { checkCsrf } from '../web/csrf.ts'
import { languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { cspFormAction } from '../web/security-headers.ts'
import { webParts } from '../web/web-parts.ts'
import {
  type CarriedDecision,
  type ConsentQuestion,
  consentPath,
  consentUrl,
  openConsentFlow,
  sealNext,
} from './consent-flow.ts'
import { type Disclosed, describeDisclosure, discloses } from './consent-page.ts'
import { findConsent, recordDecision } from './consent-store.ts'
import { type OpenedRelease, openRelease } from './release-ref.ts'

/** A page that is still true: what it shows is what would go now. */
interface CurrentQuestion {
  readonly question: ConsentQuestion
  readonly session: SsoSession
  readonly subject: Parameters<typeof discloses>[0]
  readonly opened: OpenedRelease
  readonly disclosed: Disclosed
}

/**
 * `/consent`: what goes to a service, for the person to agree to or to know of. Everything it is
 * about is sealed in its address; what would go is worked out afresh on each request.
 */
export function consentRoutes(context: AppContext): Router {
  const router = Router()
  const environment = attributeEnvironment(context)

  router.get(consentPath, async (req, res) => {
    const current = await currentQuestion(req, res)
    if (current) await show(req, res, current)
  })

  router.post(consentPath, async (req, res) => {
    const current = await currentQuestion(req, res)
    if (!current) return
    await checkCsrf(req, res)
    const { flow, decision, remember }: Record<string, unknown> = req.body
    if (flow !== undefined && flow !== req.query.flow) {
      throw new IdpError('LOGIN_FLOW_INVALID', 'the form and its address are of different flows')
    }
    if (decision !== 'agree' && decision !== 'disagree') return show(req, res, current, true)
    const carried = await decide(req, current, decision, isTicked(remember))
    const token = sealNext(context, current.question, carried)
    res.redirect(303, resumeUrl(current.question.next, token))
  })

  return router

  /** Answers by itself, and returns nothing, when the page is not to be shown as it was asked for. */
  async function currentQuestion(
    req: Request,
    res: Response,
  ): Promise<CurrentQuestion | undefined> {
    const question = openConsentFlow(context, req.query.flow)
    const session = currentSession(context, req)
    const found = session && (await loadSubject(context, req, session))
    if (!session || !found) {
      // Disabled or locked since: the sign-in page tells why, after the right password.
      if (session) await endSession(context, req)
      res.redirect(303, loginUrl(sealNext(context, question)))
      return undefined
    }
    if (session.personId !== question.personId) {
      throw new IdpError(
        'CONSENT_PERSON_CHANGED',
        'the page was opened for another person than the one that is signed in',
        { status: 403 },
      )
    }
    const now = context.now()
    const opened = await openRelease(question.release, environment, now)
    const mode = opened && disclosureOf(opened.target, context.institution)
    if (!opened || !mode || mode === 'silent') {
      // Nothing to ask: the protocol goes on, or says what is wrong with the service.
      res.redirect(303, resumeUrl(question.next, sealNext(context, question)))
      return undefined
    }
    const subject = { ...found, now, language: languageOf(req) }
    const disclosed = discloses(subject, opened, question.release, environment)
    const attributes = disclosed.attributes.map(({ name }) => name)
    // What the page shows is what its address says; the answer to it may concern less, never more.
    const isNew = attributes.some((name) => !question.attributes.includes(name))
    const isLess = attributes.length < question.attributes.length
    if (mode !== question.mode || isNew || (isLess && req.method === 'GET')) {
      res.redirect(303, consentUrl(context, { ...question, mode, attributes }))
      return undefined
    }
    return { question, session, subject, opened, disclosed }
  }

  async function show(
    req: Request,
    res: Response,
    { question, subject, opened, disclosed }: CurrentQuestion,
    isUndecided = false,
  ): Promise<void> {
    const { standing } = (await findConsent(question.personId, question.release)) ?? {}
    const { person, language } = subject
    if (question.next.redirectsTo) cspFormAction(res, question.next.redirectsTo)
    renderPage(
      req,
      res,
      'consent/consent',
      {
        ...describeDisclosure(disclosed, opened.service, subject, {
          person,
          language: language ?? 'el',
          t: webParts(req).translations[language ?? 'el'],
          environment,
          known: standing && new Set(standing.attributes),
        }),
        mode: question.mode,
        flow: req.query.flow,
        isUndecided,
        isRemembered: isUndecided ? isTicked(req.body.remember) : true,
      },
      isUndecided ? 422 : 200,
    )
  }

  async function decide(
    req: Request,
    { question, session, disclosed }: CurrentQuestion,
    kind: 'agree' | 'disagree',
    isRemembered: boolean,
  ): Promise<CarriedDecision> {
    const { release, mode, onceSeconds } = question
    const { personId, username, id: sessionId } = session
    const attributes = disclosed.attributes.map(({ name }) => name)
    const recorded = kind === 'agree' && mode === 'inform' ? 'inform' : kind
    const version = await recordDecision(personId, release, {
      kind: recorded,
      mode,
      attributes,
      isRemembered,
      language: languageOf(req),
      at: context.now(),
      sessionId,
      onceSeconds,
    })
    context.audit.record({
      event: `consent.${recorded}`,
      result: 'success',
      personId,
      username,
      service: release.id,
      sessionId,
      ...requestOrigin(req),
      details: { protocol: release.protocol, mode, version, attributes, remembered: isRemembered },
    })
    return { kind, personId, sessionId, version }
  }
}

/** A box that is not ticked sends nothing; software may say so in words. */
function isTicked(value: unknown): boolean {
  return typeof value === 'string' && !['', '0', 'false', 'no'].includes(value)
}
