import {
  createCipheriv,
  createPublicKey,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import type { MetadataKey, ServiceProvider } from '../federation/service.ts'
import { encryptOaep, type OaepHash } from './rsa-oaep.ts'
import { SamlStatusError } from './status-response.ts'
import { algorithms, namespaces } from './uris.ts'
import type { RandomSource } from './xml-signature.ts'
import { escapeAttribute } from './xml-writer.ts'

/** How one service wants its assertions encrypted: its key and what it says it can read. */
export interface AssertionEncryption {
  readonly recipient: string
  readonly publicKey: KeyObject
  /** Base64 DER, to tell a service with several keys which one to use. */
  readonly certificate?: string
  readonly block: BlockCipher
  readonly transport: KeyTransport
}

interface BlockCipher {
  readonly uri: string
  readonly name:
    | 'aes-128-gcm'
    | 'aes-192-gcm'
    | 'aes-256-gcm'
    | 'aes-128-cbc'
    | 'aes-192-cbc'
    | 'aes-256-cbc'
  readonly keyBytes: 16 | 24 | 32
}

interface KeyTransport {
  readonly uri: string
  readonly digestUri: string
  readonly labelHash: OaepHash
}

/** Ours first, when a service lists several. CBC can be read and altered by who holds an oracle (XML Encryption 1.1, 6.1): last. */
const blockCiphers: readonly BlockCipher[] = [
  { uri: algorithms.aes256Gcm, name: 'aes-256-gcm', keyBytes: 32 },
  { uri: algorithms.aes128Gcm, name: 'aes-128-gcm', keyBytes: 16 },
  { uri: algorithms.aes192Gcm, name: 'aes-192-gcm', keyBytes: 24 },
  { uri: algorithms.aes256Cbc, name: 'aes-256-cbc', keyBytes: 32 },
  { uri: algorithms.aes128Cbc, name: 'aes-128-cbc', keyBytes: 16 },
  { uri: algorithms.aes192Cbc, name: 'aes-192-cbc', keyBytes: 24 },
]

const oaepHashes: Readonly<Record<string, OaepHash>> = {
  [algorithms.sha1]: 'sha1',
  [algorithms.sha256]: 'sha256',
  [algorithms.sha384]: 'sha384',
  [algorithms.sha512]: 'sha512',
}

/** Chosen once for each ServiceProvider object: reading a key costs more than encrypting under it. */
const chosen = new WeakMap<ServiceProvider, AssertionEncryption | null>()

/**
 * How to encrypt for this service: under the newest key in its metadata that we can use, by the
 * strongest algorithms the key's descriptor lists.
 *
 * @returns undefined when the service publishes no encryption key or an admin turned encryption off
 * @throws {SamlStatusError} SAML_ENCRYPTION_UNSUPPORTED it publishes keys, none of them usable: the
 *   service is told so, and the assertion never goes out in clear
 */
export function assertionEncryption(sp: ServiceProvider): AssertionEncryption | undefined {
  let encryption = chosen.get(sp)
  if (encryption === undefined) {
    encryption = chooseEncryption(sp) ?? null
    chosen.set(sp, encryption)
  }
  return encryption ?? undefined
}

function chooseEncryption(sp: ServiceProvider): AssertionEncryption | undefined {
  if (sp.overrides.encryptAssertions === false || sp.encryptionKeys.length === 0) return undefined
  for (const key of newestFirst(sp.encryptionKeys)) {
    const publicKey = createPublicKey(key.publicKeyPem)
    if (publicKey.asymmetricKeyType !== 'rsa') continue
    const block = chooseBlockCipher(key)
    const transport = chooseKeyTransport(key)
    if (!block || !transport) continue
    return { recipient: sp.entityId, publicKey, certificate: key.certificate, block, transport }
  }
  throw new SamlStatusError('SAML_ENCRYPTION_UNSUPPORTED', {
    code: 'Responder',
    message: `None of the encryption keys in the metadata of ${sp.entityId} is RSA with AES and RSA-OAEP among its EncryptionMethods`,
  })
}

/**
 * By the day from which its certificate is valid; of equal ones the later in the document, because
 * services that roll over append. A bare key has no day, so with one among them the document's order
 * alone says. Other dates of a certificate mean nothing: metadata vouches for the key (IIP-MD08).
 */
function newestFirst(keys: readonly MetadataKey[]): readonly MetadataKey[] {
  const lastFirst = keys.toReversed()
  if (keys.length < 2 || keys.some(({ certificate }) => !certificate)) return lastFirst
  const since = new Map(lastFirst.map((key) => [key, validFrom(key.certificate!)]))
  return lastFirst.sort((a, b) => since.get(b)! - since.get(a)!)
}

function validFrom(certificate: string): number {
  return new X509Certificate(Buffer.from(certificate, 'base64')).validFromDate.getTime()
}

/** Whether the service can be sent AES-CBC only: its administrator should hear of it. */
export function usesWeakCipher({ block }: AssertionEncryption): boolean {
  return block.name.endsWith('cbc')
}

/** EncryptionMethods may list block ciphers, key transports, both or neither; a kind not listed is ours to choose. */
function chooseBlockCipher({ encryptionMethods }: MetadataKey): BlockCipher | undefined {
  const listsBlockCipher = encryptionMethods.some((uri) => /aes|tripledes/.test(uri))
  // saml2int obliges every service to read AES-128-GCM and AES-256-GCM.
  if (!listsBlockCipher) return blockCiphers[0]
  return blockCiphers.find(({ uri }) => encryptionMethods.includes(uri))
}

function chooseKeyTransport(key: MetadataKey): KeyTransport | undefined {
  const { encryptionMethods, oaepDigests } = key
  const listsTransport = encryptionMethods.some((uri) => /rsa/.test(uri))
  const older = !listsTransport || encryptionMethods.includes(algorithms.rsaOaepMgf1p)
  const newer = encryptionMethods.includes(algorithms.rsaOaep)
  const digestUri =
    oaepDigests.length === 0 || oaepDigests.includes(algorithms.sha1)
      ? algorithms.sha1
      : oaepDigests.find((uri) => uri in oaepHashes)
  if (!digestUri || !(older || newer)) return undefined
  return {
    uri: older ? algorithms.rsaOaepMgf1p : algorithms.rsaOaep,
    digestUri,
    labelHash: oaepHashes[digestUri]!,
  }
}

/**
 * saml:EncryptedAssertion around an assertion that declares every prefix it uses, in
 * exclusive-canonical form like all we write. A fresh content key for each.
 *
 * XML Encryption 1.1, 3 and 5.2; SAML Core 2.3.4. EncryptedKey lies inside EncryptedData's KeyInfo,
 * where every service finds it.
 */
export function encryptAssertion(
  assertion: string,
  { recipient, publicKey, certificate, block, transport }: AssertionEncryption,
  random: RandomSource = randomBytes,
): string {
  const contentKey = random(block.keyBytes)
  const content = encryptContent(Buffer.from(assertion), contentKey, block, random)
  // No xenc11:MGF is written: both OAEP identifiers then mean MGF1 with SHA-1 (XML Encryption 1.1,
  // 5.5.2), which every service that reads the identifier it lists must read.
  const wrappedKey = encryptOaep(publicKey, contentKey, transport.labelHash, 'sha1')
  const keyHint = certificate
    ? `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
    : ''
  return (
    `<saml:EncryptedAssertion xmlns:saml="${namespaces.saml}">` +
    `<xenc:EncryptedData xmlns:xenc="${namespaces.xenc}" Type="${namespaces.xenc}Element">` +
    `<xenc:EncryptionMethod Algorithm="${block.uri}"></xenc:EncryptionMethod>` +
    `<ds:KeyInfo xmlns:ds="${namespaces.ds}"><xenc:EncryptedKey Recipient="${escapeAttribute(recipient)}">` +
    `<xenc:EncryptionMethod Algorithm="${transport.uri}"><ds:DigestMethod Algorithm="${transport.digestUri}"></ds:DigestMethod></xenc:EncryptionMethod>` +
    `${keyHint}<xenc:CipherData><xenc:CipherValue>${wrappedKey.toString('base64')}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>` +
    `<xenc:CipherData><xenc:CipherValue>${content.toString('base64')}</xenc:CipherValue></xenc:CipherData>` +
    `</xenc:EncryptedData></saml:EncryptedAssertion>`
  )
}

/** GCM: 96-bit IV, ciphertext, 128-bit tag (5.2.4). CBC: 128-bit IV, ciphertext (5.2.2). */
function encryptContent(
  plain: Buffer,
  key: Buffer,
  { name }: BlockCipher,
  random: RandomSource,
): Buffer {
  if (name === 'aes-128-gcm' || name === 'aes-192-gcm' || name === 'aes-256-gcm') {
    const iv = random(12)
    const cipher = createCipheriv(name, key, iv)
    const encrypted = [cipher.update(plain), cipher.final()]
    return Buffer.concat([iv, ...encrypted, cipher.getAuthTag()])
  }
  const iv = random(16)
  // PKCS#7 padding is one of the paddings that 5.2 allows: only the last byte's value is fixed.
  const cipher = createCipheriv(name, key, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final()])
}
