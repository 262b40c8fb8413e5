import { setTimeout as delay } from 'node:timers/promises'
import { Router } from 'express'
import type { Visit } from '../account/signed-in.ts'
import type { AppContext } from '../context.ts'
import { type ErrorCode, IdpError } from '../errors.ts'
import { promoteKey } from '../key-rotation/promotion.ts'
import { rehearse } from '../key-rotation/rehearsal.ts'
import { retireKey, stageKey } from '../keys/key-life.ts'
import { type KeyRecord, listKeys } from '../keys/key-records.ts'
import { keyNotices, viewOfKey, viewOfRehearsal } from './key-view.ts'
import { adminAction, adminPage } from './require-admin.ts'
import { showAdminPage } from './show-page.ts'

const page = '/admin/keys'

/** What the page says after something was done; texts are `admin.keys.done.…`. */
const outcomes = ['staged', 'promoted', 'retired', 'checked', 'checking'] as const
type Outcome = (typeof outcomes)[number]

/** Services that do not answer take long; no browser and no proxy waits for all of them. */
const patienceMs = 20_000

/** Refusals that the page explains beside the key; texts are `admin.keys.refused.…`. */
const refusals: readonly ErrorCode[] = [
  'KEY_PROMOTION_TOO_EARLY',
  'KEY_PROMOTION_BREAKS',
  'KEY_CERTIFICATE_NOT_VALID',
  'KEY_STATE_WRONG',
  'KEY_CHANGED_MEANWHILE',
  'KEY_STILL_NEEDED',
  'KEY_UNKNOWN',
  'KEY_SIGNER_UNAVAILABLE',
]

/**
 * Signing keys: states, dates, who would accept the next one; publishing, promoting and retiring
 * them. What goes past a refusal is left to the command line.
 */
export function keyRoutes(context: AppContext): Router {
  const router = Router()

  router.get(
    page,
    adminPage(context, async (visit) => {
      await show(visit, {
        done: outcomes.find((outcome) => outcome === visit.req.query.done),
      })
    }),
  )

  router.post(
    `${page}/stage`,
    action(async (by, { use }) => {
      if (use !== 'saml' && use !== 'oidc') {
        throw new IdpError('BAD_REQUEST', `use is "${String(use)}", expected saml or oidc`)
      }
      await stageKey(context, { use, by })
      return 'staged'
    }),
  )
  router.post(
    `${page}/check`,
    action(async (_by, { kid }) => {
      const asking = rehearse(context, kidOf(kid), { live: true })
      asking.catch((error) => context.log.warn({ err: error }, 'services could not all be asked'))
      const isLate = delay(patienceMs, 'checking' as const, { ref: false })
      return Promise.race([asking.then(() => 'checked' as const), isLate])
    }),
  )
  router.post(
    `${page}/promote`,
    action(async (by, { kid }) => {
      await promoteKey(context, kidOf(kid), { by })
      return 'promoted'
    }),
  )
  router.post(
    `${page}/retire`,
    action(async (by, { kid }) => {
      await retireKey(context, kidOf(kid), { by })
      return 'retired'
    }),
  )

  return router

  function action(act: (by: string, fields: Record<string, unknown>) => Promise<Outcome>) {
    return adminAction(context, page, async (visit) => {
      const { req, res, account } = visit
      const fields: Record<string, unknown> = req.body ?? {}
      let done: Outcome
      try {
        done = await act(account.username, fields)
      } catch (error) {
        const isExpected = error instanceof IdpError && refusals.includes(error.code)
        if (!isExpected) throw error
        context.log.info({ code: error.code, by: account.username }, error.message)
        const refused = { code: error.code, kid: fields.kid }
        return show(visit, { refused }, error.status)
      }
      res.redirect(303, `${page}?done=${done}`)
    })
  }

  async function show(
    visit: Visit,
    said: { done?: Outcome; refused?: { code: ErrorCode; kid: unknown } },
    status = 200,
  ): Promise<void> {
    const { language } = visit
    const keys = await listKeys()
    const shown = keys.filter(({ state }) => state !== 'retired')
    showAdminPage(
      visit,
      'keys',
      {
        tab: 'keys',
        ...said,
        notices: keyNotices(context, keys, language),
        rotationDays: context.config.oidcKeyRotationDays,
        keys: await Promise.all(shown.map((key) => viewWithRehearsal(key, visit))),
        ended: keys
          .filter(({ state }) => state === 'retired')
          .map((key) => viewOfKey(key, language)),
        canStage: {
          saml: !isStaged(shown, 'saml'),
          oidc: !isStaged(shown, 'oidc'),
        },
      },
      status,
    )
  }

  async function viewWithRehearsal(key: KeyRecord, { language }: Visit) {
    const view = viewOfKey(key, language)
    if (key.state !== 'staged' || key.use === 'saml-encryption') return view
    return { ...view, rehearsal: viewOfRehearsal(await rehearse(context, key.kid), language) }
  }
}

function isStaged(keys: readonly KeyRecord[], use: KeyRecord['use']): boolean {
  return keys.some((key) => key.use === use && key.state === 'staged')
}

/** A kid from a form. */
function kidOf(value: unknown): string {
  if (typeof value === 'string' && /^[\w-]{20,64}$/.test(value)) return value
  throw new IdpError('BAD_REQUEST', 'kid is missing or no key id')
}
