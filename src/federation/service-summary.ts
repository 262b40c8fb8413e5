import { logoAddress } from './logos/logos.ts'
import { isWebUrl } from './metadata-text.ts'
import { type RegisteredService, serviceId, serviceName } from './service.ts'

/** A service as pages show it to people, in their language. */
export interface ServiceSummary {
  readonly name: string
  readonly description?: string
  /** On this server; absent while there is none to show. */
  readonly logoUrl?: string
  /** Host the person is about to reach, so that they can tell a look-alike. */
  readonly host?: string
  /** Where the service starts, for links. */
  readonly url?: string
}

export function summarizeService(
  service: RegisteredService,
  language: 'el' | 'en',
): ServiceSummary {
  const address = service.startUrl ?? firstEndpoint(service)
  return {
    name: serviceName(service, language),
    description: service.description[language] ?? service.description.en ?? service.description.el,
    logoUrl: logoAddress(service),
    host: address && URL.canParse(address) ? new URL(address).host : serviceId(service),
    url: service.startUrl,
  }
}

function firstEndpoint(service: RegisteredService): string | undefined {
  if (service.protocol === 'saml') return service.assertionConsumerServices[0]?.location
  if (service.protocol === 'cas') return service.pattern.text
  const [redirectUri] = (service.metadata.redirect_uris as string[] | undefined) ?? []
  return redirectUri
}

/** Where the service says what it does with people's data: an address of the web or nothing. */
export function privacyAddress(
  { privacyStatementUrl: texts }: Pick<RegisteredService, 'privacyStatementUrl'>,
  language: 'el' | 'en',
): string | undefined {
  const url = texts[language] ?? texts.en ?? texts.el ?? Object.values(texts)[0]
  return url && isWebUrl(url) ? url : undefined
}
