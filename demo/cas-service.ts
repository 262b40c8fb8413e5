import type { Express, Request } from 'express'
import {
  createServiceApp,
  html,
  languageOf,
  panel,
  type Row,
  type ServiceFace,
  ServiceSessions,
  sendFrontPage,
  sendPage,
  sendProblem,
} from './service-page.ts'
import { texts } from './service-texts.ts'

export const courses: ServiceFace = {
  key: 'courses',
  name: { el: 'Μαθήματα (δοκιμαστική)', en: 'Courses (demo)' },
  description: {
    el: 'Σημειώσεις, εργασίες και ανακοινώσεις μαθημάτων. Μια φανταστική υπηρεσία που συνδέεται με CAS.',
    en: 'Lecture notes, assignments and announcements. An imaginary service that signs in over CAS.',
  },
  icon: 'M3 5h18v12H3zM8 21h8M12 17v4M7 9h7M7 13h10',
}

/** What a validated ticket told the service. */
interface Received {
  readonly ticket: string
  readonly user: string
  readonly attributes: readonly Row[]
}

/** What /p3/serviceValidate answers in JSON (CAS Protocol 2.5, appendix). */
interface ServiceResponse {
  readonly serviceResponse: {
    readonly authenticationSuccess?: {
      readonly user: string
      readonly attributes?: Readonly<Record<string, unknown>>
    }
    readonly authenticationFailure?: { readonly code: string; readonly description: string }
  }
}

/** The registration of the demo's courses. */
export function coursesMetadata(url: string): Record<string, unknown> {
  return {
    cas_service: url,
    'client_name#el': courses.name.el,
    'client_name#en': courses.name.en,
    'client_description#el': courses.description.el,
    'client_description#en': courses.description.en,
    client_uri: `${url}/`,
    logout_uri: `${url}/signed-out-elsewhere`,
    attributes: ['displayName', 'mail', 'eduPersonAffiliation', 'schacPersonalUniqueCode'],
  }
}

/** The demo's CAS service. The protocol is small enough to be written out: no library stands between. */
export function createCasService(options: {
  /** Our own address, without a trailing slash. */
  url: string
  /** The identity provider's. */
  baseUrl: string
}): Express {
  const { url, baseUrl } = options
  const app = createServiceApp([new URL(baseUrl).origin])
  const sessions = new ServiceSessions<Received>('demo-courses')
  const callback = `${url}/callback`

  app.get('/', (req, res) => {
    const received = sessions.find(req)
    if (!received) return sendFrontPage(req, res, courses)
    const language = languageOf(req)
    const name = received.attributes.find((row) => row.name === 'displayName')?.values[0]
    sendPage(req, res, courses, {
      title: texts.attributes[language],
      body: html`<h1>${texts.welcome[language].replace('{name}', name ?? received.user)}</h1>
        <p class="lead">${texts.received[language]}</p>
        <div class="actions">
          <a class="button second" href="/login?again=1">${texts.again[language]}</a>
          <form method="post" action="/logout"><button class="button">${texts.signOut[language]}</button></form>
        </div>
        <h2>${texts.attributes[language]}</h2>
        ${panel([{ name: 'cas:user', values: [received.user] }, ...received.attributes], language)}`,
    })
  })

  app.get('/login', (req, res) => {
    const query = new URLSearchParams({ service: callback })
    if (req.query.again === '1') query.set('renew', 'true')
    res.redirect(303, `${baseUrl}/cas/login?${query}`)
  })

  app.get('/callback', async (req, res) => {
    try {
      sessions.start(req, res, await validate(req))
      res.redirect(303, '/')
    } catch (error) {
      sendProblem(req, res, courses, error)
    }
  })

  app.post('/logout', (req, res) => {
    sessions.end(req, res)
    const query = new URLSearchParams({ service: `${url}/signed-out` })
    res.redirect(303, `${baseUrl}/cas/logout?${query}`)
  })

  // Single logout: the sign-in that began with this ticket is over (CAS Protocol 2.3.3). Whoever
  // knows the ticket is the identity provider, or the person.
  app.post('/signed-out-elsewhere', (req, res) => {
    const message = String(req.body?.logoutRequest ?? '')
    const [, ticket] = /<samlp:SessionIndex>([^<]+)</.exec(message) ?? []
    if (ticket) sessions.endAll((received) => received.ticket === ticket)
    res.status(ticket ? 200 : 400).end()
  })

  app.get('/signed-out', (req, res) => {
    const language = languageOf(req)
    sendFrontPage(req, res, courses, html`<p class="lead">${texts.signedOut[language]}</p>`)
  })

  return app

  async function validate(req: Request): Promise<Received> {
    const ticket = String(req.query.ticket ?? '')
    const query = new URLSearchParams({ service: callback, ticket, format: 'JSON' })
    const answer = await fetch(`${baseUrl}/cas/p3/serviceValidate?${query}`)
    const { serviceResponse } = (await answer.json()) as ServiceResponse
    const { authenticationSuccess: success, authenticationFailure: failure } = serviceResponse
    if (!success) throw new Error(`${failure?.code}: ${failure?.description}`)
    return {
      ticket,
      user: success.user,
      attributes: Object.entries(success.attributes ?? {}).map(([name, value]) => ({
        name,
        values: [value].flat().map(String),
      })),
    }
  }
}
