import { hash, randomBytes, sign } from 'node:crypto'
import type { SigningKey } from '../keys/signing-key.ts'
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

const signedInfoHead =
  `<ds:CanonicalizationMethod Algorithm="${algorithms.exclusiveC14n}"></ds:CanonicalizationMethod>` +
  `<ds:SignatureMethod Algorithm="${algorithms.rsaSha256}"></ds:SignatureMethod><ds:Reference URI="#`
const signedInfoMiddle =
  `"><ds:Transforms><ds:Transform Algorithm="${algorithms.envelopedSignature}"></ds:Transform>` +
  `<ds:Transform Algorithm="${algorithms.exclusiveC14n}"></ds:Transform></ds:Transforms>` +
  `<ds:DigestMethod Algorithm="${algorithms.sha256}"></ds:DigestMethod><ds:DigestValue>`
const signedInfoTail = '</ds:DigestValue></ds:Reference></ds:SignedInfo>'
const signatureStart = `<ds:Signature xmlns:ds="${namespaces.ds}">`

/**
 * Puts an enveloped RSA-SHA256 signature into a message: one Reference to the root's ID, exclusive
 * canonicalization, our certificate in KeyInfo (a hint: services take the key from metadata).
 *
 * The message must be in exclusive-canonical form already, or come with it; nothing here
 * canonicalizes, and a message in another form would not verify. SAML Core 5.4, XML Signature 4.
 *
 * Signing is synchronous: the thread pool costs more CPU per signature and a message needs two
 * that depend on each other.
 */
export function signEnveloped(xml: UnsignedXml, key: SigningKey): string {
  const digest = hash('sha256', xml.canonical ?? xml.before + xml.after, 'base64')
  const signedInfo = `${signedInfoHead}${xml.id}${signedInfoMiddle}${digest}${signedInfoTail}`
  // Canonicalized alone, SignedInfo is where the prefix ds is first used, so it is declared there;
  // inside the document its parent has declared it already.
  const canonical = `<ds:SignedInfo xmlns:ds="${namespaces.ds}">${signedInfo}`
  const value = sign('sha256', Buffer.from(canonical), key.privateKey).toString('base64')
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
