import { createDecipheriv, randomBytes } from 'node:crypto'
import type { SigningKey } from '../keys/signing-key.ts'
import { attributeOf, childElement, childElements, parseXml, textOf } from '../xml/safe-xml.ts'
import { decryptOaep, type OaepHash } from './rsa-oaep.ts'
import { algorithms, nameIdFormats, namespaces } from './uris.ts'
import { escapeAttribute } from './xml-writer.ts'

/** What our metadata says we read (saml2int SDP-ALG02 to 04), and nothing else: no CBC, no RSA 1.5. */
export const acceptedEncryptionMethods = [
  algorithms.aes256Gcm,
  algorithms.aes128Gcm,
  algorithms.rsaOaepMgf1p,
  algorithms.rsaOaep,
] as const

const contentCiphers: Readonly<
  Record<string, { name: 'aes-128-gcm' | 'aes-256-gcm'; keyBytes: number }>
> = {
  [algorithms.aes128Gcm]: { name: 'aes-128-gcm', keyBytes: 16 },
  [algorithms.aes256Gcm]: { name: 'aes-256-gcm', keyBytes: 32 },
}

const digests: Readonly<Record<string, OaepHash>> = {
  [algorithms.sha1]: 'sha1',
  [algorithms.sha256]: 'sha256',
  [algorithms.sha384]: 'sha384',
  [algorithms.sha512]: 'sha512',
}

/** XML Encryption 1.1, 5.5.2. */
const maskHashes: Readonly<Record<string, OaepHash>> = {
  'http://www.w3.org/2009/xmlenc11#mgf1sha1': 'sha1',
  'http://www.w3.org/2009/xmlenc11#mgf1sha256': 'sha256',
  'http://www.w3.org/2009/xmlenc11#mgf1sha384': 'sha384',
  'http://www.w3.org/2009/xmlenc11#mgf1sha512': 'sha512',
}

const limits = {
  /** An identifier is one element of some hundred characters. Bytes, encrypted. */
  contentBytes: 16_384,
  /** A service that knows several keys of ours encrypts for each. */
  encryptedKeys: 4,
} as const

const ivBytes = 12
const tagBytes = 16

/**
 * The NameID inside a saml:EncryptedID (Core 2.2.4), opened with whichever of our keys fits.
 *
 * Only for messages whose signature has been verified: nobody else may have us try our keys on what
 * they made up. Every failure gives the same answer, undefined, after the same work, whether it was
 * the key, the padding, the tag or what was inside: nothing can be learned by trying.
 *
 * @param keys KeyRing.decrypting()
 */
export function readEncryptedNameId(
  encryptedId: Element,
  keys: readonly Pick<SigningKey, 'privateKey' | 'publicKey'>[],
): { readonly format: string; readonly value: string } | undefined {
  try {
    const nameId = decryptElement(encryptedId, keys)
    if (nameId?.namespaceURI !== namespaces.saml || nameId.localName !== 'NameID') return undefined
    if (Array.from(nameId.childNodes).some(({ nodeType }) => nodeType === 1)) return undefined
    const format = attributeOf(nameId, 'Format') ?? nameIdFormats.unspecified
    return { format, value: textOf(nameId) }
  } catch {
    return undefined
  }
}

function decryptElement(
  holder: Element,
  keys: readonly Pick<SigningKey, 'privateKey' | 'publicKey'>[],
): Element | undefined {
  const [data, second] = childElements(holder, namespaces.xenc, 'EncryptedData')
  if (!data || second) return undefined
  const cipher = contentCiphers[methodOf(data) ?? '']
  const content = cipherValue(data, limits.contentBytes)
  if (!cipher || !content || content.length < ivBytes + tagBytes) return undefined
  const plain = encryptedKeysOf(holder, data)
    .flatMap((encryptedKey) => keys.map((key) => contentKeyOf(encryptedKey, key, cipher.keyBytes)))
    .map((contentKey) => openContent(content, contentKey, cipher.name))
    .find((opened) => opened !== undefined)
  return plain && parseInPlace(plain.toString('utf8'), data)
}

