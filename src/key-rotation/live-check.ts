import { createPublicKey } from 'node:crypto'
import type { AppContext } from '../context.ts'
import type { RelyingParty, ServiceProvider } from '../federation/service.ts'
import { FetchError, type PostedBody, readBody, requestOnce } from '../fetch/public-fetch.ts'
import { localKey, makePrivateKey, thumbprint } from '../keys/local-key.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { soapContentType, soapEnvelope } from '../saml/soap.ts'
import { bindings } from '../saml/uris.ts'
import type { MessageKey } from '../saml/xml-signature.ts'
import { redirectProbe, signedProbe } from './logout-probe.ts'
import { logoutTokenProbe } from './logout-token-probe.ts'
import { type HttpAnswer, isSamlAnswer, kindOfAnswer } from './probe-answer.ts'

/** For one question. */
const limits = { timeoutMs: 8000, maxBytes: 262_144 } as const

/**
 * - `accepts`: the service treats a message signed by the new key as it treats one by the present key
 * - `refuses`: it treats it as one signed by a key that nobody knows
 * - `cannot-tell`: it has no logout endpoint, did not answer, or answers everybody alike
 */
export type LiveResult = 'accepts' | 'refuses' | 'cannot-tell'

export interface LiveAnswer {
  readonly result: LiveResult
  /** Why it cannot tell: texts are `admin.keys.live.…`. */
  readonly reason?:
    | 'no-endpoint'
    | 'no-answer'
    | 'refuses-present-key'
    | 'answers-alike'
    | 'unclear'
  /** What came for the present, the new and the unknown key, for administrators. */
  readonly answers?: readonly string[]
}

/** What the three questions are signed by. */
export interface LiveKeys {
  readonly present: SigningKey
  readonly fresh: SigningKey
  /** See strangerKey(). */
  readonly stranger: SigningKey
}

type LiveContext = Pick<AppContext, 'config' | 'now'>

/**
 * Asks a service whether it knows a key: three LogoutRequests for somebody who does not exist, signed
 * by the present key, by the new one and by one that was made a moment ago. Nobody is signed out, and
 * only the difference between the three answers counts, not what they say. Every endpoint of the
 * service is tried until one tells.
 */
export async function checkLive(
  context: LiveContext,
  service: ServiceProvider,
  keys: LiveKeys,
): Promise<LiveAnswer> {
  const endpoints = [bindings.soap, bindings.httpRedirect, bindings.httpPost].flatMap(
    (binding) => service.singleLogoutServices.find((one) => one.binding === binding) ?? [],
  )
  let last: LiveAnswer = { result: 'cannot-tell', reason: 'no-endpoint' }
  for (const { binding, location } of endpoints) {
    last = await askEndpoint(context, binding, location, keys)
    if (last.result !== 'cannot-tell') return last
  }
  return last
}

/**
 * The same for an OpenID Connect client: three logout tokens to its backchannel_logout_uri. A client
 * that knows the key says that it has no such session by 200, as 2.7 and 2.8 of the specification
 * want; one that does not know it answers 400.
 */
export async function checkClientLive(
  context: LiveContext,
  client: RelyingParty,
  keys: LiveKeys,
): Promise<LiveAnswer> {
  const address = client.metadata.backchannel_logout_uri
  if (typeof address !== 'string') return { result: 'cannot-tell', reason: 'no-endpoint' }
  const { config, now } = context
  const probe = { issuer: config.oidcIssuer, audience: client.clientId, now: now() }
  return compare(keys, isAccepted, async (key) => {
    const body = new URLSearchParams({ logout_token: await logoutTokenProbe(probe, key) })
    const contentType = 'application/x-www-form-urlencoded'
    const { status } = await send(config, address, { contentType, body: body.toString() })
    return `http ${status}`
  })
}

const isAccepted = (kind: string) => kind === 'http 200' || kind === 'http 204'

function askEndpoint(
  context: LiveContext,
  binding: string,
  location: string,
  keys: LiveKeys,
): Promise<LiveAnswer> {
  return compare(keys, isSamlAnswer, async (key) =>
    kindOfAnswer(await ask(context, binding, location, key)),
  )
}

/** @param isGood whether an answer is one to a message that was believed */
async function compare(
  { present, fresh, stranger }: LiveKeys,
  isGood: (kind: string) => boolean,
  askWith: (key: SigningKey) => Promise<string>,
): Promise<LiveAnswer> {
  const answers: string[] = []
  try {
    for (const key of [present, fresh, stranger]) answers.push(await askWith(key))
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    return { result: 'cannot-tell', reason: 'no-answer', answers: [...answers, error.reason] }
  }
  return judge(answers as [string, string, string], isGood)
}

/** @param answers to the present key, the new one and one that nobody knows */
export function judge(
  answers: readonly [string, string, string],
  isGood: (kind: string) => boolean = isSamlAnswer,
): LiveAnswer {
  const [present, fresh, stranger] = answers
  const unclear = (reason: LiveAnswer['reason']): LiveAnswer => ({
    result: 'cannot-tell',
    reason,
    answers,
  })
  // Without a good answer to the key in use the others mean nothing.
  if (!isGood(present)) return unclear('refuses-present-key')
  if (present === stranger) return unclear('answers-alike')
  if (fresh === present) return { result: 'accepts', answers }
  return fresh === stranger ? { result: 'refuses', answers } : unclear('unclear')
}

async function ask(
  { config, now }: LiveContext,
  binding: string,
  location: string,
  key: MessageKey,
): Promise<HttpAnswer> {
  const probe = { issuer: config.samlEntityId, destination: location, now: now() }
  if (binding === bindings.httpRedirect) return send(config, await redirectProbe(probe, key))
  const xml = await signedProbe(probe, key)
  return binding === bindings.soap
    ? send(config, location, {
        contentType: soapContentType,
        body: soapEnvelope(xml),
        headers: { SOAPAction: '"http://www.oasis-open.org/committees/security"' },
      })
    : send(config, location, {
        contentType: 'application/x-www-form-urlencoded',
        body: new URLSearchParams({ SAMLRequest: Buffer.from(xml).toString('base64') }).toString(),
      })
}

/** One request without cookies; the answer is whatever comes, a redirect too. */
async function send(
  config: LiveContext['config'],
  url: string,
  posted?: PostedBody,
): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(limits.timeoutMs)
  const options = {
    ...limits,
    accept: 'text/html, text/xml, */*;q=0.5',
    allowLoopback: config.fetchLoopback === 'true',
  }
  const answer = await requestOnce(url, options, signal, posted)
  const body = await readBody(answer, url, options, signal)
  return { status: answer.statusCode ?? 0, location: answer.headers.location, body }
}

/** A key of the same type that nobody knows, made for one run of checks. */
export async function strangerKey({ type, certificate, use }: SigningKey): Promise<SigningKey> {
  const privateKey = await makePrivateKey(type)
  const kid = thumbprint(createPublicKey(privateKey))
  const facts = { kid, use, type, state: 'staged', createdAt: new Date(0) } as const
  // The certificate in KeyInfo is a hint; the same one keeps everything but the key alike.
  return localKey({ ...facts, certificate }, privateKey)
}
