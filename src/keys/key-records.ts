import { IdpError } from '../errors.ts'
import { type CertificateFacts, certificateFacts } from './certificate.ts'
import { countedStates, publishedIn } from './key-states.ts'
import { type KeyState, type KeyType, type KeyUse, signatureAlgorithm } from './signing-key.ts'
import { SigningKeyModel, type SigningKeyRecord } from './signing-key-model.ts'

/** In a key's history, who did what nobody did by hand. */
export const firstStart = 'first start'
export const rotationSchedule = 'schedule'

/** A key as administrators see it; nothing secret. */
export interface KeyRecord {
  readonly kid: string
  readonly use: KeyUse
  readonly type: KeyType
  readonly algorithm: 'RS256' | 'ES256' | 'RSA-OAEP'
  readonly state: KeyState
  /** `store`: sealed in it. `signer`: kept by the key signer. `erased`: nobody has it any more. */
  readonly keptBy: 'store' | 'signer' | 'erased'
  readonly signerLabel?: string
  /** Which master key sealed it. */
  readonly masterKeyId?: string
  readonly publishedIn?: 'metadata' | 'jwks'
  readonly createdAt: Date
  readonly stagedAt?: Date
  readonly activatedAt?: Date
  readonly retiringAt?: Date
  readonly retiredAt?: Date
  readonly revokedAt?: Date
  readonly revokedReason?: string
  /** What was done with it, in order, and by whom. */
  readonly history: readonly { readonly event: string; readonly at: Date; readonly by: string }[]
  readonly certificate?: CertificateFacts & { readonly base64: string }
  /** Base64 of the SubjectPublicKeyInfo. */
  readonly publicKey?: string
}

/** Every key there is or was, newest first within its use. */
export async function listKeys(): Promise<KeyRecord[]> {
  return (await readRecords()).map(toKeyRecord)
}

/** @throws {IdpError} KEY_UNKNOWN */
export async function findKey(kid: string): Promise<KeyRecord> {
  const found = (await listKeys()).find((key) => key.kid === kid)
  if (found) return found
  throw new IdpError('KEY_UNKNOWN', `there is no key "${kid}"; see: npx propylaia keys list`, {
    status: 404,
  })
}

/** All records with the states that count. */
export async function readRecords(): Promise<SigningKeyRecord[]> {
  const records = await SigningKeyModel.find().sort({ use: 1, generation: -1 }).lean()
  return countedStates(records as SigningKeyRecord[])
}

function toKeyRecord(record: SigningKeyRecord): KeyRecord {
  const { _id: kid, use, state, certificate } = record
  const type = record.type as KeyType
  const optional = <T>(value: T | null | undefined): T | undefined => value ?? undefined
  return {
    kid,
    use,
    type,
    algorithm: use === 'saml-encryption' ? 'RSA-OAEP' : signatureAlgorithm({ type }),
    state,
    keptBy: record.signerLabel ? 'signer' : record.sealedPrivateKey ? 'store' : 'erased',
    signerLabel: optional(record.signerLabel),
    masterKeyId: optional(record.masterKeyId),
    publishedIn: publishedIn(use, state),
    createdAt: record.createdAt,
    stagedAt: optional(record.stagedAt),
    activatedAt: optional(record.activatedAt),
    retiringAt: optional(record.retiringAt),
    retiredAt: optional(record.retiredAt),
    revokedAt: optional(record.revokedAt),
    revokedReason: optional(record.revokedReason),
    history: (record.history ?? []).map(({ event, at, by }) => ({ event, at, by })),
    certificate: certificate
      ? { ...certificateFacts(certificate), base64: certificate }
      : undefined,
    publicKey: optional(record.publicKey),
  }
}
