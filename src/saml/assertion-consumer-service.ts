import { IdpError } from '../errors.ts'
import type { IndexedEndpoint, ServiceProvider } from '../federation/service.ts'
import type { AuthnRequest } from './authn-request.ts'
import { bindings } from './uris.ts'

type EndpointChoice = Pick<
  AuthnRequest,
  'assertionConsumerServiceUrl' | 'assertionConsumerServiceIndex' | 'protocolBinding'
>

/**
 * Chooses where the Response goes. The request only picks among the addresses in the
 * ServiceProvider's metadata: an unsigned AuthnRequest could otherwise have an Assertion posted
 * anywhere. URLs are compared character by character (saml2int SDP-IDP06).
 *
 * SAML Core 3.4.1, Metadata 2.2.3 (index, isDefault).
 *
 * @throws {IdpError} SAML_ENDPOINT_NOT_REGISTERED; SAML_BINDING_UNSUPPORTED when the place is
 *   known but does not take HTTP-POST, the one binding we answer by
 */
export function chooseAssertionConsumerService(
  sp: ServiceProvider,
  request: EndpointChoice,
): IndexedEndpoint {
  const { assertionConsumerServiceUrl: url, assertionConsumerServiceIndex: index } = request
  const wanted = request.protocolBinding
  const all = sp.assertionConsumerServices
  const candidates = all.filter(
    (endpoint) =>
      (url === undefined || endpoint.location === url) &&
      (index === undefined || endpoint.index === index) &&
      (wanted === undefined || endpoint.binding === wanted),
  )
  if (candidates.length === 0) {
    throw new IdpError(
      'SAML_ENDPOINT_NOT_REGISTERED',
      `${describe(request)} is not an AssertionConsumerService in the metadata of ${sp.entityId}`,
    )
  }
  const usable = candidates.filter(({ binding }) => binding === bindings.httpPost)
  const endpoint = url === undefined && index === undefined ? defaultOf(usable) : usable[0]
  if (!endpoint) {
    throw new IdpError(
      'SAML_BINDING_UNSUPPORTED',
      `${describe(request)} of ${sp.entityId} does not use ${bindings.httpPost}`,
    )
  }
  return endpoint
}

/** Metadata 2.2.3: the first marked default; else the first not marked as not default; else the first. */
function defaultOf(endpoints: readonly IndexedEndpoint[]): IndexedEndpoint | undefined {
  return (
    endpoints.find(({ isDefault }) => isDefault === true) ??
    endpoints.find(({ isDefault }) => isDefault !== false) ??
    endpoints[0]
  )
}

function describe(request: EndpointChoice): string {
  const parts = [
    request.assertionConsumerServiceUrl && `URL "${request.assertionConsumerServiceUrl}"`,
    request.assertionConsumerServiceIndex !== undefined &&
      `index ${request.assertionConsumerServiceIndex}`,
    request.protocolBinding && `binding ${request.protocolBinding}`,
  ].filter(Boolean)
  return parts.length > 0 ? parts.join(' with ') : 'the default'
}
