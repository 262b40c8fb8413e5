import { type Request, type Response, Router } from 'express'
import { sendNotice } from '../account/notices.ts'
import { setPassword } from '../account/set-password.ts'
import { requestOrigin } from '../audit/request-origin.ts'
import type { AppContext } from '../context.ts'
import type { ErrorCode } from '../errors.ts'
import { acceptedVersions } from '../institution.ts'
import { type Limit, openLimiter } from '../limits/limiter.ts'
import { networkOf } from '../limits/network.ts'
import { hashingTurns } from '../login/hashing-turns.ts'
import { rememberDevice } from '../login/known-device.ts'
import { passwordMethod } from '../login/login-routes.ts'
import { hashPassword } from '../login/password.ts'
import { withoutScope } from '../login/sign-in.ts'
import { passwordPage, readNewPassword } from '../passwords/new-password.ts'
import { passwordOwner } from '../passwords/password-owner.ts'
import { type PasswordPolicy, passwordRules } from '../passwords/password-rules.ts'
import type { AcceptedTerms, Account } from '../people/account.ts'
import { recordAcceptedTerms } from '../people/activation.ts'
import { findAccount, normalizeUsername } from '../people/people-store.ts'
import type { Person } from '../people/person.ts'
import {
  type ChosenPassword,
  type Redemption,
  redeemRecoveryCode,
} from '../people/recovery-code.ts'
import { startSession } from '../sso/sessions.ts'
import { requireLoginCsrf } from '../web/csrf.ts'
import { formText } from '../web/form-text.ts'
import { languageOf } from '../web/language.ts'
import type { PageText } from '../web/page-text.ts'
import { createReference } from '../web/reference.ts'
import { renderPage } from '../web/render.ts'
import { countPaper } from './funnel.ts'

const windowMs = 15 * 60_000
/** Wrong tries in a window. */
const triesPerUsername = 10
const triesPerNetwork = 50

type Errors = Record<string, PageText>

