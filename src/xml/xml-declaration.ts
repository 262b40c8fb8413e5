import { XmlError } from './xml-error.ts'

const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][\w.-]*)["'])?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](?:yes|no)["'])?[ \t\r\n]*\?>/

/**
 * The XML declaration, which may be missing (XML 1.0, 2.8).
 *
 * @param text bytes as Latin-1
 * @returns where it ends, or what is wrong with it
 * @throws {XmlError} for a document in another encoding than UTF-8
 */
export function readDeclaration(text: string, at: number): { end: number; problem?: string } {
  if (!/^<\?xml[ \t\r\n]/.test(text.slice(at, at + 6))) {
    if (/^(\xfe\xff|\xff\xfe|\0|<\0)/.test(text.slice(0, 2))) {
      throw new XmlError('it is not written in UTF-8; only UTF-8 is read')
    }
    return { end: at }
  }
  const match = declaration.exec(text.slice(at, at + 500))
  if (!match) return { end: at, problem: 'the XML declaration is not one of XML 1.0' }
  const encoding = match[1]
  if (encoding !== undefined && !/^(utf-?8|us-ascii)$/i.test(encoding)) {
    return { end: at, problem: `it says encoding="${encoding}", only UTF-8 is read` }
  }
  return { end: at + match[0].length }
}
