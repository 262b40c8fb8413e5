import { createHash } from 'node:crypto'
import type { PipelineStage } from 'mongoose'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { signInCounts } from '../people/account.ts'
import { joinAccount, joinedAccountOf } from '../people/people-store.ts'
import { isDuplicateKey, upsertAgain } from '../store/duplicate-key.ts'
import type { SignInOfGrant } from './grants.ts'
import { ArtifactModel, type GrantRecord, grantMark } from './oidc-model.ts'

/** Kinds whose id is itself the secret: only its hash is kept, so a stolen store opens nothing. */
const bearerKinds = new Set([
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'PushedAuthorizationRequest',
  'Interaction',
  'ClientCredentials',
])

type Authorization = NonNullable<AdapterPayload['authorizations']>[string] & { clientId: string }

interface Artifact {
  payload: string
  grantId?: string
  uid?: string
  userCode?: string
  authorizations?: Record<string, Authorization>
  state?: string
  consumedAt?: Date
  revokedAt?: Date
  expiresAt: Date
}

/** oidc-provider's storage for one kind of artefact, on the one store. */
export class StoreAdapter implements Adapter {
  readonly #kind: string
  readonly #now: () => Date

  constructor(kind: string, now: () => Date = () => new Date()) {
    this.#kind = kind
    this.#now = now
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    if (expiresIn === undefined) throw new TypeError(`${this.#kind} without a lifetime`)
    const expiresAt = new Date(this.#now().getTime() + expiresIn * 1000)
    if (this.#kind === 'Session') return this.#upsertSession(id, payload, expiresAt)
    const { jti, consumed, ...rest } = payload
    const grant = payload as AdapterPayload & Partial<SignInOfGrant>
    const document = {
      kind: this.#kind,
      payload: JSON.stringify(bearerKinds.has(this.#kind) ? rest : { ...rest, jti }),
      ...(payload.grantId === undefined ? {} : { grantId: payload.grantId }),
      ...(this.#kind === 'Grant'
        ? {
            personId: payload.accountId,
            sessionId: grant.signInId,
            sessionGeneration: grant.signInGeneration,
          }
        : {}),
      ...(payload.userCode === undefined ? {} : { userCode: payload.userCode }),
      ...(consumed === undefined ? {} : { consumedAt: new Date(Number(consumed) * 1000) }),
      expiresAt,
    }
    if (this.#kind === 'ReplayDetection') return this.#insertOnce(id, document)
    await upsertAgain(() =>
      ArtifactModel.replaceOne({ _id: this.#key(id) }, document, { upsert: true }),
    )
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    if (this.#kind === 'Grant') {
      const grant = await findGrant(id)
      return this.#read(grant && !isOver(grant) ? grant : null, id)
    }
    const found = await ArtifactModel.findById(this.#key(id)).lean<Artifact>()
    return this.#read(found, id)
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const found = await ArtifactModel.findOne({ uid, kind: this.#kind }).lean<Artifact>()
    return this.#read(found)
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const found = await ArtifactModel.findOne({ userCode, kind: this.#kind }).lean<Artifact>()
    return this.#read(found)
  }

  /**
   * Takes the one use. The library looked before and saw it unused, but so may have a parallel
   * request: whoever comes second here gets nothing and takes the whole grant down with it
   * (RFC 6749 4.1.2, RFC 9700 4.14.2).
   *
   * @throws {errors.InvalidGrant} when it was used already
   */
  async consume(id: string): Promise<void> {
    const now = this.#now()
    const before = await ArtifactModel.findOneAndUpdate(
      { _id: this.#key(id), consumedAt: { $exists: false }, expiresAt: { $gt: now } },
      { $set: { consumedAt: now } },
    ).lean<Artifact>()
    if (before) return
    const used = await ArtifactModel.findById(this.#key(id)).lean<Artifact>()
    if (used?.grantId) await this.#revokeGrant(used.grantId)
    if (this.#kind === 'PushedAuthorizationRequest')
      throw new errors.InvalidRequestUri('request_uri was already used')
    throw new errors.InvalidGrant(`${this.#kind} was already used`)
  }

  async destroy(id: string): Promise<void> {
    if (this.#kind === 'Grant') return this.#markRevoked(id)
    await ArtifactModel.deleteOne({ _id: this.#key(id) })
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await ArtifactModel.deleteMany({ grantId, kind: this.#kind })
  }

  async #revokeGrant(grantId: string): Promise<void> {
    await new StoreAdapter('Grant', this.#now).destroy(grantId)
    await ArtifactModel.deleteMany({ grantId })
  }

  /** A grant's id is computed, not drawn (grants.ts): deleting it would let it come back. */
  async #markRevoked(id: string): Promise<void> {
    await ArtifactModel.updateOne({ _id: this.#key(id) }, { $set: { revokedAt: this.#now() } })
  }

  /** @throws {errors.InvalidClientAuth} when the assertion's jti was seen: parallel replays included */
  async #insertOnce(id: string, document: object): Promise<void> {
    try {
      await ArtifactModel.create({ ...document, _id: this.#key(id) })
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      throw new errors.InvalidRequest('jti was already used')
    }
  }

  /**
   * Two tabs may sign in to two services at once: each authorization is set by itself, so the
   * slower one does not wipe out the other's, and whoever writes need not have read the rest.
   */
  async #upsertSession(id: string, payload: AdapterPayload, expiresAt: Date): Promise<void> {
    const { authorizations = {}, state, ...rest } = payload
    const set: Record<string, unknown> = {
      kind: this.#kind,
      uid: payload.uid,
      payload: JSON.stringify(rest),
      expiresAt,
    }
    if (state !== undefined) set.state = JSON.stringify(state)
    for (const [clientId, authorization] of Object.entries(authorizations)) {
      const field = Buffer.from(clientId).toString('base64url')
      for (const [name, value] of Object.entries({ ...authorization, clientId })) {
        set[`authorizations.${field}.${name}`] = value
      }
    }
    await upsertAgain(() =>
      ArtifactModel.updateOne({ _id: this.#key(id) }, { $set: set }, { upsert: true }),
    )
  }

  #read(found: Artifact | null, id?: string): AdapterPayload | undefined {
    if (!found || found.expiresAt <= this.#now() || found.revokedAt) return undefined
    const payload = JSON.parse(found.payload) as AdapterPayload
    if (id !== undefined) payload.jti = id
    if (found.consumedAt) payload.consumed = Math.floor(found.consumedAt.getTime() / 1000)
    if (found.state) payload.state = JSON.parse(found.state)
    if (found.authorizations) {
      payload.authorizations = Object.fromEntries(
        Object.values(found.authorizations).map(({ clientId, ...rest }) => [clientId, rest]),
      )
    }
    return payload
  }

  #key(id: string): string {
    const key = bearerKinds.has(this.#kind)
      ? createHash('sha256').update(id).digest('base64url')
      : id
    return `${this.#kind}:${key}`
  }
}

/** Whether a grant of this id existed and must not come back. */
export async function isGrantOver(id: string): Promise<boolean> {
  const found = await findGrant(id)
  return found !== undefined && isOver(found)
}

interface Grant extends Artifact, GrantRecord {}

/**
 * With the account it belongs to, in one trip. Every code, token and introspection is answered only
 * with its grant, so this is where all of them die together when the sign-ins of an account end.
 */
async function findGrant(id: string): Promise<Grant | undefined> {
  const [found] = await ArtifactModel.aggregate<Grant>([
    { $match: { _id: `Grant:${id}` } },
    ...(joinAccount('personId') as PipelineStage.Lookup[]),
  ])
  return found
}

function isOver(grant: Grant): boolean {
  if (grant.revokedAt) return true
  const account = joinedAccountOf(grant)
  return !account || !signInCounts(account, grantMark(grant))
}