/** The way in with a one-time passphrase, for people whose contacts no source holds, or who kept none. */
export function codeRoutes(context: AppContext): Router {
  const router = Router()
  const limiter = openLimiter(context)
  const policyOf = (account: { username: string }, person?: Person): PasswordPolicy => ({
    rules: passwordRules(context.institution),
    owner: passwordOwner(context, person, account),
  })

  router.get('/register/code', (req, res) => show(req, res, {}))

  router.post('/register/code', requireLoginCsrf, async (req, res) => {
    const reference = createReference()
    res.locals.reference = reference
    const username = normalizeUsername(
      withoutScope(formText(req.body.username), context.config.scope),
    )
    const passphrase = formText(req.body.passphrase)

    // Nobody has proved anything yet: the password is held against the username as typed, no more.
    const errors = { ...findMissing(req), ...passwordErrors(req, policyOf({ username })) }
    if (Object.keys(errors).length > 0) return show(req, res, { errors, reference }, 422)

    const limits = limitsOf(req, username)
    const minutes = await limiter.takeAll(limits)
    if (minutes > 0) {
      record(req, { reason: 'throttled', reference })
      res.set('Retry-After', String(minutes * 60))
      const wait = { key: 'login.error.throttled', values: { count: minutes } }
      return show(req, res, { errors: { username: wait }, reference }, 429)
    }

    let personal: Errors = {}
    const choose = async (
      account: Account,
      person: Person,
    ): Promise<ChosenPassword | undefined> => {
      const password = readNewPassword(req.body, policyOf(account, person))
      if ('errors' in password) {
        personal = password.errors
        return undefined
      }
      return {
        passwordHash: await hashingTurns.take(() => hashPassword(password.password)),
        acceptedTerms: acceptedTerms(),
        reference,
      }
    }
    const result = await redeemRecoveryCode(context, username, passphrase, choose)
    const { account, outcome } = result
    // Only wrong ones count: a room full of first-year students with papers is one network.
    if (outcome !== 'refused') await Promise.all(limits.map((limit) => limiter.giveBack(limit)))
    switch (outcome) {
      case 'refused': {
        // Nobody's try costs one write too.
        if (!result.tookTry)
          await limiter.take({ name: 'code-nobody', subject: '', max: 1, windowMs })
        record(req, { reason: result.reason, account, reference })
        const refused = { key: 'activation.code.refused' }
        return show(req, res, { errors: { username: refused }, reference }, 401)
      }
      case 'not-chosen':
        return show(req, res, { errors: personal, reference }, 422)
      case 'renewable':
        return renew(req, res, result, reference)
      case 'already-active':
        record(req, { reason: 'ACTIVATION_ALREADY_ACTIVE', account, reference })
        return stop(req, res, 'ACTIVATION_ALREADY_ACTIVE', { reference, username }, 409)
      case 'stopped':
        record(req, { reason: 'ACTIVATION_ACCOUNT_STOPPED', account, reference })
        return stop(req, res, 'ACTIVATION_ACCOUNT_STOPPED', { reference, username }, 403)
      case 'done': {
        const session = await startSession(context, req, result.account, passwordMethod)
        rememberDevice(context, res, result.account)
        record(req, { account, reference, sessionId: session.id })
        await countPaper(result.person, context.now())
        res.redirect(303, '/register/done')
        context.academicIds.wake()
      }
    }
  })

  return router

  /** A new password for an account that has one: the helpdesk gave its owner the passphrase. */
  async function renew(
    req: Request,
    res: Response,
    proven: Extract<Redemption, { outcome: 'renewable' }>,
    reference: string,
  ): Promise<void> {
    const { account, person, recoveryCodeHmac } = proven
    const { username } = account
    const chosen = readNewPassword(req.body, policyOf(account, person))
    if ('errors' in chosen) return show(req, res, { errors: chosen.errors, reference }, 422)
    const outcome = await setPassword(context, account, chosen.password, {
      way: 'passphrase',
      reference,
      recoveryCodeHmac,
      origin: requestOrigin(req),
    })
    switch (outcome) {
      case 'used-before': {
        const errors = { password: { key: 'account.recover.error.usedBefore' } }
        return show(req, res, { errors, reference }, 422)
      }
      case 'changed-meanwhile':
        record(req, { reason: 'ACCOUNT_PASSWORD_CHANGED_MEANWHILE', account, reference })
        return stop(req, res, 'ACCOUNT_PASSWORD_CHANGED_MEANWHILE', { reference, username }, 409)
      case 'not-allowed':
        record(req, { reason: 'ACTIVATION_ACCOUNT_STOPPED', account, reference })
        return stop(req, res, 'ACTIVATION_ACCOUNT_STOPPED', { reference, username }, 403)
      case 'done': {
        await recordAcceptedTerms(account._id, acceptedTerms())
        // As it is now: the sign-ins that count begin with this change.
        const current = (await findAccount(account._id)) as Account
        const session = await startSession(context, req, current, passwordMethod)
        rememberDevice(context, res, current)
        record(req, { account, reference, sessionId: session.id, isRenewal: true })
        const language = languageOf(req)
        sendNotice(context, current, { kind: 'password-recovered', reference, language })
        res.redirect(303, '/account/recover/done')
      }
    }
  }

  function acceptedTerms(): AcceptedTerms {
    return { ...acceptedVersions(context.institution), acceptedAt: context.now() }
  }

  /** The network first: one that is stopped does not use up somebody's tries. */
  function limitsOf(req: Request, username: string): Limit[] {
    const network = networkOf(req.ip ?? 'unknown')
    return [
      { name: 'code-network', subject: network, max: triesPerNetwork, windowMs },
      { name: 'code-username', subject: username, max: triesPerUsername, windowMs },
    ]
  }

  function show(
    req: Request,
    res: Response,
    page: { errors?: Errors; reference?: string },
    status = 200,
  ) {
    const { errors = {}, reference } = page
    const values = {
      username: formText(req.body?.username),
      // Sixteen letters off a paper are not typed twice because a password was too short.
      passphrase: formText(req.body?.passphrase),
      terms: formText(req.body?.terms),
    }
    const policy = policyOf({ username: '' })
    const data = { errors, values, reference, passwordPage: passwordPage(policy) }
    renderPage(req, res, 'activation/code', data, status)
  }

  function stop(
    req: Request,
    res: Response,
    code: ErrorCode,
    page: { reference: string; username: string },
    status: number,
  ) {
    renderPage(req, res, 'activation/stopped', { code, errors: {}, values: {}, ...page }, status)
  }

  /** A username that nobody has is not written down: it may be a passphrase in the wrong field. */
  function record(
    req: Request,
    facts: {
      reference: string
      reason?: string
      account?: Account
      sessionId?: string
      isRenewal?: boolean
    },
  ): void {
    const { reference, reason, account, sessionId, isRenewal } = facts
    const done = isRenewal ? 'recovery.done' : 'activation.done'
    context.audit.record({
      event: reason === undefined ? done : 'activation.code',
      result: reason === undefined ? 'success' : 'failure',
      ...(reason === undefined ? {} : { reason }),
      ...(account ? { personId: account._id, username: account.username } : {}),
      ...(sessionId === undefined ? {} : { sessionId }),
      ...requestOrigin(req),
      details: { way: 'passphrase', reference },
    })
  }
}

function findMissing(req: Request): Errors {
  return {
    ...(formText(req.body.username) === ''
      ? { username: { key: 'activation.code.usernameMissing' } }
      : {}),
    ...(formText(req.body.passphrase) === ''
      ? { passphrase: { key: 'activation.code.passphraseMissing' } }
      : {}),
    ...(req.body.terms === 'yes' ? {} : { terms: { key: 'activation.terms.missing' } }),
  }
}

function passwordErrors(req: Request, policy: PasswordPolicy): Errors {
  const password = readNewPassword(req.body, policy)
  return 'errors' in password ? password.errors : {}
}
