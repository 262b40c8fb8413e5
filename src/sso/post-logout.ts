import type { AppContext } from '../context.ts'
import { postPublic } from '../fetch/public-post.ts'
import { tellLimitMs } from './tell-services.ts'

/**
 * Posts a form that tells a service of a logout, to an address from its approved registration, which
 * may be in LOGOUT_PRIVATE_NETWORKS. What the service writes is not read.
 *
 * @param options.allowLoopback besides what FETCH_LOOPBACK allows
 * @returns the HTTP status
 * @throws {FetchError} when no answer came within tellLimitMs, or before the signal
 */
export async function postLogout(
  { config }: Pick<AppContext, 'config'>,
  address: string,
  fields: Readonly<Record<string, string>>,
  { signal, allowLoopback = false }: { signal: AbortSignal; allowLoopback?: boolean },
): Promise<number> {
  const { status } = await postPublic(
    address,
    {
      contentType: 'application/x-www-form-urlencoded',
      body: new URLSearchParams(fields).toString(),
    },
    {
      accept: '*/*',
      maxBytes: 0,
      timeoutMs: tellLimitMs,
      allowLoopback: allowLoopback || config.fetchLoopback === 'true',
      networks: config.logoutNetworks,
      signal,
      statusOnly: true,
    },
  )
  return status
}
