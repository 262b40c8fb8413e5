import type { Store as SessionStore } from 'express-session'
import type { Logger } from 'pino'
import type { AcademicIds } from './academicid/academic-ids.ts'
import type { AmkaRegistry } from './amka-registry/amka-registry.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { Config } from './config.ts'
import type { Institution } from './institution.ts'
import type { KeyVault } from './keys/key-vault.ts'
import type { Secrets } from './keys/secrets.ts'
import type { KeyRing } from './keys/signing-key.ts'
import type { Messages } from './messages/messages.ts'

/** What every room is given at start: no room reaches for a global instead. */
export interface AppContext {
  readonly config: Config
  readonly institution: Institution
  readonly secrets: Secrets
  readonly keys: KeyRing
  /** For the keys room alone: where private keys are kept. */
  readonly keyVault: KeyVault
  readonly audit: AuditLog
  readonly messages: Messages
  /** Where express sessions live, for whoever ends those of other browsers. */
  readonly sessionStore: SessionStore
  readonly amkaRegistry: AmkaRegistry
  readonly academicIds: AcademicIds
  readonly log: Logger
  readonly now: () => Date
}
