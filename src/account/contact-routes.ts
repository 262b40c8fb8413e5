import { Router } from 'express'
import { requestOrigin } from '../audit/request-origin.ts'
import { readCode } from '../codes/one-time-code.ts'
import type { AppContext } from '../context.ts'
import { openLimiter } from '../limits/limiter.ts'
import { maskContact } from '../messages/mask.ts'
import { athensDate } from '../people/person.ts'
import { formatDate } from '../web/date-time.ts'
import { formText } from '../web/form-text.ts'
import type { PageText } from '../web/page-text.ts'
import { createReference } from '../web/reference.ts'
import { changeContact } from './contact-change.ts'
import {
  channelOf,
  checkContactCode,
  findPendingContacts,
  forgetPendingContact,
  sendContactCode,
} from './contact-code.ts'
import { givable, readContacts, recordedElsewhere } from './contact-input.ts'
import { type ContactKind, consentField, contactKinds } from './contact-model.ts'
import { tellOfChange } from './contact-notices.ts'
import { recentlySignedIn, showAccountPage, type Visit } from './signed-in.ts'

const pagePath = '/account/contact'
const codePath = `${pagePath}/code`
/** How long a change is news. */
const newsMs = 10 * 60_000

/** «Καταχώριση στοιχείων»: the mobile and the personal mail address that recover the password. */
export function contactRoutes(context: AppContext): Router {
  const router = Router()
  const limiter = openLimiter(context)

  router.get(
    pagePath,
    recentlySignedIn(context, (visit) => showContacts(visit)),
  )

  router.post(
    pagePath,
    recentlySignedIn(context, async (visit) => {
      const { req, res, account } = visit
      const { values, wanted, errors } = readContacts(context, req.body ?? {}, account)
      if (Object.keys(errors).length > 0) return showContacts(visit, { values, errors }, 422)
      const reference = createReference()
      const late: Record<string, PageText> = {}
      let longest = 0
      for (const contact of wanted) {
        const sending = await sendContactCode(context, limiter, visit, contact, reference)
        if (sending.outcome === 'sent') continue
        longest = Math.max(longest, sending.minutes)
        late[contact.kind] = throttledText(sending.minutes)
      }
      // What was sent can be confirmed; the other waits for its turn.
      if (Object.keys(late).length < wanted.length) return res.redirect(303, codePath)
      res.set('Retry-After', String(longest * 60))
      await showContacts(visit, { values, errors: late }, 429)
    }),
  )

  router.get(
    codePath,
    recentlySignedIn(context, (visit) => showCodes(visit)),
  )

  router.post(
    codePath,
    recentlySignedIn(
      context,
      async (visit) => {
        const { req, res, session, language } = visit
        const kind = await kindOf(visit)
        if (!kind) return res.redirect(303, pagePath)
        const code = readCode(req.body?.code)
        if (code === undefined) {
          const isMissing = formText(req.body?.code) === ''
          const key = `account.contact.error.${isMissing ? 'codeMissing' : 'codeFormat'}`
          return showCodes(visit, { kind, error: { key } }, 422)
        }
        const check = await checkContactCode(context, limiter, session, { kind, code })
        switch (check.outcome) {
          case 'wrong': {
            const values = { count: check.triesLeft }
            const more = [{ key: 'account.contact.error.tries', values }]
            const error = { key: 'account.contact.error.codeWrong', more }
            return showCodes(visit, { kind, error }, 422)
          }
          case 'throttled':
            res.set('Retry-After', String(check.minutes * 60))
            return showCodes(visit, { kind, error: throttledText(check.minutes) }, 429)
          case 'expired':
          case 'used-up': {
            const name = check.outcome === 'expired' ? 'codeExpired' : 'codeUsedUp'
            return showCodes(visit, { kind, error: { key: `account.contact.error.${name}` } }, 410)
          }
          case 'none':
            return res.redirect(303, pagePath)
          case 'right': {
            const { reference, value } = check.pending
            const changed = await changeContact(context, session, {
              kind,
              to: value,
              reference,
              language,
            })
            finish(visit, kind, changed)
            const others = await findPendingContacts(context, session)
            res.redirect(303, `${others.length > 0 ? codePath : pagePath}?set=${kind}`)
          }
        }
      },
      { page: codePath },
    ),
  )

  router.post(
    `${codePath}/new`,
    recentlySignedIn(
      context,
      async (visit) => {
        const { res, session } = visit
        const kind = await kindOf(visit)
        const pendings = await findPendingContacts(context, session)
        const pending = pendings.find((one) => one.kind === kind)
        if (!pending) return res.redirect(303, pagePath)
        const { reference } = pending
        const sending = await sendContactCode(context, limiter, visit, pending, reference)
        if (sending.outcome === 'sent') return res.redirect(303, `${codePath}?new=${kind}`)
        res.set('Retry-After', String(sending.minutes * 60))
        const error = throttledText(sending.minutes)
        await showCodes(visit, { kind: pending.kind, error }, 429)
      },
      { page: codePath },
    ),
  )

  router.post(
    `${codePath}/cancel`,
    recentlySignedIn(
      context,
      async (visit) => {
        const kind = readKind(visit.req.body?.kind)
        if (kind) await forgetPendingContact(visit.session, kind)
        visit.res.redirect(303, pagePath)
      },
      { page: pagePath },
    ),
  )

  router.get(
    `${pagePath}/remove/:kind`,
    recentlySignedIn(context, (visit) => {
      const { req, res, account } = visit
      const kind = readKind(req.params.kind)
      const contact = kind && account[kind]
      if (!kind || contact === undefined) return res.redirect(303, pagePath)
      const isLast = contactKinds.every((other) => other === kind || account[other] === undefined)
      showAccountPage(visit, 'contact/remove', { tab: 'contact', kind, contact, isLast })
    }),
  )

  router.post(
    `${pagePath}/remove/:kind`,
    recentlySignedIn(
      context,
      async (visit) => {
        const { req, res, session, language } = visit
        const kind = readKind(req.params.kind)
        if (!kind) return res.redirect(303, pagePath)
        const reference = createReference()
        finish(visit, kind, await changeContact(context, session, { kind, reference, language }))
        res.redirect(303, `${pagePath}?removed=${kind}`)
      },
      { page: pagePath },
    ),
  )

  return router

  /** Tells whom it concerns. Who was signed out meanwhile learns it at the page that comes next. */
  function finish(
    { req, session }: Visit,
    kind: ContactKind,
    changed: Awaited<ReturnType<typeof changeContact>>,
  ): void {
    if (changed.outcome !== 'done') return
    const { change, before } = changed
    context.audit.record({
      event: change.to === undefined ? 'contact.removed' : 'contact.set',
      result: 'success',
      personId: before._id,
      username: before.username,
      sessionId: session.id,
      ...requestOrigin(req),
      details: { kind, reference: change.reference, isFirst: change.from === undefined },
    })
    tellOfChange(context, changed)
  }

  async function showContacts(
    visit: Visit,
    data: { values?: object; errors?: Record<string, PageText> } = {},
    status = 200,
  ): Promise<void> {
    const { req, account, person, session, language } = visit
    const contacts = contactKinds.flatMap((kind) => {
      const value = account[kind]
      if (value === undefined) return []
      const consentAt = account[consentField[kind]]
      return [{ kind, value, since: consentAt && formatDate(athensDate(consentAt), language) }]
    })
    const pendings = await findPendingContacts(context, session)
    showAccountPage(
      visit,
      'contact/contact',
      {
        tab: 'contact',
        contacts,
        givable: givable(context),
        recorded: recordedElsewhere(context, person, account),
        isPending: pendings.length > 0,
        set: isNews(visit, req.query.set) ? req.query.set : undefined,
        removed: contactKinds.find(
          (kind) => kind === req.query.removed && account[kind] === undefined,
        ),
        ...data,
      },
      status,
    )
  }

  async function showCodes(
    visit: Visit,
    problem?: { kind: ContactKind; error: PageText },
    status = 200,
  ): Promise<void> {
    const { req, res, session } = visit
    const pendings = await findPendingContacts(context, session)
    if (pendings.length === 0) return res.redirect(303, pagePath)
    const ids = pendings.flatMap(({ code }) => code.messageIds)
    const states = await context.messages.deliveries(ids)
    showAccountPage(
      visit,
      'contact/code',
      {
        tab: 'contact',
        reference: pendings[0]?.reference,
        errors: problem ? { [`code-${problem.kind}`]: problem.error } : {},
        targets: pendings.map(({ kind, value, code }) => ({
          kind,
          channel: channelOf[kind],
          masked: maskContact(value),
          delivery: states.get(code.messageIds[0] ?? '') ?? 'waiting',
        })),
        resent: contactKinds.find((kind) => kind === req.query.new),
        set: isNews(visit, req.query.set) ? req.query.set : undefined,
      },
      status,
    )
  }

  /** Which contact the form is about; with one alone it goes without saying. */
  async function kindOf({ req, session }: Visit): Promise<ContactKind | undefined> {
    const asked = readKind(req.body?.kind)
    if (asked) return asked
    const pendings = await findPendingContacts(context, session)
    return pendings.length === 1 ? pendings[0]?.kind : undefined
  }

  /** Anybody can write the address; the page says only what has just happened. */
  function isNews({ account }: Visit, value: unknown): boolean {
    const kind = readKind(value)
    const setAt = kind && account[consentField[kind]]
    return setAt !== undefined && context.now().getTime() - setAt.getTime() < newsMs
  }
}

function readKind(value: unknown): ContactKind | undefined {
  return contactKinds.find((kind) => kind === value)
}

function throttledText(minutes: number): PageText {
  return { key: 'account.contact.error.throttled', values: { count: minutes } }
}
