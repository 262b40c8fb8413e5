import { keyedHash } from '../keys/keyed-hash.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
/** 160 bits make exactly 32 characters of base32. */
const usedBytes = 20

/**
 * The identifier of a person at one service: the persistent NameID, the left part of pairwise-id,
 * eduPersonTargetedID and the pairwise `sub`. Keyed, so that services cannot match people by it or
 * guess who it is; computed, so that it is the same for life. Lower-case base32, 32 characters:
 * values never differ by case only (saml-subject-id-attr 3.3.1).
 *
 * @param serviceId entityID, client_id or sector identifier; none of them can hold U+0000
 */
export function pairwiseValue(key: Buffer, personId: string, serviceId: string): string {
  const digest = keyedHash(key, `${serviceId}\0${personId}`)
  let text = ''
  let bits = 0
  let held = 0
  for (let index = 0; index < usedBytes; index++) {
    held = (held << 8) | digest[index]!
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return text
}
