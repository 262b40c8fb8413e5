import { attributeOf, childElements, lineOf } from '../xml/safe-xml.ts'
import { type MetadataReading, metadataError } from './metadata-finding.ts'
import { isLoopbackUrl, isWebUrl } from './metadata-text.ts'
import { httpPostBinding, ns, saml2BindingPrefix } from './metadata-uris.ts'
import type { IndexedEndpoint } from './service.ts'

const maxLocationLength = 1024

/**
 * Where assertions may be posted. At least one must take HTTP-POST, the only binding that we answer
 * by. Endpoints of SAML 1 are left out.
 *
 * @throws {IdpError} METADATA_INVALID for an address a browser must not be sent to
 */
export function readAssertionConsumerServices(
  role: Element,
  reading: MetadataReading,
): IndexedEndpoint[] {
  const elements = childElements(role, ns.md, 'AssertionConsumerService')
  const endpoints = readEndpoints(elements, reading)
  if (!endpoints.some(({ binding }) => binding === httpPostBinding)) {
    throw metadataError('no AssertionConsumerService with the HTTP-POST binding', {
      code: 'POST_ENDPOINT_MISSING',
      element: role,
      entityId: reading.entityId,
      remedy: `Add one with Binding="${httpPostBinding}".`,
    })
  }
  const indexes = endpoints.map(({ index }) => index)
  if (new Set(indexes).size < indexes.length) {
    reading.findings.push({
      code: 'ENDPOINT_INDEX_REPEATED',
      message: 'Two AssertionConsumerServices have the same index; the first one is meant by it.',
      remedy: 'Give every AssertionConsumerService an index of its own.',
      line: lineOf(role),
    })
  }
  return endpoints
}

/** @throws {IdpError} METADATA_INVALID */
export function readSingleLogoutServices(
  role: Element,
  reading: MetadataReading,
): IndexedEndpoint[] {
  return readEndpoints(childElements(role, ns.md, 'SingleLogoutService'), reading)
}

function readEndpoints(elements: readonly Element[], reading: MetadataReading): IndexedEndpoint[] {
  const endpoints: IndexedEndpoint[] = []
  for (const element of elements) {
    const binding = attributeOf(element, 'Binding') ?? ''
    const location = readLocation(element, 'Location', reading)
    const responseLocation = element.hasAttribute('ResponseLocation')
      ? readLocation(element, 'ResponseLocation', reading)
      : undefined
    if (!binding.startsWith(saml2BindingPrefix)) continue
    const index = readIndex(element, reading)
    const isDefault = readBoolean(element, 'isDefault', reading)
    endpoints.push({
      binding,
      location,
      ...(responseLocation !== undefined && { responseLocation }),
      ...(index !== undefined && { index }),
      ...(isDefault !== undefined && { isDefault }),
    })
  }
  return endpoints
}

function readLocation(element: Element, name: string, reading: MetadataReading): string {
  const location = attributeOf(element, name) ?? ''
  const shown = location.length > 100 ? `${location.slice(0, 100)}…` : location
  if (!isWebUrl(location) || location.length > maxLocationLength) {
    throw metadataError(
      `${element.localName} ${name} is "${shown}", expected an absolute https address of at most ${maxLocationLength} characters`,
      {
        code: 'ENDPOINT_INVALID',
        element,
        entityId: reading.entityId,
        remedy: 'Write the full address, from https:// on.',
      },
    )
  }
  if (location.startsWith('http:') && !isLoopbackUrl(location)) {
    reading.findings.push({
      code: 'ENDPOINT_HTTP',
      message: `${element.localName} ${name} "${shown}" is not encrypted: anybody on the way can read and steal sign-ins.`,
      remedy: 'Serve it over https.',
      line: lineOf(element),
      subject: location,
    })
  }
  return location
}

export function readIndex(element: Element, reading: MetadataReading): number | undefined {
  const text = attributeOf(element, 'index')
  if (text === undefined) return undefined
  const index = Number(text)
  if (!/^\d{1,5}$/.test(text.trim()) || index > 65_535) {
    throw metadataError(`${element.localName} index="${text}", expected 0 to 65535`, {
      element,
      entityId: reading.entityId,
    })
  }
  return index
}

/** xs:boolean. */
export function readBoolean(
  element: Element,
  name: string,
  reading: MetadataReading,
): boolean | undefined {
  const text = attributeOf(element, name)?.trim()
  if (text === undefined) return undefined
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw metadataError(`${element.localName} ${name}="${text}", expected "true" or "false"`, {
    element,
    entityId: reading.entityId,
  })
}
