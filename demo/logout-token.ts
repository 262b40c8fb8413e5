import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'

/** The event that makes a JWT a logout token (OpenID Connect Back-Channel Logout 1.0, 2.4). */
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** Clocks of two machines may differ by this much, and a token is on its way for a while. */
const toleranceSeconds = 180

/**
 * Checks a logout token as Back-Channel Logout 1.0, 2.6 asks, and reads whom it is about. That it came
 * before is not checked: ending an ended session does nothing.
 *
 * @param expected issuer, client and where the issuer publishes its keys (JWKS)
 * @throws {Error} what is wrong with it
 */
export async function readLogoutToken(
  token: string,
  expected: { issuer: string; clientId: string; jwksUri: string },
): Promise<{ sub?: string; sid?: string }> {
  const [header = '', payload = '', signature = '', ...more] = token.split('.')
  if (signature === '' || more.length > 0) throw new Error('The logout token is no signed JWT.')
  const { alg, kid } = decode(header)
  if (alg !== 'RS256') throw new Error(`The logout token is signed by ${alg}, expected RS256.`)
  const response = await fetch(expected.jwksUri, { signal: AbortSignal.timeout(3000) })
  const { keys } = (await response.json()) as { keys: (JsonWebKey & { kid?: string })[] }
  const key = keys.find((candidate) => candidate.kid === kid && candidate.kty === 'RSA')
  const isSigned =
    key !== undefined &&
    verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      createPublicKey({ key, format: 'jwk' }),
      Buffer.from(signature, 'base64url'),
    )
  if (!isSigned) throw new Error('The logout token is not signed by a key of the issuer.')
  const claims = decode(payload)
  const { iss, aud, iat, exp, events, nonce, sub, sid } = claims
  const now = Date.now() / 1000
  if (iss !== expected.issuer) throw new Error(`The logout token is of ${iss}.`)
  if (![aud].flat().includes(expected.clientId)) throw new Error('The logout token is not for us.')
  if (!(Number(exp) > now - toleranceSeconds && Number(iat) < now + toleranceSeconds)) {
    throw new Error('The logout token is past its time, or before it.')
  }
  if (typeof events !== 'object' || events === null || !(logoutEvent in events)) {
    throw new Error('The token has no logout event.')
  }
  // An ID token must not do as one.
  if (nonce !== undefined) throw new Error('The logout token has a nonce.')
  if (typeof sub !== 'string' && typeof sid !== 'string') {
    throw new Error('The logout token names neither a person nor a session.')
  }
  return {
    ...(typeof sub === 'string' ? { sub } : {}),
    ...(typeof sid === 'string' ? { sid } : {}),
  }
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
}
