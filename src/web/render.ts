import { join } from 'node:path'
import type { Request, Response } from 'express'
import nunjucks from 'nunjucks'
import type { LocalizedText } from '../institution.ts'
import { csrfToken } from './csrf.ts'
import { languageOf, languageUrls, rememberLanguage } from './language.ts'
import { isolated, type MessageValues, type Translate } from './translate.ts'
import { webParts } from './web-parts.ts'

const root = join(import.meta.dirname, '..', '..')
export const viewsDir = join(root, 'views')
export const publicDir = join(root, 'public')

/** Pages on the way to a service, which may run in a window that the service opened. */
const popupViews = /^(login|saml|oidc|consent|error)\//

/** Templates stay compiled for the life of the process; everything they print is escaped. */
export function createViews(): nunjucks.Environment {
  const loader = new nunjucks.FileSystemLoader(viewsDir, { watch: false, noCache: false })
  return new nunjucks.Environment(loader, {
    autoescape: true,
    trimBlocks: true,
    lstripBlocks: true,
  })
}

/**
 * Answers with a page, never cached.
 *
 * Views see: `t(key, values)`; `tMarkup(key, values)`, the same for a sentence with markup inside,
 * whose values are escaped unless they are markup that a macro built; `local(text)` for {el, en};
 * `language`, `languageUrls`, `institution`, `csrfToken()`, `user` ({username}, when signed in),
 * `path`, `asset(name)`, `devPages`, and `data`'s own fields.
 *
 * @param view path under views/ without `.njk`
 */
export function renderPage(
  req: Request,
  res: Response,
  view: string,
  data: object = {},
  status = 200,
) {
  const parts = webParts(req)
  const { institution, config } = parts.context
  const language = languageOf(req)
  const t = parts.translations[language]
  const sso = req.session?.sso
  const html = parts.views.render(`${view}.njk`, {
    t,
    tMarkup: (key: string, values: MessageValues) => translateMarkup(t, key, values),
    local: (text: LocalizedText | string) => (typeof text === 'string' ? text : text[language]),
    language,
    languageUrls: languageUrls(req),
    institution,
    asset: parts.files.url,
    csrfToken: () => csrfToken(req, res),
    user: sso && { username: sso.username },
    path: req.path,
    devPages: config.devPages,
    hasTheme: institution.colours !== undefined,
    ...data,
  })
  rememberLanguage(req, res)
  if (!popupViews.test(view)) res.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  res.setHeader('Content-Language', language)
  res.setHeader('Vary', 'Cookie, Accept-Language')
  sendPage(res, html, status)
}

/** @param encoding `latin1` for a page that is known to be ASCII */
export function sendPage(
  res: Response,
  html: string,
  status: number,
  encoding: 'utf8' | 'latin1' = 'utf8',
) {
  res.statusCode = status
  res.setHeader('Content-Type', 'text/html; charset=utf-8')
  res.setHeader('Cache-Control', 'no-store')
  // Not res.send: it would hash the page for an ETag that no-store makes useless.
  res.end(html, encoding)
}

const { SafeString } = nunjucks.runtime
const { escape: escapeMarkup } = nunjucks.lib as unknown as { escape(text: string): string }

function translateMarkup(t: Translate, key: string, values: Record<string, unknown> = {}) {
  const escaped = Object.entries(values).map(([name, value]) => [
    name,
    value instanceof SafeString ? String(value) : escapeMarkup(isolated(String(value))),
  ])
  // The sentence is ours and has no markup of its own, but may hold & or <.
  const sentence = t(
    key,
    Object.fromEntries(Object.keys(values).map((name) => [name, `{${name}}`])),
  )
  const known = new Map<string, string>(escaped as [string, string][])
  return new SafeString(
    escapeMarkup(sentence).replace(
      /\{(\w+)\}/g,
      (placeholder, name) => known.get(name) ?? placeholder,
    ),
  )
}
