import type { RegisteredService } from './service.ts'
import { findService, findServiceById } from './service-store.ts'
import { type ServiceSummary, summarizeService } from './service-summary.ts'

/** How pages name a service known by protocol and id; its id when it is no longer registered. */
export async function describeService(
  reference: { readonly protocol: RegisteredService['protocol']; readonly id: string },
  language: 'el' | 'en',
): Promise<ServiceSummary> {
  const service = await findService(reference.protocol, reference.id)
  return service ? summarizeService(service, language) : { name: reference.id }
}

/** The name alone, where only the id was kept and not the protocol that it is registered for. */
export async function nameService(id: string, language: 'el' | 'en'): Promise<string> {
  const service = await findServiceById(id)
  return service ? summarizeService(service, language).name : id
}
