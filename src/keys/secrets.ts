/**
 * Secrets of this institution that must outlive any machine: made once, kept in the store sealed
 * under the master key in `certs/`, the same on every worker and machine.
 */
export const secretNames = [
  'session-cookie',
  'csrf',
  'login-flow',
  'pairwise',
  'national-number-hmac',
  'national-number-seal',
  'code-hmac',
  'oidc-cookie',
  'client-secret-seal',
  'academicid',
] as const

export type SecretName = (typeof secretNames)[number]

export interface Secrets {
  /** 32 bytes. */
  get(name: SecretName): Buffer
}
