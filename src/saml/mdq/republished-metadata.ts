import { createHash } from 'node:crypto'
import { XMLSerializer } from '@xmldom/xmldom'
import { ExclusiveCanonicalization } from 'xml-crypto'
import type { PublishedMetadata } from '../../federation/published-metadata.ts'
import { childElement, childElements, parseXml } from '../../xml/safe-xml.ts'
import { cacheDuration } from '../metadata.ts'
import { namespaces } from '../uris.ts'
import { type MessageKey, signEnveloped } from '../xml-signature.ts'
import { escapeAttribute } from '../xml-writer.ts'

/** Twice what is accepted: declarations of a group around the entity come into it. */
const maxRewrittenBytes = 2_097_152
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

/**
 * A service's EntityDescriptor as the root of a document of its own (MDQ SAML profile 2.3: never
 * wrapped), under our signature in place of its own, with the one role that was read and approved.
 * It is valid until `validUntil`, or until its own metadata says, whichever comes first.
 */
export async function signPublishedMetadata(
  { entityId, xml }: PublishedMetadata,
  key: MessageKey,
  validUntil: Date,
): Promise<string> {
  const entity = findEntity(parseXml(xml).documentElement, entityId)
  if (!entity) throw new Error(`the registered metadata of "${entityId}" does not describe it`)
  const until = earliestValidity(entity, validUntil).toISOString()
  removeOtherRoles(entity)
  const declarations = declaredPrefixes(entity)
  for (const signature of childElements(entity, namespaces.ds, 'Signature')) {
    entity.removeChild(signature)
  }
  entity.setAttributeNS(null, 'validUntil', until)
  entity.setAttributeNS(null, 'cacheDuration', cacheDuration)
  entity.removeAttribute('ID')
  const content = new XMLSerializer().serializeToString(entity)
  const id = `_${createHash('sha256').update(content).digest('hex').slice(0, 40)}`
  entity.setAttributeNS(null, 'ID', id)
  const text = canonical(entity)
  const start = /^<[^\s>]+(?:\s+[^\s=>]+="[^"]*")*>/.exec(text)?.[0]
  if (!start) throw new Error(`the metadata of "${entityId}" has no content`)
  return signEnveloped(
    {
      before: withDeclarations(start, declarations),
      after: text.slice(start.length),
      id,
      canonical: text,
    },
    key,
  )
}

function findEntity(root: Element, entityId: string): Element | undefined {
  if (root.localName === 'EntityDescriptor') {
    return root.getAttribute('entityID') === entityId ? root : undefined
  }
  const groups = childElements(root, namespaces.md, 'EntitiesDescriptor')
  const entities = childElements(root, namespaces.md, 'EntityDescriptor').filter((entity) =>
    childElement(entity, namespaces.md, 'SPSSODescriptor'),
  )
  return [...entities, ...groups].reduce<Element | undefined>(
    (found, candidate) => found ?? findEntity(candidate, entityId),
    undefined,
  )
}

/**
 * Nobody looked at another role: an IDPSSODescriptor beside the service's own would be, to all who
 * trust our key, an identity provider for any scope it names.
 */
function removeOtherRoles(entity: Element): void {
  const registered = childElements(entity, namespaces.md, 'SPSSODescriptor').find((role) =>
    role.getAttribute('protocolSupportEnumeration')?.split(/\s+/).includes(namespaces.samlp),
  )
  for (const child of Array.from(entity.childNodes)) {
    if (child.nodeType !== 1 || child === registered) continue
    const { namespaceURI, localName } = child as Element
    if (namespaceURI === namespaces.md && localName?.endsWith('Descriptor')) {
      entity.removeChild(child)
    }
  }
}

function earliestValidity(entity: Element, ours: Date): Date {
  let earliest = ours
  for (let node: Node | null = entity; node?.nodeType === 1; node = node.parentNode) {
    const text = (node as Element).getAttribute('validUntil')
    const theirs = text ? new Date(text) : ours
    if (theirs < earliest) earliest = theirs
  }
  return earliest
}

/** Read once more: the canonicalizer sorts attributes that were set behind those that were read. */
function canonical(entity: Element): string {
  const text = new XMLSerializer().serializeToString(entity)
  const { documentElement } = parseXml(text, { maxBytes: maxRewrittenBytes })
  return String(new ExclusiveCanonicalization().process(documentElement as never, {}))
}

/** Around and inside the entity; of a prefix with two meanings the outer one. */
function declaredPrefixes(entity: Element): ReadonlyMap<string, string> {
  const around: Element[] = []
  for (let node = entity.parentNode; node?.nodeType === 1; node = node.parentNode) {
    around.push(node as Element)
  }
  const found = new Map<string, string>()
  for (const element of [entity, ...around, ...Array.from(entity.getElementsByTagName('*'))]) {
    for (const attribute of Array.from(element.attributes)) {
      const { namespaceURI, prefix, localName, value } = attribute
      if (namespaceURI === xmlnsNamespace && prefix && !found.has(localName)) {
        found.set(localName, value)
      }
    }
  }
  return found
}

/**
 * Exclusive canonicalization leaves out prefixes that only values use, such as xsi:type="xs:string":
 * the signature does not cover them, but readers that check a schema look them up.
 */
function withDeclarations(start: string, prefixes: ReadonlyMap<string, string>): string {
  const missing = [...prefixes].filter(([prefix]) => !start.includes(` xmlns:${prefix}="`))
  const written = missing.map(([prefix, value]) => ` xmlns:${prefix}="${escapeAttribute(value)}"`)
  return `${start.slice(0, -1)}${written.join('')}>`
}
