import type { Configuration } from 'oidc-provider'
import type { AppContext } from '../context.ts'
import { fetchPublic } from '../fetch/public-fetch.ts'

const limits = { maxBytes: 262_144, timeoutMs: 5000 }

/**
 * How the library reads `jwks_uri` and `sector_identifier_uri`, which strangers name. By itself it
 * looks at an address only once it is connected to it, follows redirects to anywhere, also to http,
 * and reads whatever comes.
 *
 * @returns a function that throws {FetchError}; the library refuses the client then
 */
export function clientFetch({
  config,
}: Pick<AppContext, 'config'>): NonNullable<Configuration['fetch']> {
  return async (url) => {
    const { bytes } = await fetchPublic(String(url), {
      accept: 'application/jwk-set+json, application/json',
      ...limits,
      allowLoopback: config.fetchLoopback === 'true',
    })
    return new Response(new Uint8Array(bytes), { headers: { 'content-type': 'application/json' } })
  }
}

/**
 * Browsers may call token and userinfo from the origins that the service's codes go to. An app's own
 * scheme has the origin "null", as has every sandboxed frame of anybody: no page is meant by it.
 */
export function mayCallFrom(origin: string, redirectUris: readonly string[]): boolean {
  return (
    origin !== 'null' &&
    redirectUris.some((uri) => URL.canParse(uri) && new URL(uri).origin === origin)
  )
}
