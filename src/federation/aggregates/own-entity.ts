import { type KeyObject, X509Certificate } from 'node:crypto'
import {
  attributeOf,
  childElement,
  childElements,
  parseXml,
  textOf,
  XmlError,
} from '../../xml/safe-xml.ts'
import { ns } from '../metadata-uris.ts'
import { entityKey } from './entity-key.ts'
import { knownFederations } from './federated-services.ts'
import { federationEntities } from './federation-model.ts'
import { findMdqEntity } from './mdq-client.ts'

/** What a federation that we read publishes about an identity provider. */
export interface PublishedIdentityProvider {
  readonly federation: string
  /** Services that this federation vouches for here; absent when it is asked entity by entity. */
  readonly services?: number
  /** Absent: the federation does not have the entity. */
  readonly signingKeys?: readonly KeyObject[]
}

const allRoles = { roles: ['sp', 'idp', 'aa'] } as const

/**
 * Looks an identity provider up in every federation that we read, as a service would: in the version
 * of the aggregate that is in use, or by MDQ. A federation that cannot be asked just now is left out.
 */
export async function findInFederations(
  entityId: string,
  now: Date,
): Promise<PublishedIdentityProvider[]> {
  const found: PublishedIdentityProvider[] = []
  for (const federation of await knownFederations()) {
    const { _id: name, current } = federation
    if (federation.source.kind === 'mdq') {
      // No filter: those are about the services that may sign in here.
      const xml = await findMdqEntity({ ...federation, filters: allRoles }, entityId, now)
      found.push({ federation: name, signingKeys: xml === undefined ? undefined : keysIn(xml) })
      continue
    }
    if (!current || current.validUntil <= now) continue
    const _id = entityKey(current.generation, entityId)
    const entity = await federationEntities().findOne({ _id })
    const xml = entity && Buffer.from(entity.xml.buffer).toString('utf8')
    found.push({
      federation: name,
      // We are among what was taken, and no service.
      services: current.takenCount - (xml === null ? 0 : 1),
      signingKeys: xml === null ? undefined : keysIn(xml),
    })
  }
  return found
}

/** The keys of the IDPSSODescriptor that may sign; what cannot be read is no key. */
function keysIn(xml: string): KeyObject[] {
  let root: Element
  try {
    root = parseXml(xml).documentElement
  } catch (error) {
    if (error instanceof XmlError) return []
    throw error
  }
  const role = childElement(root, ns.md, 'IDPSSODescriptor')
  const descriptors = role ? childElements(role, ns.md, 'KeyDescriptor') : []
  return descriptors
    .filter((descriptor) => attributeOf(descriptor, 'use') !== 'encryption')
    .flatMap((descriptor) => childElements(descriptor, ns.ds, 'KeyInfo'))
    .flatMap((info) => childElements(info, ns.ds, 'X509Data'))
    .flatMap((data) => childElements(data, ns.ds, 'X509Certificate'))
    .flatMap((certificate) => openKey(textOf(certificate)))
}

function openKey(base64: string): KeyObject[] {
  try {
    return [new X509Certificate(Buffer.from(base64, 'base64')).publicKey]
  } catch {
    return []
  }
}
