import type { Request, Response } from 'express'
import { sendPage } from './render.ts'
import { cspFormAction } from './security-headers.ts'
import { type WebParts, webParts } from './web-parts.ts'

/** Stand where the address and the fields go while the frame is rendered; no template holds them. */
const actionMark = '@@action@@'
const fieldsMark = '@@fields@@'

interface Frame {
  readonly beforeAction: string
  readonly beforeFields: string
  readonly end: string
}

const frames = new WeakMap<WebParts, Frame>()

/**
 * Answers with the page that posts `fields` to a service (SAML Bindings 3.5.4): by script at once,
 * by a button without. In both languages, so that nothing about the person is needed.
 *
 * Every answer to a service goes this way, so the page around the form is rendered once, and the
 * whole is ASCII: Node writes a one-byte text half as fast again as one with Greek in it.
 *
 * @param post.action an address from registration data
 * @param post.fields bytes are written in base64, as SAML's messages are (Bindings 3.5.4)
 */
export function renderPostForm(
  req: Request,
  res: Response,
  post: { action: string; fields: Readonly<Record<string, string | Buffer | undefined>> },
) {
  const { beforeAction, beforeFields, end } = frameOf(webParts(req))
  cspFormAction(res, post.action)
  let inputs = ''
  for (const [name, value] of Object.entries(post.fields)) {
    if (value === undefined) continue
    // Base64 has no character to escape, and a message is too long to be searched for some in vain.
    const written = typeof value === 'string' ? toAscii(value) : value.toString('base64')
    inputs += `<input type="hidden" name="${toAscii(name)}" value="${written}">\n`
  }
  sendPage(
    res,
    `${beforeAction}${toAscii(post.action)}${beforeFields}${inputs}${end}`,
    200,
    'latin1',
  )
}

function frameOf(parts: WebParts): Frame {
  let frame = frames.get(parts)
  if (!frame) {
    const page = parts.views.render('saml/post.njk', {
      asset: parts.files.url,
      actionMark,
      fieldsMark,
    })
    const [beforeAction = '', rest = ''] = page.split(actionMark)
    const [beforeFields = '', end = ''] = rest.split(fieldsMark)
    frame = {
      beforeAction: withReferences(beforeAction),
      beforeFields: withReferences(beforeFields),
      end: withReferences(end),
    }
    frames.set(parts, frame)
  }
  return frame
}

/** Text as an attribute value in ASCII: what has a meaning in HTML or is not ASCII becomes a reference. */
function toAscii(text: string): string {
  return /[^ !#$%(-;=?-~]/.test(text) ? text.replace(/[^ !#$%(-;=?-~]/gu, reference) : text
}

/** Markup in ASCII: letters outside become references, the markup stays. */
function withReferences(markup: string): string {
  return markup.replace(/[^\n -~]/gu, reference)
}

function reference(character: string): string {
  return `&#${character.codePointAt(0)};`
}
