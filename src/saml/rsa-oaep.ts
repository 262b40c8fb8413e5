import {
  constants,
  createHash,
  hash,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'

export type OaepHash = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/**
 * RSAES-OAEP (RFC 8017, 7.1.1) with an empty label. Node takes one hash for both the label and
 * MGF1; XML Encryption's older identifier fixes MGF1 to SHA-1 whatever the digest, so that pair is
 * padded here and encrypted raw.
 */
export function encryptOaep(
  publicKey: KeyObject,
  message: Buffer,
  labelHash: OaepHash,
  maskHash: OaepHash,
): Buffer {
  if (labelHash === maskHash) {
    return publicEncrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: labelHash },
      message,
    )
  }
  const modulusBytes = (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  const padded = padOaep(message, modulusBytes, labelHash, maskHash)
  return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, padded)
}

/**
 * RSAES-OAEP decryption (RFC 8017, 7.1.2) with an empty label. The padding is checked in one go:
 * whoever could tell by time or answer which part was wrong could decrypt by trying (Manger's attack).
 *
 * @param wrapped as many bytes as the modulus
 * @returns undefined when it was not encrypted like this for this key
 */
export function decryptOaep(
  privateKey: KeyObject,
  wrapped: Buffer,
  labelHash: OaepHash,
  maskHash: OaepHash,
): Buffer | undefined {
  let padded: Buffer
  try {
    padded = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, wrapped)
  } catch {
    // Not below the modulus: seen by whoever made it, so nothing is given away.
    return undefined
  }
  const labelDigest = hash(labelHash, '', 'buffer')
  const seedBytes = labelDigest.length
  if (padded.length < 2 * seedBytes + 2) return undefined
  const maskedSeed = padded.subarray(1, 1 + seedBytes)
  const maskedBlock = padded.subarray(1 + seedBytes)
  const seed = xor(maskedSeed, mgf1(maskedBlock, seedBytes, maskHash))
  const block = xor(maskedBlock, mgf1(seed, maskedBlock.length, maskHash))
  let wrong = padded[0]!
  for (let index = 0; index < seedBytes; index++) wrong |= block[index]! ^ labelDigest[index]!
  // The first byte after the zeros must be 1; every byte is looked at, wherever it stands.
  let isBefore = 1
  let messageAt = 0
  for (let index = seedBytes; index < block.length; index++) {
    const byte = block[index]!
    const isZero = ((byte - 1) >>> 31) & 1
    const isOne = (((byte ^ 1) - 1) >>> 31) & 1
    messageAt |= (isBefore & isOne) * (index + 1)
    wrong |= isBefore & (isZero ^ 1) & (isOne ^ 1)
    isBefore &= isOne ^ 1
  }
  wrong |= isBefore
  return wrong === 0 ? block.subarray(messageAt) : undefined
}

function padOaep(message: Buffer, size: number, labelHash: OaepHash, maskHash: OaepHash): Buffer {
  const labelDigest = hash(labelHash, '', 'buffer')
  const seedBytes = labelDigest.length
  const paddingBytes = size - message.length - 2 * seedBytes - 2
  if (paddingBytes < 0) throw new RangeError(`key of ${size} bytes is too small for OAEP`)
  const block = Buffer.concat([labelDigest, Buffer.alloc(paddingBytes), Buffer.from([1]), message])
  const seed = randomBytes(seedBytes)
  const maskedBlock = xor(block, mgf1(seed, block.length, maskHash))
  const maskedSeed = xor(seed, mgf1(maskedBlock, seedBytes, maskHash))
  return Buffer.concat([Buffer.from([0]), maskedSeed, maskedBlock])
}

/** RFC 8017, B.2.1. */
function mgf1(seed: Buffer, length: number, maskHash: OaepHash): Buffer {
  const blocks: Buffer[] = []
  const counter = Buffer.alloc(4)
  for (let made = 0, index = 0; made < length; index++) {
    counter.writeUInt32BE(index)
    const block = createHash(maskHash).update(seed).update(counter).digest()
    blocks.push(block)
    made += block.length
  }
  return Buffer.concat(blocks).subarray(0, length)
}

function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ right[index]!))
}
