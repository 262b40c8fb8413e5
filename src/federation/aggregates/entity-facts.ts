import type { XmlStream } from '../../xml/xml-stream.ts'
import { decodeCanonical } from '../../xml/xml-text.ts'
import { cleanText } from '../metadata-text.ts'
import { entityCategoryAttribute, ns } from '../metadata-uris.ts'
import { attributeOf } from './enveloped-signature.ts'

export type EntityRole = 'sp' | 'idp' | 'aa'

/** What the index knows of an entity; the rest is read from its XML when it is used. */
export interface EntityFacts {
  readonly entityId: string
  readonly roles: readonly EntityRole[]
  readonly registrationAuthority?: string
  readonly entityCategories: readonly string[]
  /** By language: mdui:DisplayName of the service, else OrganizationDisplayName. */
  readonly names: Readonly<Record<string, string>>
}

const maxTextLength = 4096
const maxCategories = 100

/** Steps of interest below the entity, by local name; anything else is `-`. */
const steps: Readonly<Record<string, string>> = {
  Extensions: ns.md,
  SPSSODescriptor: ns.md,
  IDPSSODescriptor: ns.md,
  AttributeAuthorityDescriptor: ns.md,
  Organization: ns.md,
  OrganizationDisplayName: ns.md,
  RegistrationInfo: ns.mdrpi,
  EntityAttributes: ns.mdattr,
  Attribute: ns.saml,
  AttributeValue: ns.saml,
  UIInfo: ns.mdui,
  DisplayName: ns.mdui,
}
const roles: Readonly<Record<string, EntityRole>> = {
  SPSSODescriptor: 'sp',
  IDPSSODescriptor: 'idp',
  AttributeAuthorityDescriptor: 'aa',
}
const categoryPath = 'Extensions/EntityAttributes/Attribute'

/**
 * Collects the facts of one entity while its tokens pass. What stands deeper or elsewhere is passed
 * over as parseServiceProviderMetadata does: attributes inside a role mean nothing.
 */
export class EntityFactsReader {
  readonly #entityId: string
  readonly #depth: number
  readonly #roles = new Set<EntityRole>()
  readonly #categories = new Set<string>()
  readonly #serviceNames: Record<string, string> = {}
  readonly #organizationNames: Record<string, string> = {}
  readonly #path: string[] = []
  #registrationAuthority: string | undefined
  #isCategory = false
  #capture: { text: string; done: (text: string) => void; depth: number } | undefined

  /** @param depth of the EntityDescriptor */
  constructor(entityId: string, depth: number) {
    this.#entityId = entityId
    this.#depth = depth
  }

  start(stream: XmlStream): void {
    const level = stream.depth - this.#depth
    if (level > 4) return
    // A known path ends where something unknown begins, and nothing below it is looked at.
    if (this.#path.length !== level - 1) return
    const { local, prefix } = stream.name
    if (!Object.hasOwn(steps, local) || stream.scope.get(prefix) !== steps[local]) return
    this.#path.push(local)
    if (level === 1) {
      const role = Object.hasOwn(roles, local) ? roles[local] : undefined
      if (role) this.#roles.add(role)
      return
    }
    this.#inside(stream, this.#path.join('/'))
  }

  end(stream: XmlStream): void {
    const level = stream.depth - this.#depth
    if (this.#capture?.depth === stream.depth) {
      this.#capture.done(decodeCanonical(this.#capture.text))
      this.#capture = undefined
    }
    if (this.#path.length === level) this.#path.pop()
  }

  /** @param canonical the text as canonical XML has it */
  text(canonical: () => string): void {
    const capture = this.#capture
    if (capture && capture.text.length < maxTextLength) {
      capture.text += canonical().slice(0, maxTextLength)
    }
  }

  facts(): EntityFacts {
    const names =
      Object.keys(this.#serviceNames).length > 0 ? this.#serviceNames : this.#organizationNames
    return {
      entityId: this.#entityId,
      roles: [...this.#roles],
      ...(this.#registrationAuthority !== undefined && {
        registrationAuthority: this.#registrationAuthority,
      }),
      entityCategories: [...this.#categories],
      names,
    }
  }

  #inside(stream: XmlStream, path: string): void {
    if (path === 'Extensions/RegistrationInfo') {
      this.#registrationAuthority ??= attributeOf(stream, 'registrationAuthority')
    } else if (path === categoryPath) {
      this.#isCategory = attributeOf(stream, 'Name') === entityCategoryAttribute
    } else if (path === `${categoryPath}/AttributeValue`) {
      if (!this.#isCategory || this.#categories.size >= maxCategories) return
      this.#take(stream, (text) => this.#categories.add(text.trim()))
    } else if (path === 'SPSSODescriptor/Extensions/UIInfo/DisplayName') {
      this.#takeName(stream, this.#serviceNames)
    } else if (path === 'Organization/OrganizationDisplayName') {
      this.#takeName(stream, this.#organizationNames)
    }
  }

  #takeName(stream: XmlStream, names: Record<string, string>): void {
    const language = /^([a-z]{2,3})(-|$)/i.exec(attributeOf(stream, 'xml:lang') ?? '')?.[1]
    if (!language) return
    this.#take(stream, (text) => {
      const name = cleanText(text, 256)
      if (name) names[language.toLowerCase()] ??= name
    })
  }

  #take(stream: XmlStream, done: (text: string) => void): void {
    this.#capture = { text: '', done, depth: stream.depth }
  }
}
