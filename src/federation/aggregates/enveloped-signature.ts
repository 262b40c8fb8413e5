import type { KeyObject } from 'node:crypto'
import { IdpError } from '../../errors.ts'
import { CanonicalWriter } from '../../xml/canonical-writer.ts'
import {
  type DigestName,
  digestMethods,
  signatureMethods,
  verifyWith,
} from '../../xml/signature-methods.ts'
import { XmlStream } from '../../xml/xml-stream.ts'
import { decodeCanonical } from '../../xml/xml-text.ts'
import { ns } from '../metadata-uris.ts'

const exclusiveC14n = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const envelopedSignature = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'

/** A signature with all that KeyInfo may carry; what it carries is not read. */
export const maxSignatureBytes = 131_072

/** What a verified SignedInfo says of the document: it is signed if its digest comes out like this. */
export interface SignedDigest {
  readonly digest: DigestName
  readonly value: Buffer
  /** InclusiveNamespaces PrefixList of the Reference's canonicalization. */
  readonly prefixList: string
}

interface SignatureParts {
  canonicalization: string
  canonicalizationPrefixes: string
  signatureMethod: string
  uri: string | undefined
  transforms: string[]
  transformPrefixes: string
  digestMethod: string
  digestValue: string
  signatureValue: string
}

/** The only elements a signature may be made of, by path; each must stand exactly once but Transform. */
const paths = [
  'Signature',
  'Signature/SignedInfo',
  'Signature/SignedInfo/CanonicalizationMethod',
  'Signature/SignedInfo/SignatureMethod',
  'Signature/SignedInfo/Reference',
  'Signature/SignedInfo/Reference/Transforms',
  'Signature/SignedInfo/Reference/Transforms/Transform',
  'Signature/SignedInfo/Reference/DigestMethod',
  'Signature/SignedInfo/Reference/DigestValue',
  'Signature/SignatureValue',
] as const
const transformPath = 'Signature/SignedInfo/Reference/Transforms/Transform'
const inclusiveNamespaces = /^Signature\/SignedInfo\/(CanonicalizationMethod|.*\/Transform)$/

/**
 * Verifies the SignedInfo of an enveloped ds:Signature over the element with this ID, by the pinned
 * keys alone: KeyInfo is passed over. Says nothing of the document yet; its digest must be compared.
 *
 * SAML Core 5.4, XML Signature 3.2: one Reference to the root, enveloped-signature and exclusive
 * canonicalization, nothing else.
 *
 * @param xml the ds:Signature with every namespace declaration that is in force there
 * @throws {IdpError} METADATA_SIGNATURE_INVALID
 */
export function verifySignedInfo(
  xml: Buffer,
  rootId: string,
  keys: readonly KeyObject[],
): SignedDigest {
  const parts = readParts(xml)
  if (parts.uri !== `#${rootId}`) {
    refuse(`its Reference is to "${shorten(parts.uri)}", expected "#${shorten(rootId)}", the root`)
  }
  const [first, second, ...more] = parts.transforms
  if (first !== envelopedSignature || second !== exclusiveC14n || more.length > 0) {
    refuse(
      `its transforms are ${parts.transforms.map(shorten).join(', ') || 'none'}, expected ${envelopedSignature} and ${exclusiveC14n}`,
    )
  }
  if (parts.canonicalization !== exclusiveC14n) {
    refuse(
      `its CanonicalizationMethod is "${shorten(parts.canonicalization)}", expected ${exclusiveC14n}`,
    )
  }
  const digest = known(digestMethods, parts.digestMethod, 'DigestMethod')
  const { keyType } = known(signatureMethods, parts.signatureMethod, 'SignatureMethod')
  const signature = base64(parts.signatureValue, 'SignatureValue')
  const value = base64(parts.digestValue, 'DigestValue')
  const data = canonicalSignedInfo(xml, parts.canonicalizationPrefixes)
  if (!keys.some((key) => verifyWith(parts.signatureMethod, data, key, signature))) {
    const kinds = keys.map((key) => key.asymmetricKeyType).join(', ')
    refuse(`it is not by the pinned key (signed with ${keyType}; pinned: ${kinds})`)
  }
  return { digest, value, prefixList: parts.transformPrefixes }
}