/** Inside the KeyInfo of EncryptedData, or beside it: services write both (Core 6.2). */
function encryptedKeysOf(holder: Element, data: Element): Element[] {
  const keyInfo = childElement(data, namespaces.ds, 'KeyInfo')
  const inside = keyInfo ? childElements(keyInfo, namespaces.xenc, 'EncryptedKey') : []
  const beside = childElements(holder, namespaces.xenc, 'EncryptedKey')
  return [...inside, ...beside].slice(0, limits.encryptedKeys)
}

/** What does not open becomes a random key, so that the work afterwards is the same. */
function contentKeyOf(
  encryptedKey: Element,
  { privateKey, publicKey }: Pick<SigningKey, 'privateKey' | 'publicKey'>,
  keyBytes: number,
): Buffer {
  const random = randomBytes(keyBytes)
  const modulusBytes = (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  const wrapped = cipherValue(encryptedKey, modulusBytes)
  const hashes = oaepHashes(encryptedKey)
  if (!privateKey || !hashes || wrapped?.length !== modulusBytes) return random
  const opened = decryptOaep(privateKey, wrapped, hashes.label, hashes.mask)
  return opened?.length === keyBytes ? opened : random
}

function oaepHashes(encryptedKey: Element): { label: OaepHash; mask: OaepHash } | undefined {
  const method = childElement(encryptedKey, namespaces.xenc, 'EncryptionMethod')
  const uri = methodOf(encryptedKey)
  if (!method || (uri !== algorithms.rsaOaepMgf1p && uri !== algorithms.rsaOaep)) return undefined
  // A label, which nobody in SAML uses, would have to be part of the padding check.
  if (childElement(method, namespaces.xenc, 'OAEPparams')) return undefined
  const digest = childElement(method, namespaces.ds, 'DigestMethod')
  const generator = childElement(method, namespaces.xenc11, 'MGF')
  const label = digest ? digests[attributeOf(digest, 'Algorithm') ?? ''] : 'sha1'
  // The older identifier means MGF1 with SHA-1 whatever the digest; the newer one when nothing is said.
  const mask = generator ? maskHashes[attributeOf(generator, 'Algorithm') ?? ''] : 'sha1'
  if (!label || !mask || (uri === algorithms.rsaOaepMgf1p && generator)) return undefined
  return { label, mask }
}

/** XML Encryption 1.1, 5.2.4: IV, ciphertext, tag. */
function openContent(
  content: Buffer,
  key: Buffer,
  cipher: 'aes-128-gcm' | 'aes-256-gcm',
): Buffer | undefined {
  try {
    const decipher = createDecipheriv(cipher, key, content.subarray(0, ivBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAuthTag(content.subarray(-tagBytes))
    const opened = decipher.update(content.subarray(ivBytes, -tagBytes))
    return Buffer.concat([opened, decipher.final()])
  } catch {
    return undefined
  }
}

/** The element that was encrypted stood where EncryptedData stands: the prefixes around it hold for it. */
function parseInPlace(text: string, place: Element): Element | undefined {
  const prefixes = new Map<string, string>()
  for (let node: Node | null = place; node?.nodeType === 1; node = node.parentNode) {
    for (const { name, value } of Array.from((node as Element).attributes)) {
      if (/^xmlns(:|$)/.test(name) && !prefixes.has(name)) prefixes.set(name, value)
    }
  }
  const declarations = [...prefixes].map(([name, value]) => ` ${name}="${escapeAttribute(value)}"`)
  const { documentElement } = parseXml(`<opened${declarations.join('')}>${text}</opened>`, {
    maxBytes: 2 * limits.contentBytes,
  })
  const children = Array.from(documentElement.childNodes).filter(({ nodeType }) => nodeType === 1)
  return children.length === 1 ? (children[0] as Element) : undefined
}

function methodOf(encrypted: Element): string | undefined {
  const method = childElement(encrypted, namespaces.xenc, 'EncryptionMethod')
  return method && attributeOf(method, 'Algorithm')
}

/** undefined when there is none, or more than `maxBytes`. CipherReference, which is fetched, is none. */
function cipherValue(encrypted: Element, maxBytes: number): Buffer | undefined {
  const data = childElement(encrypted, namespaces.xenc, 'CipherData')
  const value = data && childElement(data, namespaces.xenc, 'CipherValue')
  if (!value) return undefined
  const text = textOf(value).replace(/\s/g, '')
  if (text.length > maxBytes * 1.4 + 4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}
