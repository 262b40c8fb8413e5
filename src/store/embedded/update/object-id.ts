import { randomBytes } from 'node:crypto'

const processPart = randomBytes(5)
let counter = randomBytes(3).readUIntBE(0, 3)

/** A new ObjectId: seconds, five random bytes of this server, a counter (BSON ObjectId spec). */
export function newObjectId(): Buffer {
  const bytes = Buffer.allocUnsafe(12)
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000), 0)
  processPart.copy(bytes, 4)
  counter = (counter + 1) & 0xffffff
  bytes.writeUIntBE(counter, 9, 3)
  return bytes
}
