/** What any program may need from the environment, and nothing that is secret. */
const plain = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SystemRoot',
  // Where certificates are that this machine trusts.
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]

/**
 * The environment of a program that this one starts: not ours, which has MASTER_KEY and passwords of
 * the store and of the mail server in it.
 *
 * @param names variables that this program needs besides
 */
export function childEnvironment(names: readonly string[] = []): Record<string, string> {
  const chosen = [...plain, ...names].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(chosen)
}
