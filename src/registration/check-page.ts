import type { Request, Response } from 'express'
import type { AttributeDefinition } from '../attributes/release-types.ts'
import { cleanText } from '../federation/metadata-text.ts'
import { renderPage } from '../web/render.ts'
import { describeCheck } from './check-answer.ts'
import type { RegistrationCheck } from './check-registration.ts'
import type { RegistrationFinding } from './registration-finding.ts'
import { wordsFor } from './request-words.ts'

const maxReasonLength = 500

export type Reasons = Readonly<Record<string, string>>

/** What was typed beside the requested attributes: in a form as `reason-NAME`. */
export function readReasons(
  given: Readonly<Record<string, unknown>>,
  requested: readonly AttributeDefinition[],
  prefix = '',
): Reasons {
  const reasons: Record<string, string> = {}
  for (const { name } of requested) {
    const value = given[prefix + name]
    const text = typeof value === 'string' ? cleanText(value, maxReasonLength) : ''
    if (text) reasons[name] = text
  }
  return reasons
}

/** Names of what is asked for without a reason; public facts about nobody need none. */
export function missingReasons(
  requested: readonly AttributeDefinition[],
  reasons: Reasons,
): readonly string[] {
  return requested
    .filter(({ name, sensitivity }) => sensitivity !== 'public' && !reasons[name])
    .map(({ name }) => name)
}

export function reasonFindings(missing: readonly string[]): RegistrationFinding[] {
  return missing.map((subject) => ({
    code: 'ATTRIBUTE_WITHOUT_REASON',
    severity: 'stop',
    subject,
  }))
}

/** The page with what was found, from which the text can be mended or the request sent. */
export function showCheck(
  req: Request,
  res: Response,
  check: RegistrationCheck,
  typed: { text: string; reasons: Reasons; missing?: readonly string[] },
  status = check.isGood ? 200 : 422,
): void {
  const { language, t } = wordsFor(req)
  const { text, reasons, missing = [] } = typed
  renderPage(
    req,
    res,
    'registration/check',
    { ...describeCheck(check, language, t), text, reasons, missing },
    status,
  )
}
