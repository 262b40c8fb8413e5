import {
  constants,
  createHash,
  hash,
  type KeyObject,
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
