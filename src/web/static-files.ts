import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, brotliCompressSync, constants, gzip, gzipSync } from 'node:zlib'
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

type Answer = (req: Request, res: Response) => void

const longLived = 'public, max-age=31536000, immutable'

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
 * @param later text files that few pages need, by name; made when first asked for, and compressed
 *   beside other work
 */
export function loadStaticFiles(
  publicDir: string,
  extra: Record<string, string>,
  later: Record<string, () => string> = {},
): StaticFiles {
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

  const answers = new Map<string, Answer>()
  for (const file of byName.values()) {
    answers.set(file.url, (req, res) => send(req, res, file, longLived))
  }
  const laterNames = new Set(Object.keys(later))
  const laterUrls = new Map<string, string>()
  function makeLater(name: string) {
    laterNames.delete(name)
    const { url, answer } = makeLaterFile(name, later[name]!())
    laterUrls.set(name, url)
    answers.set(url, answer)
  }
  /** A page made by one worker may have its files asked of another, which has not made them yet. */
  function answerTo(path: string): Answer | undefined {
    const answer = answers.get(path)
    if (answer || laterNames.size === 0 || !path.startsWith('/assets/')) return answer
    const name = [...laterNames].find((candidate) => path.startsWith(`${baseUrl(candidate)}.`))
    if (name === undefined) return undefined
    makeLater(name)
    return answers.get(path)
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
      const answer = isRead ? answerTo(req.path) : undefined
      if (answer) answer(req, res)
      else next()
    },
    url(name) {
      if (laterNames.has(name)) makeLater(name)
      const url = byName.get(name)?.url ?? laterUrls.get(name)
      if (url === undefined) throw new Error(`There is no static file ${name}`)
      return url
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
  const url = hashedUrl(name, body)
  const type = contentTypes[extension]!
  // Fonts and PNG are compressed already.
  const isText = extension !== '.woff2' && extension !== '.png'
  return isText
    ? { url, type, body, brotli: brotliCompressSync(body), gzip: gzipSync(body) }
    : { url, type, body }
}

const compressBrotli = promisify(brotliCompress)
const compressGzip = promisify(gzip)

/** As small as brotli's best makes it, in half the time. */
const laterBrotli = {
  params: {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: 10,
  },
}

/** Compression begins at once, on another thread: a page that names the file is about to be sent. */
function makeLaterFile(name: string, text: string): { url: string; answer: Answer } {
  const body = Buffer.from(text)
  const url = hashedUrl(name, body)
  const type = contentTypes[extname(name)]!
  const file = Promise.all([compressBrotli(body, laterBrotli), compressGzip(body)]).then(
    ([brotli, gzip]): StaticFile => ({ url, type, body, brotli, gzip }),
    // Never seen; a large answer is better than none.
    (): StaticFile => ({ url, type, body }),
  )
  return { url, answer: (req, res) => void file.then((made) => send(req, res, made, longLived)) }
}

function hashedUrl(name: string, body: Buffer): string {
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 12)
  return `${baseUrl(name)}.${hash}${extname(name)}`
}

/** The address without hash and extension. */
function baseUrl(name: string): string {
  return `/assets/${name.slice(0, -extname(name).length)}`
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
