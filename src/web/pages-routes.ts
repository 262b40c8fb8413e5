import express, { type Router } from 'express'
import type { PolicyText } from '../institution.ts'
import { type Language, languageOf } from './language.ts'
import { renderPage } from './render.ts'
import { webParts } from './web-parts.ts'

/** Texts of the institution, or general ones. */
export function pagesRoutes(): Router {
  const router = express.Router()
  for (const [topic, urlField] of [
    ['privacy', 'privacyStatementUrl'],
    ['terms', 'termsUrl'],
    ['accessibility', 'accessibilityUrl'],
  ] as const) {
    router.get(`/info/${topic}`, (req, res, next) => {
      const { institution } = webParts(req).context
      const { el, en } = institution[urlField]
      // Only when the institution names them as its own: they would pass for its policy.
      const isOurs = [el, en].some((url) => url.startsWith(`/info/${topic}`))
      if (!isOurs) return next()
      const policy = topic === 'accessibility' ? undefined : institution[topic]
      if (policy === undefined) return renderPage(req, res, 'info/text', { topic })
      const { version } = policy
      renderPage(req, res, 'info/policy', {
        topic,
        version,
        sections: sectionsIn(policy, languageOf(req)),
      })
    })
  }
  // Where a service sends people after a failure (SAML metadata errorURL, REFEDS Error Handling 1.0).
  router.get('/saml/error', (req, res) => {
    renderPage(req, res, 'saml/error-url', { problem: readServiceProblem(req.query) })
  })
  return router
}

/** Paragraphs are parted by an empty line; whatever looks like markup is text. */
function sectionsIn(policy: PolicyText, language: Language) {
  return policy.sections.map(({ title, text }) => ({
    title: title[language],
    paragraphs: text[language]
      .split(/\n\s*\n/)
      .map((paragraph) => paragraph.trim())
      .filter((paragraph) => paragraph !== ''),
  }))
}

const serviceProblemCodes = [
  'IDENTIFICATION_FAILURE',
  'AUTHENTICATION_FAILURE',
  'AUTHORIZATION_FAILURE',
  'OTHER_ERROR',
] as const

/** Invisible, or turns the direction of text: what stands there would read as something else. */
const deceptive = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

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
    return value.replace(deceptive, '').slice(0, maxShownLength) || undefined
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
