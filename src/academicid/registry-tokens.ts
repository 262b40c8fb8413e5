import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { model, Schema } from 'mongoose'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { bumpVersion } from '../store/versions.ts'

/** One institution's way in to the registry. */
export interface RegistryToken {
  /** The institution, e.g. its domain; audit entries name it. */
  readonly _id: string
  /** SHA-256 of the token, hex. Plain: it is made of 256 random bits, not of something guessable. */
  readonly hash: string
  readonly createdAt: Date
  readonly revokedAt?: Date
}

const tokenSchema = new Schema<RegistryToken>(
  {
    _id: { type: String, required: true },
    hash: { type: String, required: true },
    createdAt: { type: Date, required: true },
    revokedAt: Date,
  },
  { versionKey: false, collection: 'academicIdTokens' },
)

const TokenModel = model('AcademicIdToken', tokenSchema)

/** What servers that cache the tokens are told by (store/versions.ts). */
export const tokensVersion = 'academicid-tokens'

const namePattern = /^[a-z0-9][a-z0-9.-]{0,62}$/

export function isTokenName(name: string): boolean {
  return namePattern.test(name)
}

/**
 * Makes a token for an institution. A revoked name can be given a new one.
 *
 * @returns the token, which nobody can read again; undefined when the name has one
 */
export async function addToken(name: string, now: Date): Promise<string | undefined> {
  const token = `${name}.${randomBytes(32).toString('base64url')}`
  const facts = { hash: hashOf(token).toString('hex'), createdAt: now }
  try {
    await TokenModel.updateOne(
      { _id: name, revokedAt: { $exists: true } },
      { $set: facts, $unset: { revokedAt: '' } },
      { upsert: true },
    )
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return undefined
  }
  await bumpVersion(tokensVersion)
  return token
}

/** @returns false when the name has no token that counts */
export async function revokeToken(name: string, now: Date): Promise<boolean> {
  const { matchedCount } = await TokenModel.updateOne(
    { _id: name, revokedAt: { $exists: false } },
    { $set: { revokedAt: now } },
  )
  await bumpVersion(tokensVersion)
  return matchedCount === 1
}

export function listTokens(): Promise<RegistryToken[]> {
  return TokenModel.find().sort({ _id: 1 }).lean<RegistryToken[]>()
}

/** The tokens that count, for a server that asks at every request. */
export class TokenBook {
  #hashes = new Map<string, Buffer>()
  #reading: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** Reads them again: what was added or revoked before the call counts after it. */
  reload(): Promise<void> {
    // Many at once share the reading after the one that runs, which may have begun too early.
    this.#next ??= (this.#reading ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        this.#reading = this.#read()
        return this.#reading
      })
    return this.#next
  }

  /** @returns the institution, or undefined */
  async find(token: string): Promise<string | undefined> {
    const known = this.#find(token)
    if (known !== undefined) return known
    // It may be new.
    await this.reload()
    return this.#find(token)
  }

  async #read(): Promise<void> {
    const tokens = await listTokens()
    this.#hashes = new Map(
      tokens
        .filter(({ revokedAt }) => revokedAt === undefined)
        .map(({ _id, hash }) => [_id, Buffer.from(hash, 'hex')]),
    )
  }

  #find(token: string): string | undefined {
    const name = token.slice(0, token.lastIndexOf('.'))
    const given = hashOf(token)
    // An unknown name takes as long as a wrong token.
    const expected = this.#hashes.get(name) ?? Buffer.alloc(given.length)
    return timingSafeEqual(given, expected) && this.#hashes.has(name) ? name : undefined
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
