import { ExternalSigningKey, type JWK, type SigningAlgorithm } from 'oidc-provider'
import { type KeyRing, type SigningKey, signatureAlgorithm } from '../keys/signing-key.ts'

/** A key that oidc-provider cannot read: it asks for signatures. */
class SignedElsewhere extends ExternalSigningKey {
  readonly #key: SigningKey

  constructor(key: SigningKey) {
    super()
    this.#key = key
    Object.assign(this, { kid: key.kid, alg: signatureAlgorithm(key) })
  }

  override keyObject() {
    return this.#key.publicKey
  }

  override sign(data: Uint8Array) {
    return this.#key.sign(data)
  }
}

/**
 * What the JWKS publishes. Active keys first: the library signs with the first that fits. It prefers
 * keys that name their algorithm, as those kept elsewhere must, so with one of them all do.
 */
export function jwksOf(keys: KeyRing): { keys: (JWK | ExternalSigningKey)[] } {
  const published = keys.published('oidc')
  const isMixed = published.some(({ privateKey }) => !privateKey)
  return {
    keys: published.map((key) =>
      key.privateKey
        ? {
            ...(key.privateKey.export({ format: 'jwk' }) as JWK),
            kid: key.kid,
            use: 'sig',
            ...(isMixed ? { alg: signatureAlgorithm(key) } : {}),
          }
        : new SignedElsewhere(key),
    ),
  }
}

/**
 * The algorithms that tokens may be signed with: those for which a key is active, so that a staged
 * one never signs because it is the only one of its kind. An RSA key here also does PS256; one that
 * is kept elsewhere signs RS256 only.
 */
export function signingAlgorithms(keys: KeyRing): SigningAlgorithm[] {
  const published = keys.published('oidc')
  const active = published.filter(({ state }) => state === 'active').map(signatureAlgorithm)
  const isMixed = published.some(({ privateKey }) => !privateKey)
  return [
    ...(active.includes('RS256') ? (['RS256'] as const) : []),
    ...(active.includes('RS256') && !isMixed ? (['PS256'] as const) : []),
    ...(active.includes('ES256') ? (['ES256'] as const) : []),
  ]
}
