import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import {
  attributesOf,
  type ConsentRecord,
  type Decision,
  inForce,
  type ServiceRef,
} from '../consent/consent.ts'
import { listConsents } from '../consent/consent-store.ts'
import { withdrawConsent } from '../consent/withdraw.ts'
import type { AppContext } from '../context.ts'
import { describeService } from '../federation/describe-service.ts'
import { formatMoment } from '../web/date-time.ts'
import { showAccountPage, signedIn, type Visit } from './signed-in.ts'

const page = '/account/consents'

/** What the page says after a withdrawal; texts are `account.consents.done.…`. */
const outcomes = ['withdrawn', 'gone'] as const

/** What the person allowed services to have, or was told of; each to be taken back. */
export function consentRoutes(context: AppContext): Router {
  const router = Router()

  router.get(
    page,
    signedIn(context, async (visit) => {
      const records = await listConsents(visit.session.personId)
      showAccountPage(visit, 'consents/consents', {
        tab: 'services',
        done: outcomes.find((outcome) => outcome === visit.req.query.done),
        consents: await Promise.all(
          records.map((record) => describe(visit, record, context.now())),
        ),
      })
    }),
  )

  router.post(
    `${page}/withdraw`,
    signedIn(
      context,
      async ({ req, res, session, language }) => {
        const service = serviceIn(req.body)
        const isDone =
          service !== undefined &&
          (await withdrawConsent(context, {
            personId: session.personId,
            username: session.username,
            service,
            language,
            origin: { sessionId: session.id, ...requestOrigin(req) },
            by: 'owner',
          }))
        res.redirect(303, `${page}?done=${isDone ? 'withdrawn' : 'gone'}`)
      },
      { page },
    ),
  )

  return router
}

async function describe({ language, t }: Visit, record: ConsentRecord, now: Date) {
  const { protocol, id, standing, decisions } = record
  const { name, host } = await describeService({ protocol, id }, language)
  const agreements = inForce(record, now)
  const newest = standing ?? agreements.at(-1)
  const labels = (names: readonly string[]) => [
    ...new Set(names.map((attribute) => t(`attribute.${attribute}`))),
  ]
  return {
    protocol,
    id,
    name,
    host,
    now: newest && {
      mode: newest.mode,
      isRemembered: standing !== undefined,
      at: formatMoment(newest.at, language),
      version: newest.version,
      attributes: labels(attributesOf(agreements)),
    },
    decisions: decisions
      .map((decision) => ({
        kind: kindOf(decision),
        at: formatMoment(decision.at, language),
        version: decision.version,
        attributes: labels(decision.attributes),
      }))
      .reverse(),
  }
}

/** Names the text; what a decision meant depends on the page that it was taken on. */
function kindOf({ kind, mode, isRemembered }: Decision) {
  if (kind === 'agree' && !isRemembered) return 'agreeOnce'
  return kind === 'disagree' && mode === 'inform' ? 'leave' : kind
}

function serviceIn(body: Record<string, unknown>): ServiceRef | undefined {
  const { protocol, id } = body
  const isKnown = protocol === 'saml' || protocol === 'oidc' || protocol === 'cas'
  return isKnown && typeof id === 'string' ? { protocol, id } : undefined
}
