import { casServiceOf } from '../federation/cas-service.ts'
import { clientDisplay } from '../federation/client-metadata.ts'
import { type RegisteredService, selfOrigin, serviceId } from '../federation/service.ts'
import { recordId, type ServiceRecord } from '../federation/service-model.ts'
import { parseServiceProviderMetadata } from '../federation/service-provider-metadata.ts'
import { serviceRecords, toService } from '../federation/service-store.ts'
import type { RegistrationRequest } from './request-model.ts'

export interface RequestReading {
  /** As it would be, with what administrators decided on the one that runs. */
  readonly wanted: RegisteredService
  readonly running?: RegisteredService
  readonly runningRecord?: ServiceRecord
}

/**
 * What the request asks for and what runs now, whoever registered that. Read as of the day it came:
 * metadata may have expired since, and can still be looked at.
 */
export async function readRequest(request: RegistrationRequest): Promise<RequestReading> {
  const { protocol, serviceId: id } = request
  const record = await serviceRecords().findOne({ _id: recordId(protocol, id) })
  const wanted = readWanted(request)
  if (!record) return { wanted }
  const running = toService(record)
  return {
    wanted: { ...wanted, overrides: running.overrides },
    running,
    runningRecord: record,
  }
}

/** Of a service that is only asked for. */
export const unregistered = { state: 'pending', origin: selfOrigin, overrides: {} } as const

function readWanted({ protocol, metadata, createdAt }: RegistrationRequest): RegisteredService {
  if (protocol === 'saml') return parseServiceProviderMetadata(metadata, selfOrigin, createdAt)
  const registered = JSON.parse(metadata) as Record<string, unknown>
  if (protocol === 'cas') return casServiceOf(registered, unregistered)
  return {
    protocol: 'oidc',
    clientId: String(registered.client_id),
    metadata: registered,
    ...clientDisplay(registered),
    ...unregistered,
  }
}

/** The host that people and mails know the service by; what it calls itself could say anything. */
export function hostOf(service: RegisteredService): string {
  if (service.protocol === 'cas') return new URL(service.pattern.text).host
  const address =
    service.protocol === 'saml'
      ? service.assertionConsumerServices[0]?.location
      : (service.metadata.redirect_uris as string[] | undefined)?.[0]
  return address && URL.canParse(address) ? new URL(address).host : serviceId(service)
}
