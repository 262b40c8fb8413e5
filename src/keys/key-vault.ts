import { createPrivateKey, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { IdpError } from '../errors.ts'
import type { KeySigner } from './key-signer.ts'
import { localKey } from './local-key.ts'
import type { MasterKeys } from './master-key.ts'
import { wrongMasterKey } from './master-key-check.ts'
import { open, seal } from './sealing.ts'
import { type KeyType, type SigningKey, signatureAlgorithm } from './signing-key.ts'
import { type SigningKeyRecord, sealingPurpose } from './signing-key-model.ts'

/** Where private keys are kept: sealed in the store, or with the key signer. For the keys room alone. */
export interface KeyVault {
  readonly masterKeys: MasterKeys
  /** Absent: none is configured. */
  readonly signer?: KeySigner
}

/** What a record holds of a private key that is sealed in the store. */
export function sealPrivateKey(
  { masterKeys }: KeyVault,
  kid: string,
  privateKey: KeyObject,
): Pick<SigningKeyRecord, 'masterKeyId' | 'sealedPrivateKey'> {
  const masterKey = masterKeys.current()
  if (!masterKey) throw new Error('there is no master key to seal with')
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  return {
    masterKeyId: masterKey.id,
    sealedPrivateKey: seal(masterKey.bytes, der, sealingPurpose(kid)),
  }
}

/**
 * A record's key, ready to use. A signature of the key signer counts only when it is by the very key
 * of the record: under its label there may be another one by now, which we publish nowhere.
 *
 * @throws {ConfigError} when it was sealed under a master key that is not here
 */
export function openKey(vault: KeyVault, record: SigningKeyRecord): SigningKey {
  const facts = {
    kid: record._id,
    use: record.use,
    type: record.type as KeyType,
    state: record.state,
    certificate: record.certificate ?? undefined,
    createdAt: record.createdAt,
  }
  const { signerLabel, masterKeyId, sealedPrivateKey, publicKey } = record
  if (signerLabel && publicKey) {
    const der = Buffer.from(publicKey, 'base64')
    const key = createPublicKey({ key: der, type: 'spki', format: 'der' })
    return {
      ...facts,
      publicKey: key,
      async sign(data) {
        const signer = signerOf(vault, signerLabel)
        const signature = await signer.sign(signerLabel, signatureAlgorithm(facts), data)
        if (verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)) return signature
        throw new IdpError(
          'KEY_SIGNER_UNAVAILABLE',
          `the key signer has another key as "${signerLabel}" than the one that is published (${record._id}); ` +
            'put that one back, or take the new one up: propylaia keys import',
          { status: 503 },
        )
      },
    }
  }
  if (!masterKeyId || !sealedPrivateKey) throw new Error(`key ${record._id} has no private half`)
  const masterKey = vault.masterKeys.find(masterKeyId)
  if (!masterKey) throw wrongMasterKey(masterKeyId, vault.masterKeys)
  const der = open(masterKey.bytes, sealedPrivateKey, sealingPurpose(record._id))
  return localKey(facts, createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }))
}

/** @throws {IdpError} KEY_SIGNER_UNAVAILABLE when no key signer is configured here */
export function signerOf({ signer }: KeyVault, label: string): KeySigner {
  if (signer) return signer
  throw new IdpError(
    'KEY_SIGNER_UNAVAILABLE',
    `the key "${label}" is kept by a key signer, but KEY_SIGNER_COMMAND is not set`,
    { status: 503 },
  )
}
