import { Router } from 'express'
import { listOutbox } from '../messages/message-store.ts'
import { languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'

/** The newest; a trial has few, and a page of more helps nobody. */
const shown = 100

/**
 * `/dev/outbox`: what was sent, with texts and codes, so that a trial needs no mail server and no
 * SMS gateway. JSON for programs, a page for browsers. Never in production: texts and codes are in
 * the store only where the /dev pages are.
 */
export function outboxRoutes(): Router {
  const router = Router()
  router.get('/dev/outbox', async (req, res) => {
    const messages = await listOutbox(shown)
    res.vary('Accept')
    // JSON first: that is what a program gets which takes anything; browsers ask for html by name.
    if (req.accepts(['json', 'html']) === 'json') {
      res.setHeader('Cache-Control', 'no-store')
      res.json(
        messages.map(({ _id, createdAt, channel, to, subject, text, code }) => ({
          id: _id,
          at: createdAt,
          channel,
          to,
          subject,
          text,
          code,
        })),
      )
      return
    }
    const format = new Intl.DateTimeFormat(languageOf(req) === 'el' ? 'el-GR' : 'en-GB', {
      dateStyle: 'medium',
      timeStyle: 'medium',
    })
    renderPage(req, res, 'dev/outbox', {
      messages: messages.map((message) => ({ ...message, at: format.format(message.createdAt) })),
    })
  })
  return router
}