function readParts(xml: Buffer): SignatureParts {
  const stream = streamOf(xml)
  const parts: SignatureParts = {
    canonicalization: '',
    canonicalizationPrefixes: '',
    signatureMethod: '',
    uri: undefined,
    transforms: [],
    transformPrefixes: '',
    digestMethod: '',
    digestValue: '',
    signatureValue: '',
  }
  const open: string[] = []
  const seen = new Map<string, number>()
  for (let kind = stream.next(); kind !== 'eof'; kind = stream.next()) {
    if (kind === 'end') {
      open.pop()
      continue
    }
    const path = open.join('/')
    if (kind === 'text') {
      readText(parts, path, decodeCanonical(stream.rawText()))
      continue
    }
    const namespace = stream.scope.get(stream.name.prefix)
    const { local } = stream.name
    const at = path === '' ? local : `${path}/${local}`
    if (namespace === ns.ds && at === 'Signature/KeyInfo') {
      skipElement(stream)
      continue
    }
    const isListed = namespace === ns.ds && paths.some((one) => one === at)
    const isPrefixList =
      namespace === exclusiveC14n &&
      local === 'InclusiveNamespaces' &&
      inclusiveNamespaces.test(path)
    if (!isListed && !isPrefixList) refuse(`it holds <${shorten(local)}>, which is not expected`)
    seen.set(at, (seen.get(at) ?? 0) + 1)
    readElement(parts, at, stream)
    open.push(local)
  }
  for (const path of paths) {
    const count = seen.get(path) ?? 0
    if (count !== 1 && (path !== transformPath || count === 0)) {
      refuse(`it has ${count} <${path.split('/').at(-1)}>, expected one`)
    }
  }
  return parts
}

function readElement(parts: SignatureParts, path: string, stream: XmlStream): void {
  const algorithm = attributeOf(stream, 'Algorithm') ?? ''
  const name = path.split('/').at(-1)
  if (name === 'CanonicalizationMethod') parts.canonicalization = algorithm
  else if (name === 'SignatureMethod') parts.signatureMethod = algorithm
  else if (name === 'DigestMethod') parts.digestMethod = algorithm
  else if (name === 'Reference') parts.uri = attributeOf(stream, 'URI')
  else if (name === 'Transform') parts.transforms.push(algorithm)
  else if (name === 'InclusiveNamespaces') {
    const prefixes = attributeOf(stream, 'PrefixList') ?? ''
    if (path.startsWith('Signature/SignedInfo/Reference/')) parts.transformPrefixes = prefixes
    else parts.canonicalizationPrefixes = prefixes
  }
}

function readText(parts: SignatureParts, path: string, text: string): void {
  if (path === 'Signature/SignatureValue') parts.signatureValue += text
  else if (path === 'Signature/SignedInfo/Reference/DigestValue') parts.digestValue += text
  else if (text.trim() !== '') refuse('it holds text where none is expected')
}

function canonicalSignedInfo(xml: Buffer, prefixList: string): Buffer {
  const stream = streamOf(xml)
  const pieces: Buffer[] = []
  const writer = new CanonicalWriter(
    (piece) => pieces.push(Buffer.from(piece, 'latin1')),
    prefixList,
  )
  let isInside = false
  for (let kind = stream.next(); kind !== 'eof'; kind = stream.next()) {
    if (kind === 'start' && stream.depth === 2) isInside = stream.name.local === 'SignedInfo'
    if (isInside) writer.token(kind, stream)
    if (kind === 'end' && stream.depth === 2) isInside = false
  }
  writer.flush()
  return Buffer.concat(pieces)
}

function streamOf(xml: Buffer): XmlStream {
  let position = 0
  const read = (target: Buffer) => {
    const count = xml.copy(target, 0, position)
    position += count
    return count
  }
  return new XmlStream(read, {
    maxBytes: xml.length,
    maxTokenBytes: maxSignatureBytes,
    maxDepth: 16,
  })
}

function skipElement(stream: XmlStream): void {
  const { depth } = stream
  while (stream.next() !== 'end' || stream.depth !== depth);
}

/** The value of an attribute without prefix, decoded. */
export function attributeOf(stream: XmlStream, name: string): string | undefined {
  for (let index = 0; index < stream.attributeCount; index++) {
    const attribute = stream.attributes[index]!
    if (attribute.name.name === name) return decodeCanonical(attribute.value)
  }
  return undefined
}

function known<T>(table: Readonly<Record<string, T>>, uri: string, what: string): T {
  if (!Object.hasOwn(table, uri)) {
    refuse(`its ${what} is "${shorten(uri)}", expected one with SHA-256 or better`)
  }
  return table[uri]!
}

function base64(text: string, what: string): Buffer {
  const value = text.replace(/[ \t\r\n]+/g, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) refuse(`its ${what} is not base64`)
  return Buffer.from(value, 'base64')
}

function shorten(text: string | undefined): string {
  return (text ?? '').slice(0, 100)
}

function refuse(problem: string): never {
  throw new IdpError('METADATA_SIGNATURE_INVALID', `the metadata's signature: ${problem}`)
}
