/** The few DER forms an X.509 certificate needs (ITU-T X.690). */

/** Tag, definite length, content. */
function element(tag: number, content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length: number[] = []
  for (let rest = content.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff)
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), content])
}

export const sequence = (...parts: Buffer[]): Buffer => element(0x30, Buffer.concat(parts))
export const set = (...parts: Buffer[]): Buffer => element(0x31, Buffer.concat(parts))
export const octetString = (content: Buffer): Buffer => element(0x04, content)
export const nullValue = (): Buffer => element(0x05, Buffer.alloc(0))
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]))
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8'))

/** Explicit context tag `[number]`. */
export const explicit = (number: number, content: Buffer): Buffer => element(0xa0 | number, content)

/** A non-negative INTEGER from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const body = Buffer.from(bytes.subarray(start))
  // A leading 1 bit would read as a negative number.
  return element(0x02, (body[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), body]) : body)
}

/** BIT STRING; `unusedBits` counts the padding at the end of the last byte. */
export function bitString(content: Buffer, unusedBits = 0): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([unusedBits]), content]))
}

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const digits = [arc & 0x7f]
    for (let value = arc >>> 7; value > 0; value >>>= 7) digits.unshift(0x80 | (value & 0x7f))
    bytes.push(...digits)
  }
  return element(0x06, Buffer.from(bytes))
}

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 4.1.2.5). Seconds, UTC. */
export function time(instant: Date): Buffer {
  const text = instant.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return instant.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(`${text.slice(2)}Z`))
    : element(0x18, Buffer.from(`${text}Z`))
}
