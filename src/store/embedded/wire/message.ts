/** MongoDB wire protocol messages (OP_MSG, and OP_QUERY for the handshake of old drivers). */

import { maxNesting, validateDocument } from '../bson/validate.ts'
import { entries, T, Value } from '../bson/value.ts'
import type { BsonWriter } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'

export const maxMessageBytes = 48_000_000

const opReply = 1
const opQuery = 2004
const opMsg = 2013

const checksumPresent = 1
const moreToCome = 2
/** Bits 0-15 must be understood; the others may be ignored. */
const knownFlags = checksumPresent | moreToCome

/** Commands wrap documents: the envelope is a few levels on top of what is stored. */
const maxCommandNesting = maxNesting + 20

export interface Message {
  requestId: number
  isQuery: boolean
  /** false for fire-and-forget writes ({w: 0}). */
  wantsReply: boolean
  name: string
  database: string
  body: Value
  fields: Map<string, Value>
  /** Documents that came beside the body, such as those of an insert. */
  sequences: Map<string, Value[]>
}

/** The bytes are not a message we can answer; the connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

export interface Header {
  requestId: number
  isQuery: boolean
  wantsReply: boolean
}

/**
 * Enough of a message to answer it with an error.
 *
 * @throws {ProtocolError} for another opcode
 */
export function parseHeader(bytes: Buffer): Header {
  const requestId = bytes.readInt32LE(4)
  const opCode = bytes.readInt32LE(12)
  if (opCode !== opMsg && opCode !== opQuery) throw new ProtocolError(`opcode ${opCode}`)
  if (bytes.length < 26) throw new ProtocolError('message is too short')
  const isQuery = opCode === opQuery
  const flags = bytes.readUInt32LE(16)
  if (!isQuery && (flags & 0xffff & ~knownFlags) !== 0) {
    throw new ProtocolError(`unknown required flags ${flags}`)
  }
  return { requestId, isQuery, wantsReply: isQuery || (flags & moreToCome) === 0 }
}

/** @throws {CommandError} InvalidBSON and the like: the sender gets it as the answer */
export function parseMessage(bytes: Buffer, header: Header): Message {
  return header.isQuery ? parseQuery(bytes, header) : parseOpMsg(bytes, header)
}

function malformed(what: string): CommandError {
  return new CommandError('InvalidBSON', `malformed message: ${what}`)
}

function parseOpMsg(bytes: Buffer, header: Header): Message {
  const hasChecksum = (bytes.readUInt32LE(16) & checksumPresent) !== 0
  const end = bytes.length - (hasChecksum ? 4 : 0)
  const sequences = new Map<string, Value[]>()
  let body: Value | undefined
  let at = 20
  while (at < end) {
    const kind = bytes[at++]
    if (kind === 0) {
      if (body) throw malformed('two bodies')
      const stop = validateDocument(bytes, at, end, maxCommandNesting)
      body = new Value(T.object, bytes, at, stop)
      at = stop
    } else if (kind === 1) {
      at = parseSequence(bytes, at, end, sequences)
    } else {
      throw malformed(`section kind ${kind}`)
    }
  }
  if (!body) throw malformed('no body')
  return command(header, body, sequences)
}

function parseSequence(bytes: Buffer, start: number, end: number, into: Map<string, Value[]>) {
  if (start + 5 > end) throw malformed('a section is cut off')
  const size = bytes.readInt32LE(start)
  const stop = start + size
  if (size < 5 || stop > end) throw malformed('a section has a wrong length')
  const nameEnd = bytes.indexOf(0, start + 4)
  if (nameEnd < 0 || nameEnd >= stop) throw malformed('a section has no name')
  const documents: Value[] = []
  let at = nameEnd + 1
  while (at < stop) {
    const next = validateDocument(bytes, at, stop, maxCommandNesting)
    documents.push(new Value(T.object, bytes, at, next))
    at = next
  }
  const name = bytes.toString('utf8', start + 4, nameEnd)
  if (into.has(name)) throw malformed(`two sections named ${name}`)
  into.set(name, documents)
  return stop
}

function parseQuery(bytes: Buffer, header: Header): Message {
  const nameEnd = bytes.indexOf(0, 20)
  if (nameEnd < 0 || nameEnd + 9 > bytes.length) throw malformed('no collection name')
  const namespace = bytes.toString('utf8', 20, nameEnd)
  if (!namespace.endsWith('.$cmd')) {
    throw new CommandError('CommandNotSupported', 'OP_QUERY is answered for commands only')
  }
  const at = nameEnd + 9
  const stop = validateDocument(bytes, at, bytes.length, maxCommandNesting)
  const message = command(header, new Value(T.object, bytes, at, stop), new Map())
  return { ...message, database: namespace.slice(0, -5) }
}

function command(header: Header, body: Value, sequences: Map<string, Value[]>): Message {
  const fields = new Map(entries(body))
  const [name = ''] = fields.keys()
  const db = fields.get('$db')
  if (!header.isQuery && db?.type !== T.string) {
    throw new CommandError('FailedToParse', 'OP_MSG requests require a $db argument')
  }
  const database = db?.type === T.string ? db.bytes.toString('utf8', db.start + 4, db.end - 1) : ''
  return { ...header, name, database, body, fields, sequences }
}

/** Leaves room for what comes before the document of the answer. */
export function startReply(writer: BsonWriter, isQuery: boolean): number {
  writer.at = 0
  const headerBytes = isQuery ? 36 : 21
  writer.reserve(headerBytes)
  writer.at = headerBytes
  return writer.open()
}

let lastResponseId = 0

/**
 * Closes the document and fills in the header.
 *
 * @throws {CommandError} BSONObjectTooLarge
 */
export function finishReply(writer: BsonWriter, document: number, header: Header): Buffer {
  writer.close(document)
  const { bytes } = writer
  if (writer.at > maxMessageBytes) {
    throw new CommandError('BSONObjectTooLarge', `an answer of ${writer.at} bytes`)
  }
  lastResponseId = (lastResponseId + 1) & 0x7fffffff
  bytes.writeInt32LE(writer.at, 0)
  bytes.writeInt32LE(lastResponseId, 4)
  bytes.writeInt32LE(header.requestId, 8)
  bytes.writeInt32LE(header.isQuery ? opReply : opMsg, 12)
  if (header.isQuery) {
    // responseFlags AwaitCapable, cursorID 0, startingFrom 0, numberReturned 1.
    bytes.writeInt32LE(8, 16)
    bytes.fill(0, 20, 32)
    bytes.writeInt32LE(1, 32)
  } else {
    // flagBits and section kind 0.
    bytes.fill(0, 16, 21)
  }
  return writer.finish()
}
