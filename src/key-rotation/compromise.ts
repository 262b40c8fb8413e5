import type { AppContext } from '../context.ts'
import { type RegisteredService, serviceId, serviceName } from '../federation/service.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { certificateFacts } from '../keys/certificate.ts'
import { type KeysContext, revokeKey } from '../keys/key-life.ts'
import type { KeyRecord } from '../keys/key-records.ts'
import type { Language } from '../web/language.ts'
import { signsFor } from './rehearsal.ts'
import { messageTexts } from './reminders.ts'
import { type ServiceContact, serviceContacts } from './service-contacts.ts'

export type CompromiseContext = KeysContext & Pick<AppContext, 'config' | 'institution' | 'now'>

/** A service that believes what the key signs. */
export interface AffectedService {
  readonly id: string
  readonly name: string
  readonly contacts: readonly ServiceContact[]
}

/** What to send to those who run the services, in both languages. */
export type CompromiseText = Readonly<Record<Language, { subject: string; text: string }>>

export interface Compromise {
  readonly revoked: KeyRecord
  /** The key that took over; absent when the revoked one did not sign. */
  readonly successor?: KeyRecord
  readonly affected: readonly AffectedService[]
  readonly text?: CompromiseText
}

/** The approved services that a stolen private key could deceive. */
export async function affectedServices(
  { now }: Pick<CompromiseContext, 'now'>,
  key: KeyRecord,
): Promise<AffectedService[]> {
  const approved = await listApprovedServices(now())
  return approved.filter((service) => dependsOn(service, key)).map(describe)
}

/** A key that was only published is believed just as one that signs. */
function dependsOn(service: RegisteredService, key: KeyRecord): boolean {
  const { use } = key
  // What services encrypt is for us to open: they need not be afraid of forgeries.
  if (use === 'saml-encryption') return false
  if (service.protocol !== use) return false
  if (service.protocol !== 'oidc') return true
  return signsFor(key, String(service.metadata.id_token_signed_response_alg ?? 'RS256'))
}

function describe(service: RegisteredService): AffectedService {
  return {
    id: serviceId(service),
    name: serviceName(service, 'en'),
    contacts: serviceContacts(service),
  }
}

/**
 * The emergency: the key leaves metadata and JWKS, signs nothing any more and is erased, and another
 * one signs from this moment. No date is waited for: services that do not know the successor yet
 * refuse our answers until they read our metadata, which is better than believing the thief's.
 *
 * @throws {IdpError} those of revokeKey()
 */
export async function revokeCompromisedKey(
  context: CompromiseContext,
  key: KeyRecord,
  options: { readonly by: string; readonly reason: string },
): Promise<Compromise> {
  const affected = await affectedServices(context, key)
  const { revoked, successor } = await revokeKey(context, key.kid, options)
  return { revoked, successor, affected, text: compromiseText(context, revoked) }
}

function compromiseText(
  context: CompromiseContext,
  revoked: KeyRecord,
): CompromiseText | undefined {
  const { config, institution, keys } = context
  if (revoked.use === 'saml-encryption') return undefined
  const algorithm = revoked.algorithm === 'ES256' ? 'ES256' : 'RS256'
  const signing = keys.active(revoked.use, algorithm)
  const inLanguage = (language: Language) => {
    const t = messageTexts(config)[language]
    const common = {
      institution: institution.name[language],
      contact: institution.securityContact.email,
    }
    if (revoked.use === 'saml') {
      const values = {
        ...common,
        metadataUrl: `${config.baseUrl}/saml/metadata`,
        entityId: config.samlEntityId,
        oldFingerprint: revoked.certificate?.sha256 ?? revoked.kid,
        newFingerprint: signing.certificate
          ? certificateFacts(signing.certificate).sha256
          : signing.kid,
      }
      return {
        subject: t('messages.keys.compromised.saml.subject', values),
        text: t('messages.keys.compromised.saml.mail', values),
      }
    }
    const values = {
      ...common,
      jwksUrl: `${config.baseUrl}/oidc/jwks`,
      issuer: config.oidcIssuer,
      oldKid: revoked.kid,
      newKid: signing.kid,
    }
    return {
      subject: t('messages.keys.compromised.oidc.subject', values),
      text: t('messages.keys.compromised.oidc.mail', values),
    }
  }
  return { el: inLanguage('el'), en: inLanguage('en') }
}
