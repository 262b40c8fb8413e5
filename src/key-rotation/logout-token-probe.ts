import { randomBytes } from 'node:crypto'
import { randomToken } from '../keys/random-token.ts'
import { type SigningKey, signatureAlgorithm } from '../keys/signing-key.ts'

/** Longer than an answer takes, shorter than anybody could use it for. Seconds. */
const lifetimeSeconds = 120

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * A logout token (OpenID Connect Back-Channel Logout 1.0, 2.4) for a person and a session that
 * nobody ever had.
 *
 * @param audience the client_id
 */
export async function logoutTokenProbe(
  probe: { readonly issuer: string; readonly audience: string; readonly now: Date },
  key: Pick<SigningKey, 'kid' | 'type' | 'sign'>,
): Promise<string> {
  const iat = Math.floor(probe.now.getTime() / 1000)
  const nobody = randomBytes(20).toString('hex')
  const header = { alg: signatureAlgorithm(key), typ: 'logout+jwt', kid: key.kid }
  const claims = {
    iss: probe.issuer,
    aud: probe.audience,
    iat,
    exp: iat + lifetimeSeconds,
    jti: randomToken(),
    sub: `probe-${nobody}`,
    sid: nobody,
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${(await key.sign(Buffer.from(signed))).toString('base64url')}`
}
