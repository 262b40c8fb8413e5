/** What an MDQ request asks for. */
export type MdqRequest =
  | { readonly kind: 'entity'; readonly entityId: string }
  | { readonly kind: 'sha1'; readonly digest: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'malformed'; readonly problem: string }

/** SAML Metadata 2.2.1. */
const maxEntityIdLength = 1024

/**
 * Reads the identifier in the path after `…/entities`. It is one segment: its own slashes come as
 * %2F and spaces as %20, so `+` is a plus sign.
 *
 * Metadata Query Protocol (draft-young-md-query) 3.1, and its SAML profile 2.2.2 for `{sha1}`.
 *
 * @param path as it came, not decoded, without the query
 */
export function readMdqRequest(path: string): MdqRequest {
  const [, segment = '', ...more] = path.split('/')
  if (more.length > 0) {
    return { kind: 'malformed', problem: 'write the slashes of the identifier as %2F' }
  }
  if (segment === '') return { kind: 'all' }
  let identifier: string
  try {
    identifier = decodeURIComponent(segment)
  } catch {
    return { kind: 'malformed', problem: 'the identifier is not percent-encoded UTF-8' }
  }
  if (identifier.length > maxEntityIdLength) {
    const problem = `the identifier has more than ${maxEntityIdLength} characters`
    return { kind: 'malformed', problem }
  }
  if (!identifier.startsWith('{sha1}')) return { kind: 'entity', entityId: identifier }
  const digest = identifier.slice('{sha1}'.length)
  return /^[0-9a-f]{40}$/.test(digest)
    ? { kind: 'sha1', digest }
    : { kind: 'malformed', problem: 'expected {sha1} and 40 lower-case hexadecimal digits' }
}
