import express, { type Router } from 'express'
import { renderPage } from './render.ts'
import { webParts } from './web-parts.ts'

const infoTopics = {
  privacy: 'privacyStatementUrl',
  terms: 'termsUrl',
  accessibility: 'accessibilityUrl',
} as const

/** Pages with short general texts, and stand-ins for what the helpdesk does by hand. */
export function pagesRoutes(): Router {
  const router = express.Router()
  for (const [topic, field] of Object.entries(infoTopics)) {
    router.get(`/info/${topic}`, (req, res, next) => {
      const { el, en } = webParts(req).context.institution[field]
      // Only when the institution names them as its own: they would pass for its policy.
      const isOurs = [el, en].some((url) => url.startsWith(`/info/${topic}`))
      if (isOurs) renderPage(req, res, 'info/text', { topic })
      else next()
    })
  }
  // Where a service sends people after a failure (SAML metadata errorURL, REFEDS Error Handling 1.0).
  router.get('/saml/error', (req, res) => {
    renderPage(req, res, 'saml/error-url', { problem: readServiceProblem(req.query) })
  })
  // Until these have forms of their own, the helpdesk does what they are for.
  for (const [path, topic] of [
    ['/register', 'register'],
    ['/account/recover', 'recover'],
  ] as const) {
    router.get(path, (req, res) => renderPage(req, res, 'info/not-yet', { topic }))
  }
  return router
}

const serviceProblemCodes = [
  'IDENTIFICATION_FAILURE',
  'AUTHENTICATION_FAILURE',
  'AUTHORIZATION_FAILURE',
  'OTHER_ERROR',
] as const

/** Longest value that is shown; services write what they like. Characters. */
const maxShownLength = 200

/**
 * What the service wrote into the placeholders of errorURL. Untrusted: anybody can make such a
 * link, so the page shows only short texts, says whose words they are, and offers no link of theirs.
 */
function readServiceProblem(query: Record<string, unknown>) {
  const code = serviceProblemCodes.find((known) => known === query.code) ?? 'OTHER_ERROR'
  const text = (name: string) => {
    const value = query[name]
    // A service that does not know a value leaves the placeholder standing.
    if (typeof value !== 'string' || value === '' || value.startsWith('ERRORURL_')) return undefined
    return value.slice(0, maxShownLength)
  }
  const seconds = Number(text('ts'))
  return {
    code,
    at: seconds > 0 && seconds < 1e11 ? new Date(seconds * 1000).toISOString() : undefined,
    service: text('rp'),
    transaction: text('tid'),
    context: text('ctx'),
  }
}
