import { CommandError } from '../errors.ts'
import { T } from './value.ts'

/** Levels of nesting in a stored document, MongoDB's limit. */
export const maxNesting = 100
/** Bytes of a stored document, MongoDB's limit. */
export const maxDocumentBytes = 16 * 1024 * 1024

function broken(what: string): never {
  throw new CommandError('InvalidBSON', `invalid BSON: ${what}`)
}

/**
 * Checks that a document is well-formed, so that everything after may walk it without looking at
 * its own feet. UTF-8 is not checked, as MongoDB does not: bytes compare and come back as sent.
 *
 * @returns where the document ends
 * @throws {CommandError} InvalidBSON
 */
export function validateDocument(
  bytes: Buffer,
  start: number,
  limit: number,
  depthLeft: number,
): number {
  if (depthLeft <= 0) broken('nested too deeply')
  if (start + 5 > limit) broken('document is cut off')
  const size = bytes.readInt32LE(start)
  const end = start + size
  if (size < 5 || end > limit) broken(`document says ${size} bytes`)
  if (bytes[end - 1] !== 0) broken('document does not end in 0')
  const last = end - 1
  let at = start + 4
  while (at < last) {
    const type = bytes[at]!
    at = cstringEnd(bytes, at + 1, last)
    at = validateValue(type, bytes, at, last, depthLeft)
  }
  if (at !== last) broken('an element runs over the end of its document')
  return end
}

function cstringEnd(bytes: Buffer, start: number, last: number): number {
  let at = start
  while (at < last && bytes[at] !== 0) at++
  if (at >= last) broken('a name does not end')
  return at + 1
}

function validateValue(type: number, bytes: Buffer, at: number, last: number, depthLeft: number) {
  let end: number
  switch (type) {
    case T.double:
    case T.date:
    case T.timestamp:
    case T.int64:
      end = at + 8
      break
    case T.int32:
      end = at + 4
      break
    case T.decimal:
      end = at + 16
      break
    case T.objectId:
      end = at + 12
      break
    case T.null:
    case T.undefined:
    case T.minKey:
    case T.maxKey:
      end = at
      break
    case T.bool:
      end = at + 1
      if (end <= last && bytes[at]! > 1) broken('a boolean is neither 0 nor 1')
      break
    case T.string:
    case T.code:
    case T.symbol:
      end = stringEnd(bytes, at, last)
      break
    case T.object:
    case T.array:
      return validateDocument(bytes, at, last, depthLeft - 1)
    case T.binary: {
      if (at + 5 > last) broken('binary is cut off')
      const length = bytes.readInt32LE(at)
      if (length < 0) broken('binary of negative length')
      end = at + 5 + length
      break
    }
    case T.regex:
      end = cstringEnd(bytes, cstringEnd(bytes, at, last), last)
      break
    case T.dbPointer:
      end = stringEnd(bytes, at, last) + 12
      break
    case T.codeWithScope: {
      if (at + 14 > last) broken('code with scope is cut off')
      end = at + bytes.readInt32LE(at)
      if (end > last || end < at + 14) broken('code with scope has a wrong length')
      const scope = stringEnd(bytes, at + 4, end)
      if (validateDocument(bytes, scope, end, depthLeft - 1) !== end) {
        broken('code with scope has a wrong length')
      }
      break
    }
    default:
      return broken(`unknown type ${type}`)
  }
  if (end > last) broken('a value is cut off')
  return end
}

function stringEnd(bytes: Buffer, at: number, last: number): number {
  if (at + 5 > last) broken('a string is cut off')
  const length = bytes.readInt32LE(at)
  const end = at + 4 + length
  if (length < 1 || end > last || bytes[end - 1] !== 0) broken('a string has a wrong length')
  return end
}
