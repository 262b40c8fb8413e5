/** An error as oidc-provider throws it: RFC 6749 5.2, and what only logs are told. */
export interface ProviderError extends Error {
  readonly error?: string
  readonly error_description?: string
  readonly error_detail?: string
}

/** What of a request its answer depends on; never a secret, a code or a token. */
const shown = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'prompt',
  'code_challenge_method',
  'grant_type',
]

/**
 * Which text says in plain words what is wrong with the client's request.
 *
 * @param route of the library: authorization, token, userinfo, …
 */
export function problemOf(route: string, error: ProviderError): string {
  const { error: kind = '' } = error
  const said = `${error.error_description ?? ''} ${error.error_detail ?? ''} ${error.message}`
  if (/PKCE|code_challenge|code_verifier/i.test(said)) {
    return route === 'token' ? 'PKCE_WRONG' : 'PKCE_MISSING'
  }
  if (route === 'userinfo') return 'ACCESS_TOKEN'
  if (kind === 'invalid_redirect_uri') return 'REDIRECT_URI'
  if (kind === 'invalid_client') return route === 'authorization' ? 'CLIENT_ID' : 'CLIENT_SECRET'
  if (kind === 'invalid_grant') {
    return said.includes('redirect_uri mismatch') ? 'REDIRECT_URI_LATER' : 'CODE'
  }
  if (kind === 'invalid_scope') return 'SCOPE'
  if (kind === 'unsupported_response_type') return 'RESPONSE_TYPE'
  if (kind === 'unsupported_grant_type' || kind === 'unauthorized_client') return 'GRANT_TYPE'
  if (said.includes('missing required parameter')) return 'PARAMETER_MISSING'
  return 'REQUEST'
}

/** What the library says of it and what it received, on one line. */
export function problemDetail(
  error: ProviderError,
  received: Readonly<Record<string, unknown>>,
): string {
  const { error: kind, error_description: description, error_detail: detail } = error
  const said = [kind ?? 'error', description, detail].filter(Boolean).join(': ')
  const came = shown.flatMap((name) =>
    typeof received[name] === 'string' ? [`${name}=${received[name]}`] : [],
  )
  return came.length > 0 ? `${said} | ${came.join(' ')}` : said
}
