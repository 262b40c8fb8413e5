import express, { type Router } from 'express'
import { renderPage } from '../web/render.ts'
import { webParts } from '../web/web-parts.ts'
import { ruleTexts } from './new-password.ts'
import { passwordRules } from './password-rules.ts'

/** What makes a password safe, with the institution's rules. */
export function passwordPagesRoutes(): Router {
  const router = express.Router()
  router.get('/info/password', (req, res) => {
    const { config, institution } = webParts(req).context
    renderPage(req, res, 'info/password', {
      rules: ruleTexts(passwordRules(institution)),
      address: `${config.baseUrl}/`,
    })
  })
  return router
}
