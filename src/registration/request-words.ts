import type { Request } from 'express'
import { type Language, languageOf } from '../web/language.ts'
import type { MessageValues, Translate } from '../web/translate.ts'
import { webParts } from '../web/web-parts.ts'
import type { MetadataSource } from './metadata-source.ts'

/** Software that names no language is answered in English. */
export function wordsFor(req: Request) {
  const isSoftware = req.is('json') || req.headers.accept === 'application/json'
  const language: Language =
    isSoftware && req.headers['accept-language'] === undefined ? 'en' : languageOf(req)
  return { language, t: forOwners(webParts(req).translations[language]) }
}

/**
 * The texts of attributes speak to the person whose data it is ("your e-mail address"). Here whoever
 * runs a service reads about others, so what has a text of its own here is told by that.
 */
function forOwners(t: Translate): Translate {
  const own = (key: string) =>
    key.startsWith('attribute.') && t.has(`registration.${key}`) ? `registration.${key}` : key
  return Object.assign((key: string, values?: MessageValues) => t(own(key), values), {
    has: (key: string) => t.has(key),
  })
}

/**
 * `metadata` (text, or client metadata as an object) or `url`; or the client metadata itself, as
 * RFC 7591 section 3.1 posts it, and what CAS services have in its place.
 */
export function sourceIn(body: Readonly<Record<string, unknown>>): MetadataSource {
  const { metadata, url, reasons: _, ...rest } = body
  if (typeof metadata === 'string') return { text: metadata }
  if (typeof url === 'string') return { url }
  const given = metadata ?? (Object.keys(rest).length > 0 ? rest : undefined)
  return given === undefined ? {} : { text: JSON.stringify(given) }
}
