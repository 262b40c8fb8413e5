import type { Request, Response } from 'express'
import { loginParameters } from '../cas/login-request.ts'
import { cleanText } from '../federation/metadata-text.ts'
import { serviceName } from '../federation/service.ts'
import { renderPage } from '../web/render.ts'
import { cspFormAction } from '../web/security-headers.ts'
import { hostOf } from './request-reading.ts'
import { wordsFor } from './request-words.ts'
import { type CasTrial, sandboxFacts } from './sandbox-cas.ts'
import type { AuthorizationOutcome } from './sandbox-provider.ts'

const maxValueLength = 600

export interface CasLoginPage {
  readonly trial: CasTrial
  /** As they came; foreign text. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly service?: string
  /** Names the text `registration.trial.event.<code>`. */
  readonly problem?: string
  /** Technical, in English, partly the service's own words. */
  readonly detail?: string
  /** How the ticket gets to the service; absent where nothing may be sent. */
  readonly leave?: AuthorizationOutcome
  readonly isLogout?: boolean
}

/** The page where people would sign in, or be signed out, of a CAS service's sandbox. */
export function showCasLogin(req: Request, res: Response, page: CasLoginPage): void {
  const { trial, parameters, problem, detail = '', leave, isLogout = false } = page
  const { language, t } = wordsFor(req)
  const { user, attributes } = sandboxFacts(trial)
  // It holds a ticket.
  res.setHeader('Cache-Control', 'no-store')
  if (leave?.kind === 'post') cspFormAction(res, leave.action)
  const key = problem && `registration.trial.event.${problem}`
  renderPage(
    req,
    res,
    'registration/sandbox-login',
    {
      isCas: true,
      isLogout,
      name: serviceName(trial.service, language),
      host: hostOf(trial.service),
      problem: problem && {
        what: t(`${key}.what`),
        mend: t(`${key}.mend`),
        detail: cleanText(detail, maxValueLength),
      },
      received: loginParameters.flatMap((name) => {
        const value = parameters[name]
        return value === undefined
          ? []
          : [{ name, value: cleanText([value].flat().join(' | '), maxValueLength) }]
      }),
      released: problem || isLogout ? [] : attributes.map(({ definition }) => definition.name),
      casUser: problem || isLogout ? undefined : user,
      leave,
    },
    problem ? 400 : 200,
  )
}
