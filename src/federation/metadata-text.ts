import { textOf } from '../xml/safe-xml.ts'
import { ns } from './metadata-uris.ts'
import type { ServiceText } from './service.ts'

/** Controls, and the marks that turn the direction of text: they make a name look like another. */
const deceptive = /[\p{Cc}\u200E\u200F\u061C\u202A-\u202E\u2066-\u2069\uFEFF]/gu

/** A service's own words made fit for a page: one line, no hidden controls, bounded. */
export function cleanText(text: string, maxLength: number): string {
  const clean = text.replace(/\s+/g, ' ').replace(deceptive, '').trim()
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean
}

/** Elements that differ by xml:lang, as one text; the first of a language counts. */
export function localizedText(elements: readonly Element[], maxLength: number): ServiceText {
  const text: Record<string, string> = {}
  for (const element of elements) {
    const language = languageOf(element)
    const value = cleanText(textOf(element), maxLength)
    if (language && value && text[language] === undefined) text[language] = value
  }
  return text
}

/** `el-GR` counts as `el`. Undefined when the element has no usable xml:lang. */
export function languageOf(element: Element): string | undefined {
  const tag = element.getAttributeNS(ns.xml, 'lang') ?? ''
  return /^([a-z]{2,3})(-|$)/i.exec(tag)?.[1]?.toLowerCase()
}

/** An absolute http or https address without user part; nothing else is a link we show or use. */
export function isWebUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s<>"'\\^`{|}\p{Cc}]+$/u.test(text) || !URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username === '' && password === ''
}

/** http is private only on the person's own machine. */
export function isLoopbackUrl(text: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(text).hostname)
}
