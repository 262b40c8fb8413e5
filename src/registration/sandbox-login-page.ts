import type { Request, Response } from 'express'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { cleanText } from '../federation/metadata-text.ts'
import { type RelyingParty, serviceName } from '../federation/service.ts'
import { renderPage } from '../web/render.ts'
import { cspFormAction } from '../web/security-headers.ts'
import { hostOf } from './request-reading.ts'
import { wordsFor } from './request-words.ts'
import { type ProviderError, problemDetail, problemOf } from './sandbox-problem.ts'
import { type AuthorizationOutcome, sandboxClaims } from './sandbox-provider.ts'

/** Shown with their values; of the others only whether they came. */
const plainParameters = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'claims',
  'prompt',
  'max_age',
  'code_challenge_method',
]
const otherParameters = ['state', 'nonce', 'code_challenge']
const maxValueLength = 600

export interface AuthorizationPage {
  readonly client: RelyingParty
  readonly environment: AttributeEnvironment
  readonly now: Date
  readonly received: Readonly<Record<string, unknown>>
  readonly outcome: AuthorizationOutcome
  readonly problem: ProviderError | undefined
}

/** Names of the claims that a good request leads to. */
export function claimsToGo({ client, environment, received, now }: AuthorizationPage) {
  const { scope, claims } = received
  const wanted = typeof claims === 'string' ? (JSON.parse(claims) as Record<string, object>) : {}
  return Object.keys(
    sandboxClaims(
      { client, environment },
      {
        scope: typeof scope === 'string' ? scope : '',
        claims: { ...wanted.userinfo, ...wanted.id_token },
        now,
      },
    ),
  )
}

/**
 * The page where people would sign in: what the service sent, what is wrong with that, and a button
 * that takes the answer to it.
 */
export function showAuthorization(req: Request, res: Response, page: AuthorizationPage): void {
  const { client, received, outcome, problem } = page
  const { language, t } = wordsFor(req)
  if (outcome.kind === 'post') cspFormAction(res, outcome.action)
  // What the library said of an answer that is not sent as it is.
  for (const header of ['Content-Length', 'Set-Cookie']) res.removeHeader(header)
  const key = problem && `registration.trial.event.${problemOf('authorization', problem)}`
  renderPage(
    req,
    res,
    'registration/sandbox-login',
    {
      name: serviceName(client, language),
      host: hostOf(client),
      problem: problem && {
        what: t(`${key}.what`),
        mend: t(`${key}.mend`),
        detail: cleanText(problemDetail(problem, {}), maxValueLength),
      },
      received: rowsOf(received, t('registration.trial.came')),
      released: problem ? [] : claimsToGo(page),
      hasPkce: typeof received.code_challenge === 'string',
      leave: outcome.kind === 'page' ? undefined : outcome,
    },
    problem ? 400 : 200,
  )
}

function rowsOf(received: AuthorizationPage['received'], came: string) {
  const rows: { name: string; value: string }[] = []
  for (const name of plainParameters) {
    const value = received[name]
    if (value === undefined) continue
    rows.push({ name, value: cleanText([value].flat().join(' | '), maxValueLength) })
  }
  for (const name of otherParameters) {
    if (received[name] !== undefined) rows.push({ name, value: came })
  }
  return rows
}
