import { hash } from 'node:crypto'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { sandboxArtifacts } from './sandbox-trial-model.ts'

/**
 * oidc-provider's storage for one kind of artefact in the sandbox of one request: what one request's
 * client got means nothing at another's, and nothing here is where real codes and tokens are.
 */
export class SandboxAdapter implements Adapter {
  readonly #prefix: string
  readonly #kind: string
  readonly #now: () => Date

  constructor(reference: string, kind: string, now: () => Date) {
    this.#prefix = `${reference}:`
    this.#kind = kind
    this.#now = now
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn = 0): Promise<void> {
    const { grantId } = payload
    const artifact = {
      _id: this.#key(id),
      payload: JSON.stringify(payload),
      ...(grantId !== undefined && { grantId: this.#prefix + grantId }),
      expiresAt: new Date(this.#now().getTime() + expiresIn * 1000),
    }
    try {
      // Ids are drawn or, of an assertion, must not come twice (RFC 7523 section 3).
      await sandboxArtifacts().insertOne(artifact)
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      if (this.#kind === 'ReplayDetection') throw new errors.InvalidRequest('jti was already used')
      await sandboxArtifacts().replaceOne({ _id: artifact._id }, artifact)
    }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await sandboxArtifacts().findOne({ _id: this.#key(id) })
    if (!found || found.expiresAt <= this.#now()) return undefined
    const { consumedAt } = found
    return {
      ...(JSON.parse(found.payload) as AdapterPayload),
      ...(consumedAt && { consumed: Math.floor(consumedAt.getTime() / 1000) }),
    }
  }

  async findByUid(): Promise<undefined> {}

  async findByUserCode(): Promise<undefined> {}

  /** @throws {errors.InvalidGrant} when a parallel request took the one use */
  async consume(id: string): Promise<void> {
    const { matchedCount } = await sandboxArtifacts().updateOne(
      { _id: this.#key(id), consumedAt: { $exists: false } },
      { $set: { consumedAt: this.#now() } },
    )
    if (matchedCount === 0) throw new errors.InvalidGrant(`${this.#kind} was already used`)
  }

  async destroy(id: string): Promise<void> {
    await sandboxArtifacts().deleteOne({ _id: this.#key(id) })
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await sandboxArtifacts().deleteMany({ grantId: this.#prefix + grantId })
  }

  #key(id: string): string {
    return `${this.#prefix}${this.#kind}:${hash('sha256', id, 'base64url')}`
  }
}
