import type { ExportPart } from '../account/export-parts.ts'
import { listAttempts } from './helpdesk.ts'

/** A person's attempts to activate, for the export of everything held about them. */
export const activationsPart: ExportPart = async ({ context, account }) =>
  (await listAttempts(account._id, context.now())).map((attempt) => ({
    reference: attempt.reference,
    state: attempt.state,
    role: attempt.role,
    language: attempt.language,
    startedAt: attempt.startedAt,
    endedAt: attempt.endedAt,
    proven: attempt.proven,
    events: attempt.events.map(({ at, name }) => ({ at, name })),
  }))
