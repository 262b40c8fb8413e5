import { textOf } from '../xml/safe-xml.ts'
import { ns } from './metadata-uris.ts'
import type { ServiceText } from './service.ts'

/**
 * What nobody sees: controls, marks that turn the direction of text or have no width, fillers,
 * private letters. They make a name look like another.
 */
const deceptive = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u115F\u1160\u3164\uFFA0\u2800]/gu

/** Marks are piled up to run over the lines around; polytonic Greek has three on a letter. */
const piledMarks = /(\p{M}{3})\p{M}+/gu

/** Cleaning costs by length, and the bounds that follow are far below. Characters. */
const maxTextRead = 20_000

/** A service's own words made fit for a page: one line, no hidden controls, bounded. */
export function cleanText(text: string, maxLength: number): string {
  const clean = text
    .slice(0, maxTextRead)
    .toWellFormed()
    .normalize('NFC')
    // U+FEFF is white space to regular expressions, and has no width.
    .replace(/[^\S\uFEFF]+/g, ' ')
    .replace(deceptive, '')
    .replace(piledMarks, '$1')
    .trim()
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
  if (!/^https?:\/\/[^\s<>"'\\^`{|}\p{C}]+$/u.test(text) || !URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username === '' && password === ''
}

/** http is private only on the person's own machine. */
export function isLoopbackUrl(text: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(text).hostname)
}
