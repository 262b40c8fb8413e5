/** What happened, to whom, at which service, from where, with what result; never a secret. */
export interface AuditEvent {
  /** E.g. `login`, `logout`, `saml.response`, `oidc.token`, `account.create`, `service.approve`. */
  readonly event: string
  readonly result: 'success' | 'failure'
  /** ErrorCode or reason; absent on success. */
  readonly reason?: string
  readonly personId?: string
  readonly username?: string
  readonly service?: string
  readonly sessionId?: string
  readonly address?: string
  readonly userAgent?: string
  /** Small facts: attribute names released, acr, method. No values of the person. */
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>>
}

export interface AuditLog {
  /** Queues the event; written to the store in batches within about 100 ms and on close. */
  record(event: AuditEvent): void
  /** Writes what is queued. */
  close(): Promise<void>
}
