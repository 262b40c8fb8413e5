import { unescapeHtml } from '../../support/html.ts'
/** A form of a page, as far as a browser without script needs it. */
export interface HtmlForm {
  readonly method: 'get' | 'post'
  /** Absolute. */
  readonly action: string
  readonly fields: ReadonlyMap<string, string>
}

/** The forms of a page that we or Apache's modules wrote; not a reader for any HTML. */
export function formsOf(html: string, pageUrl: string): HtmlForm[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(
    ([, head = '', body = '']) => {
      const attributes = attributesOf(head)
      const fields = new Map<string, string>()
      for (const [, tag = ''] of body.matchAll(/<input\b([^>]*)>/gi)) {
        const { name, value = '', type = 'text' } = attributesOf(tag)
        if (name !== undefined && type !== 'submit') fields.set(name, value)
      }
      return {
        method: attributes.method?.toLowerCase() === 'post' ? 'post' : 'get',
        action: new URL(attributes.action || pageUrl, pageUrl).href,
        fields,
      }
    },
  )
}

function attributesOf(tag: string): Record<string, string | undefined> {
  const attributes: Record<string, string> = {}
  for (const [, name = '', double, single, bare] of tag.matchAll(
    /([^\s"'=<>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g,
  )) {
    attributes[name.toLowerCase()] = unescapeHtml(double ?? single ?? bare ?? '')
  }
  return attributes
}
