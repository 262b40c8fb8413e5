import type { Language } from '../web/language.ts'

/** One message as it is handed to a mail server or gateway, the same at every try. */
export interface Parcel {
  /** Also the Idempotency-Key and the Message-ID's left part: a second try is known as one. */
  readonly id: string
  readonly to: string
  readonly language: Language
  readonly subject?: string
  readonly text: string
  readonly reference?: string
  readonly createdAt: Date
}

/**
 * What became of one try. accepted: the other side has it; retry: it may take it later; refused:
 * it never will. `reason` is for admins: what the other side said, no secrets.
 */
export type Outcome =
  | { readonly result: 'accepted' }
  | { readonly result: 'retry'; readonly reason: string; readonly afterMs?: number }
  | { readonly result: 'refused'; readonly reason: string }

/** A way out for one channel. */
export interface Carrier {
  /** Tries at a time: the others wait for their turn, so that a slow server costs few connections. */
  readonly turns: number
  /** Tries once. Never rejects. */
  carry(parcel: Parcel): Promise<Outcome>
  /** Ends connections at once; a try that runs ends as `retry`. */
  close(): void
}

/** A trial or test installation without a mail server or gateway: the outbox is where messages go. */
export const outboxOnly: Carrier = {
  turns: 100,
  carry: async () => ({ result: 'accepted' }),
  close() {},
}

/** What Node.js calls certificates that it does not trust. No later try would change that. */
export function isCertificateProblem(code: string | undefined): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME|CA_/.test(code ?? '')
}
