import type Provider from 'oidc-provider'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import type { AppContext } from '../context.ts'
import { FetchError } from '../fetch/public-fetch.ts'
import { randomToken } from '../keys/random-token.ts'
import type { EndedSession, TellService } from '../sso/logout-channels.ts'
import { postLogout } from '../sso/post-logout.ts'
import { sessionIndexFor } from '../sso/sessions.ts'
import { createProvider } from './provider.ts'

type Client = InstanceType<Provider['Client']>

/** The parts of the library that its types leave out. */
interface LogoutToken {
  mask: unknown
  set(name: string, value: unknown): void
  issue(options: { use: 'logout' }): Promise<string>
}

/** A provider that answers no requests: commands have no other. Made anew when the keys change. */
const providers = new WeakMap<AppContext, Provider>()

function providerOf(context: AppContext): Provider {
  let provider = providers.get(context)
  if (!provider) {
    const answersNothing = { answer: () => {}, fail: () => {} }
    provider = createProvider(context, attributeEnvironment(context), answersNothing)
    providers.set(context, provider)
    const stop = context.keys.onChange(() => {
      providers.delete(context)
      stop()
    })
  }
  return provider
}

/**
 * A logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4): typ logout+jwt, two minutes,
 * signed with the algorithm of the client's ID tokens, sub and sid as those have them, no nonce.
 */
export async function logoutToken(
  context: AppContext,
  client: Client,
  session: Pick<EndedSession, 'id' | 'personId'>,
): Promise<string> {
  const { IdToken } = providerOf(context) as unknown as {
    IdToken: new (claims: object, options: { client: Client; ctx: undefined }) => LogoutToken
  }
  const token = new IdToken({ sub: session.personId }, { client, ctx: undefined })
  token.mask = { sub: null }
  token.set('events', { 'http://schemas.openid.net/event/backchannel-logout': {} })
  token.set('jti', randomToken())
  token.set('sid', sessionIndexFor(session, client.clientId))
  return token.issue({ use: 'logout' })
}

/** Tells a client by a logout token, posted to its backchannel_logout_uri. */
export const tellRelyingParty: TellService = async (context, session, service, signal) => {
  const client = await findClient(context, service.id)
  const address = client?.backchannelLogoutUri
  if (!client || typeof address !== 'string') return 'impossible'
  try {
    const logout_token = await logoutToken(context, client, session)
    const status = await postLogout(
      context,
      address,
      { logout_token },
      // The demo's services are on this machine, and a demo is never in production.
      { signal, allowLoopback: context.config.demo },
    )
    // 2.8 of the specification has 200; some frameworks make it 204.
    if (status === 200 || status === 204) return 'done'
    context.log.warn({ service: service.id, status }, 'an OpenID Connect service refused a logout')
    return 'failed'
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    context.log.warn(
      { service: service.id, reason: error.message },
      'an OpenID Connect service could not be told of a logout',
    )
    return 'no-answer'
  }
}

/** @returns undefined for a client that is gone, or may not be used any more */
async function findClient(context: AppContext, clientId: string): Promise<Client | undefined> {
  try {
    return await providerOf(context).Client.find(clientId)
  } catch (error) {
    if ((error as { error?: unknown }).error === 'invalid_client') return undefined
    if ((error as { error?: unknown }).error === 'invalid_client_metadata') return undefined
    throw error
  }
}
