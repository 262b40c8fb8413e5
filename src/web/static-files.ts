import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { Request, RequestHandler, Response } from 'express'

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
}

/** Files that others know by a fixed address: browsers, crawlers, our SAML metadata (mdui:Logo). */
const fixedAddresses: Record<string, string> = {
  '/robots.txt': 'robots.txt',
  '/favicon.ico': 'img/favicon.svg',
  '/logo.svg': 'img/logo.svg',
}

interface StaticFile {
  readonly url: string
  readonly type: string
  readonly body: Buffer
  readonly brotli?: Buffer
  readonly gzip?: Buffer
}

export interface StaticFiles {
  /** The address of a file by its name, e.g. `css/site.css`; it changes when the content does. */
  url(name: string): string
  /** One look-up by path: every other request passes here too. */
  readonly serve: RequestHandler
}

/**
 * Reads the few static files into memory, compressed once, each under an address with the hash of
 * its content: browsers keep them for a year and never ask again.
 *
 * @param extra files made at start, by name
 */
export function loadStaticFiles(publicDir: string, extra: Record<string, string>): StaticFiles {
  const contents = new Map<string, Buffer>()
  for (const entry of readdirSync(publicDir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !(extname(entry.name) in contentTypes)) continue
    const file = join(entry.parentPath, entry.name)
    contents.set(relative(publicDir, file).replaceAll('\\', '/'), readFileSync(file))
  }
  for (const [name, file] of Object.entries(fontFiles())) contents.set(name, readFileSync(file))
  for (const [name, text] of Object.entries(extra)) contents.set(name, Buffer.from(text))
  contents.set('css/site.css', joinStyleSheets(contents))

  const byName = new Map<string, StaticFile>()
  // Style sheets name other files: they come last, when those have their addresses.
  const names = [...contents.keys()].sort((a, b) => rank(a) - rank(b))
  for (const name of names) {
    let body = contents.get(name)!
    if (name.endsWith('.css')) {
      const text = body.toString('utf8').replace(/url\("\.\.\/([^"]+)"\)/g, (_, target) => {
        const file = byName.get(target)
        if (!file) throw new Error(`${name} names the file ${target}, which does not exist`)
        return `url("${file.url}")`
      })
      body = Buffer.from(text)
    }
    byName.set(name, makeFile(name, body))
  }

  const answers = new Map<string, (req: Request, res: Response) => void>()
  for (const file of byName.values()) {
    answers.set(file.url, (req, res) => send(req, res, file, 'public, max-age=31536000, immutable'))
  }
  for (const [address, name] of Object.entries(fixedAddresses)) {
    const file = byName.get(name)
    if (!file) throw new Error(`${address} needs the file ${name} in ${publicDir}`)
    answers.set(address, (req, res) => {
      // Discovery pages of other sites show the logo of our metadata.
      res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
      send(req, res, file, 'public, max-age=86400')
    })
  }
  return {
    serve(req, res, next) {
      const isRead = req.method === 'GET' || req.method === 'HEAD'
      const answer = isRead ? answers.get(req.path) : undefined
      if (answer) answer(req, res)
      else next()
    },
    url(name) {
      const file = byName.get(name)
      if (!file) throw new Error(`There is no static file ${name}`)
      return file.url
    },
  }
}

/** One style sheet of those in css/, in the order of their names: one request for all of them. */
function joinStyleSheets(contents: Map<string, Buffer>): Buffer {
  const names = [...contents.keys()].filter((name) => /^css\/\d-/.test(name)).sort()
  const joined = Buffer.concat(names.map((name) => contents.get(name)!))
  for (const name of names) contents.delete(name)
  return joined
}

function makeFile(name: string, body: Buffer): StaticFile {
  const extension = extname(name)
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 12)
  const url = `/assets/${name.slice(0, -extension.length)}.${hash}${extension}`
  const type = contentTypes[extension]!
  // Fonts and PNG are compressed already.
  const isText = extension !== '.woff2' && extension !== '.png'
  return isText
    ? { url, type, body, brotli: brotliCompressSync(body), gzip: gzipSync(body) }
    : { url, type, body }
}

function send(req: Request, res: Response, file: StaticFile, cacheControl: string) {
  res.setHeader('Content-Type', file.type)
  res.setHeader('Cache-Control', cacheControl)
  if (!file.brotli || !file.gzip) return void res.end(file.body)
  res.setHeader('Vary', 'Accept-Encoding')
  const encoding = req.acceptsEncodings('br', 'gzip')
  if (encoding === 'br' || encoding === 'gzip') res.setHeader('Content-Encoding', encoding)
  res.end(encoding === 'br' ? file.brotli : encoding === 'gzip' ? file.gzip : file.body)
}

/** Commissioner, upright, all weights: only the letters that our pages write. */
function fontFiles(): Record<string, string> {
  const stylesheet = createRequire(import.meta.url).resolve('@fontsource-variable/commissioner')
  const folder = join(dirname(stylesheet), 'files')
  return Object.fromEntries(
    ['greek', 'latin'].map((script) => [
      `fonts/commissioner-${script}.woff2`,
      join(folder, `commissioner-${script}-wght-normal.woff2`),
    ]),
  )
}

function rank(name: string): number {
  return name.endsWith('.css') ? 1 : 0
}
