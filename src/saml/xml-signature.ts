import { hash, randomBytes } from 'node:crypto'
import {
  type SignatureAlgorithm,
  type SigningKey,
  signatureAlgorithm,
} from '../keys/signing-key.ts'
import { algorithms, namespaces } from './uris.ts'

/** A message in exclusive-canonical form, cut where its enveloped ds:Signature belongs. */
export interface UnsignedXml {
  /** Up to and including `</saml:Issuer>` (messages) or the root's start tag (metadata). */
  readonly before: string
  readonly after: string
  /** What is digested, where `before` declares more prefixes than canonicalization keeps. */
  readonly canonical?: string
  /** Value of the root's ID attribute: no character in it needs escaping. */
  readonly id: string
}

/** What signs a message, and says so in it. */
export type MessageKey = Pick<SigningKey, 'type' | 'certificate' | 'sign'>

const signatureMethods: Readonly<Record<SignatureAlgorithm, string>> = {
  RS256: algorithms.rsaSha256,
  ES256: algorithms.ecdsaSha256,
}

/** The URI of the algorithm this key signs with (XML Signature 6.4). */
export function signatureMethodOf(key: Pick<SigningKey, 'type'>): string {
  return signatureMethods[signatureAlgorithm(key)]
}

const writeSignedInfoHead = (method: string) =>
  `<ds:CanonicalizationMethod Algorithm="${algorithms.exclusiveC14n}"></ds:CanonicalizationMethod>` +
  `<ds:SignatureMethod Algorithm="${method}"></ds:SignatureMethod><ds:Reference URI="#`
const signedInfoHeads = {
  RS256: writeSignedInfoHead(signatureMethods.RS256),
  ES256: writeSignedInfoHead(signatureMethods.ES256),
}
const signedInfoMiddle =
  `"><ds:Transforms><ds:Transform Algorithm="${algorithms.envelopedSignature}"></ds:Transform>` +
  `<ds:Transform Algorithm="${algorithms.exclusiveC14n}"></ds:Transform></ds:Transforms>` +
  `<ds:DigestMethod Algorithm="${algorithms.sha256}"></ds:DigestMethod><ds:DigestValue>`
const signedInfoTail = '</ds:DigestValue></ds:Reference></ds:SignedInfo>'
const signatureStart = `<ds:Signature xmlns:ds="${namespaces.ds}">`

/**
 * Puts an enveloped signature (RSA-SHA256 or ECDSA-SHA256, as the key is) into a message: one Reference to the root's ID, exclusive
 * canonicalization, our certificate in KeyInfo (a hint: services take the key from metadata).
 *
 * The message must be in exclusive-canonical form already, or come with it; nothing here
 * canonicalizes, and a message in another form would not verify. SAML Core 5.4, XML Signature 4.
 */
export async function signEnveloped(xml: UnsignedXml, key: MessageKey): Promise<string> {
  const digest = hash('sha256', xml.canonical ?? xml.before + xml.after, 'base64')
  const signedInfo = `${signedInfoHeads[signatureAlgorithm(key)]}${xml.id}${signedInfoMiddle}${digest}${signedInfoTail}`
  // Canonicalized alone, SignedInfo is where the prefix ds is first used, so it is declared there;
  // inside the document its parent has declared it already.
  const canonical = `<ds:SignedInfo xmlns:ds="${namespaces.ds}">${signedInfo}`
  const value = (await key.sign(Buffer.from(canonical))).toString('base64')
  return `${xml.before}${signatureStart}<ds:SignedInfo>${signedInfo}<ds:SignatureValue>${value}</ds:SignatureValue>${keyInfo(key)}</ds:Signature>${xml.after}`
}

/** ds:KeyInfo with the key's certificate; empty for a key without one. The prefix ds must be in scope. */
export function keyInfo(key: Pick<SigningKey, 'certificate'>): string {
  if (!key.certificate) return ''
  return `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${key.certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
}

/** A source of random bytes: tests give their own. */
export type RandomSource = (size: number) => Buffer

/** Bytes drawn at once: a call into the generator costs more than writing the ID. Never used for keys. */
const poolBytes = 4096
let pool = Buffer.alloc(0)

function pooledRandom(size: number): Buffer {
  if (pool.length < size) pool = randomBytes(poolBytes)
  const bytes = pool.subarray(0, size)
  pool = pool.subarray(size)
  return bytes
}

/** An xs:ID with 160 random bits (Core 1.3.4 asks for 128 to 160); the underscore because xs:ID takes no leading digit. */
export function newMessageId(random: RandomSource = pooledRandom): string {
  return `_${random(20).toString('hex')}`
}
