/**
 * Text and attribute values in the form that Exclusive XML Canonicalization gives them, so that
 * what we write is already what will be digested (xml-exc-c14n 3, Canonical XML 1.0 section 2.3).
 */

// Outside XML 1.0's Char (section 2.2): most control characters, lone surrogates, U+FFFE and U+FFFF.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters looked for
const illegalCharacter = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters looked for
const needsWork = /[&<>"\u0000-\u001F\uD800-\uDFFF\uFFFE\uFFFF]/

/**
 * Replaces what XML cannot carry, not even escaped, by U+FFFD: a damaged value is seen as damaged
 * instead of becoming another valid one.
 */
function legalXml(value: string): string {
  return value.toWellFormed().replace(illegalCharacter, '\uFFFD')
}

/** Character data: `&`, `<`, `>` and carriage return are escaped; tab and line feed stay. */
export function escapeText(value: string): string {
  if (!needsWork.test(value)) return value
  return legalXml(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#xD;')
}

/** A value for between double quotes: `>` stays, tab, line feed and carriage return are escaped. */
export function escapeAttribute(value: string): string {
  if (!needsWork.test(value)) return value
  return legalXml(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\t', '&#x9;')
    .replaceAll('\n', '&#xA;')
    .replaceAll('\r', '&#xD;')
}
