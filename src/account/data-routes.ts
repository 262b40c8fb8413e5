import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { type Limit, openLimiter } from '../limits/limiter.ts'
import { athensDate } from '../people/person.ts'
import { formatMoment } from '../web/date-time.ts'
import { webParts } from '../web/web-parts.ts'
import type { DeletionRequest } from './deletion-request-model.ts'
import {
  deletionRequestsOf,
  openDeletionRequest,
  withdrawDeletionRequest,
} from './deletion-requests.ts'
import { writeExport } from './export.ts'
import { type ExportParts, exportParts } from './export-parts.ts'
import { sendNotice } from './notices.ts'
import { isRecent, recentlySignedIn, showAccountPage, signedIn, type Visit } from './signed-in.ts'

const page = '/account/data'
const hourMs = 3_600_000

/** An export reads everything there is about a person. */
const exportLimit = (subject: string): Limit => ({
  name: 'data-export',
  subject,
  max: 10,
  windowMs: hourMs,
})

/** Each request and each withdrawal is a mail to the helpdesk. */
const deletionLimit = (subject: string): Limit => ({
  name: 'deletion-request',
  subject,
  max: 6,
  windowMs: 24 * hourMs,
})

/** Everything held about the person as a file, and the wish that it goes. */
export function dataRoutes(context: AppContext, moreParts: ExportParts): Router {
  const router = Router()
  const limiter = openLimiter(context)

  router.get(
    page,
    signedIn(context, async (visit) => {
      const requests = await deletionRequestsOf(visit.account._id)
      const shown = requests.map((request) => describe(request, visit))
      showAccountPage(visit, 'my-data/my-data', {
        tab: 'data',
        isRecent: isRecent(context, visit.session),
        open: shown.find(({ state }) => state === 'open'),
        closed: shown.filter(({ state }) => state !== 'open'),
      })
    }),
  )

  router.get(
    `${page}/export`,
    // Back to the page after a sign-in: a download that begins by itself would leave the form there.
    recentlySignedIn(
      context,
      async (visit) => {
        const { req, res, account, person } = visit
        // A link elsewhere must not put somebody's data on their disk, nor use up their files.
        const site = req.get('sec-fetch-site') ?? 'none'
        if (site !== 'same-origin' && site !== 'none') return res.redirect(303, page)
        await takeTurn(exportLimit(account._id))
        record(visit, 'account.export')
        const date = athensDate(context.now())
        res.setHeader('Content-Type', 'application/json; charset=utf-8')
        res.setHeader('Cache-Control', 'no-store')
        res.setHeader(
          'Content-Disposition',
          `attachment; filename="${account.username}-${date}.json"`,
        )
        const source = { context, store: req.sessionStore, account, person }
        try {
          await pipeline(Readable.from(writeExport(source, { ...exportParts, ...moreParts })), res)
        } catch (error) {
          // Half a file is out: closing the connection is the only way left to say so.
          if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE')
            context.log.error({ err: error }, 'an export broke off')
        }
      },
      { page },
    ),
  )

  router.get(
    `${page}/deletion`,
    recentlySignedIn(context, async (visit) => {
      const requests = await deletionRequestsOf(visit.account._id)
      if (requests.some(({ state }) => state === 'open')) return visit.res.redirect(303, page)
      showAccountPage(visit, 'my-data/deletion', { tab: 'data' })
    }),
  )

  router.post(
    `${page}/deletion`,
    recentlySignedIn(
      context,
      async (visit) => {
        await takeTurn(deletionLimit(visit.account._id))
        const { request, isNew } = await openDeletionRequest(visit.account, context.now())
        if (isNew) {
          record(visit, 'account.deletion-request', request._id)
          tellHelpdesk(visit, 'requested', request)
          const { language, account } = visit
          sendNotice(context, account, {
            kind: 'deletion-requested',
            language,
            reference: request._id,
          })
        }
        visit.res.redirect(303, page)
      },
      { page: `${page}/deletion` },
    ),
  )

  router.post(
    `${page}/deletion/withdraw`,
    signedIn(
      context,
      async (visit) => {
        const request = await withdrawDeletionRequest(visit.account._id, context.now())
        if (request) {
          record(visit, 'account.deletion-withdraw', request._id)
          tellHelpdesk(visit, 'withdrawn', request)
        }
        visit.res.redirect(303, page)
      },
      { page },
    ),
  )

  /** @throws {IdpError} ACCOUNT_THROTTLED */
  async function takeTurn(limit: Limit): Promise<void> {
    const minutes = await limiter.take(limit)
    if (minutes === 0) return
    throw new IdpError('ACCOUNT_THROTTLED', `${limit.name}: wait ${minutes} minutes`, {
      status: 429,
    })
  }

  function record({ req, session }: Visit, event: string, reference?: string): void {
    context.audit.record({
      event,
      result: 'success',
      personId: session.personId,
      username: session.username,
      sessionId: session.id,
      ...requestOrigin(req),
      ...(reference === undefined ? {} : { details: { reference } }),
    })
  }

  /** In Greek, whatever the person reads. Nothing waits for it. */
  function tellHelpdesk(
    { req, account, person }: Visit,
    what: 'requested' | 'withdrawn',
    request: DeletionRequest,
  ): void {
    const { institution, log, messages } = context
    const t = webParts(req).translations.el
    const values = {
      username: account.username,
      name: `${person.firstName.el} ${person.lastName.el}`,
      reference: request._id,
    }
    const key = `account.data.helpdesk.${what}`
    messages
      .send({
        channel: 'email',
        to: institution.helpdesk.email,
        kind: 'account-notice',
        language: 'el',
        subject: t(`${key}.subject`, values),
        text: t(`${key}.mail`, values),
        reference: request._id,
        personId: account._id,
      })
      .catch((error) => log.error({ err: error, ...values }, 'the helpdesk was not told'))
  }

  return router
}

function describe(request: DeletionRequest, { language }: Visit) {
  const { _id, state, createdAt, closedAt } = request
  return {
    reference: _id,
    state,
    createdAt: formatMoment(createdAt, language),
    closedAt: closedAt && formatMoment(closedAt, language),
  }
}
