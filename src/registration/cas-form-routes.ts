import { type Request, type Response, Router } from 'express'
import type { Limiter } from '../limits/limiter.ts'
import { checkCsrf } from '../web/csrf.ts'
import { renderPage } from '../web/render.ts'
import { showCheck } from './check-page.ts'
import { type CheckContext, checkRegistration } from './check-registration.ts'
import { networkLimit, takeOrRefuse } from './registration-limits.ts'
import { wordsFor } from './request-words.ts'
import { readForm } from './submission.ts'

export const casFormPath = '/federation/register/cas'

/** What most services ask for; whatever else there is can be written into the text that is checked. */
const offered = [
  'displayName',
  'givenName',
  'sn',
  'mail',
  'eduPersonPrincipalName',
  'eduPersonAffiliation',
  'eduPersonScopedAffiliation',
  'schacPersonalUniqueCode',
]

const maxFieldLength = 1000

/** A form in place of metadata, which CAS does not have: what is typed becomes the text that is checked. */
export function casFormRoutes(checkContext: CheckContext, limiter: Limiter): Router {
  const router = Router()

  router.get(casFormPath, (req, res) => {
    const { t } = wordsFor(req)
    renderPage(req, res, 'registration/cas', {
      offered: offered.map((name) => ({ name, label: t(`attribute.${name}`) })),
    })
  })

  router.post(casFormPath, async (req: Request, res: Response) => {
    await takeOrRefuse(limiter, [networkLimit('check', req)])
    const { fields } = await readForm(req, res)
    await checkCsrf(req, res)
    const text = JSON.stringify(metadataOf(fields), null, 2)
    const check = await checkRegistration(text, checkContext)
    showCheck(req, res, check, { text, reasons: {} })
  })

  return router
}

/** With the names that checkCasMetadata() reads; a field that was left empty is none. */
function metadataOf(fields: Readonly<Record<string, string>>): Record<string, unknown> {
  const typed = (name: string) => (fields[name] ?? '').trim().slice(0, maxFieldLength)
  const texts = {
    cas_service: typed('service'),
    'client_name#el': typed('nameEl'),
    'client_name#en': typed('nameEn'),
    client_uri: typed('start'),
    policy_uri: typed('privacy'),
    logout_uri: typed('logout'),
  }
  const contact = typed('contact')
  return {
    ...Object.fromEntries(
      Object.entries(texts).filter(([name, text]) => text !== '' || name === 'cas_service'),
    ),
    ...(contact && { contacts: [contact] }),
    attributes: offered.filter((name) => fields[`attribute-${name}`] !== undefined),
  }
}
