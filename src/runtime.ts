import mongoose from 'mongoose'
import pino, { type Logger } from 'pino'
import type { AcademicIdService } from './academicid/academic-ids.ts'
import { openAcademicIds } from './academicid/open-academic-ids.ts'
import { openAmkaRegistry } from './amka-registry/open-amka-registry.ts'
import { openAuditLog } from './audit/store-audit-log.ts'
import { endTickets, endTicketsOfService, tellCasService } from './cas/single-logout.ts'
import { type Config, demoInstitutionFile } from './config.ts'
import { onWithdraw } from './consent/withdraw.ts'
import type { AppContext } from './context.ts'
import { useClientSecretKey } from './federation/client-secrets.ts'
import { reloadLogos } from './federation/logos/logos.ts'
import { clearServiceCache } from './federation/service-store.ts'
import { loadInstitution } from './institution.ts'
import { followKeys } from './keys/follow-keys.ts'
import { openKeyRing } from './keys/key-ring.ts'
import { openMasterKeys } from './keys/master-key.ts'
import { openSecrets } from './keys/secrets-store.ts'
import { splitCommand, startKeySigner } from './keys/signer-process.ts'
import { type MessageService, openMessages } from './messages/open-messages.ts'
import { endGrants, endGrantsOfService, endGrantsOfSession } from './oidc/end-grants.ts'
import { byBrowser, tellBySoap } from './saml/logout-channel.ts'
import { onEndEverywhere } from './sso/end-everywhere.ts'
import { onLogout, onSessionEnd } from './sso/logout-channels.ts'
import { openSessionStore, type SessionStore } from './sso/session-store.ts'
import { logoutsSettled } from './sso/tell-services.ts'
import { openStore, type Store } from './store/connection.ts'
import { watchVersions } from './store/versions.ts'

/** Everything that server and command line open the same way, and close in one call. */
export interface Runtime {
  readonly context: AppContext
  readonly store: Store
  readonly sessions: SessionStore
  /** context.messages, with what only a server does with it. */
  readonly messages: MessageService
  /** context.academicIds, in the same way. */
  readonly academicIds: AcademicIdService
  close(): Promise<void>
}

/**
 * Opens store, secrets, keys, audit and sessions.
 *
 * @param embedded who may hold the embedded store: see openStore
 * @throws {ConfigError} when a file or key is not usable
 */
export async function openRuntime(
  config: Config,
  options: { embedded: 'own' | 'join' | 'auto'; log?: Logger; now?: () => Date },
): Promise<Runtime> {
  const now = options.now ?? (() => new Date())
  const log = options.log ?? pino({ level: config.logLevel })
  const institution = loadInstitution(config.institutionFile ?? demoInstitutionFile)
  const masterKeys = openMasterKeys(config)
  const signer = config.keySignerCommand
    ? startKeySigner({
        command: splitCommand(config.keySignerCommand),
        environment: config.keySignerEnvironment,
        onTrouble: (message) => log.error(`the key signer: ${message}`),
      })
    : undefined
  const store = await openStore(config, { embedded: options.embedded })
  try {
    // Uniqueness of people, usernames and keys rests on indexes: they stand before the first request.
    await Promise.all(Object.values(mongoose.models).map((registered) => registered.init()))
    const secrets = await openSecrets(masterKeys, now())
    useClientSecretKey(secrets)
    onEndEverywhere(endGrants)
    onLogout('saml', tellBySoap, byBrowser)
    // Loaded when somebody is told: commands need not wait for the library.
    onLogout('oidc', async (...about) =>
      (await import('./oidc/logout-channel.ts')).tellRelyingParty(...about),
    )
    onSessionEnd('oidc', endGrantsOfSession)
    onLogout('cas', tellCasService)
    onSessionEnd('cas', endTickets)
    onWithdraw(endGrantsOfService)
    onWithdraw(endTicketsOfService)
    const keyVault = { masterKeys, signer }
    const keys = await openKeyRing(config, keyVault, now)
    const audit = openAuditLog(log, now)
    const amkaRegistry = openAmkaRegistry({ config, secrets, log })
    const academicIds = await openAcademicIds({ config, secrets, audit, log, now })
    const messages = await openMessages({ config, institution, log, now, audit })
    const sessions = await openSessionStore(config, log, now)
    const followed = followKeys(keys, {
      onError: (error) => log.error({ err: error }, 'signing keys cannot be read'),
    })
    const watcher = watchVersions((name) => {
      if (name === 'keys') followed.changed()
      if (name === 'federation') clearServiceCache()
      if (name === 'logos')
        void reloadLogos().catch((error) => log.error({ err: error }, 'logos cannot be read'))
    })
    return {
      context: {
        config,
        institution,
        secrets,
        keys,
        keyVault,
        audit,
        messages,
        sessionStore: sessions.store,
        amkaRegistry,
        academicIds,
        log,
        now,
      },
      store,
      sessions,
      messages,
      academicIds,
      async close() {
        watcher.stop()
        followed.stop()
        await logoutsSettled()
        await academicIds.close()
        // Before the audit log: what it could not send is recorded there.
        await messages.close()
        await audit.close()
        await sessions.close()
        await signer?.close()
        await store.close()
      },
    }
  } catch (error) {
    await signer?.close()
    await store.close()
    throw error
  }
}
