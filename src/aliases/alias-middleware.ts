import type { IncomingMessage } from 'node:http'
import type { NextFunction, Request, Response } from 'express'
import { type PathAliases, resolveAlias } from './path-aliases.ts'

/** The alias that each rewritten request came in at. */
const addressed = new WeakMap<IncomingMessage, string>()

/**
 * Puts our own address in the place of an alias. Comes before everything that looks at the path, and
 * leaves nothing behind that looks at the old one but `addressedUrl`.
 */
export function aliasMiddleware(aliases: PathAliases) {
  return (req: Request, _res: Response, next: NextFunction) => {
    const resolved = resolveAlias(aliases, req.url)
    if (resolved) {
      addressed.set(req, resolved.path)
      req.url = resolved.url
      req.originalUrl = resolved.url
    }
    next()
  }
}

/**
 * The URL that a message was sent to: what its Destination must say. An alias that was addressed
 * counts and no other, as SAML has it: the URL at which the message was received (Bindings 3.4.5.2).
 *
 * @param path the address of ours that answers
 */
export function addressedUrl(
  { baseUrl }: { readonly baseUrl: string },
  req: IncomingMessage,
  path: string,
): string {
  return `${baseUrl}${addressed.get(req) ?? path}`
}
