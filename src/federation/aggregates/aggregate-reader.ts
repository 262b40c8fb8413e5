import { createHash, type KeyObject } from 'node:crypto'
import { IdpError } from '../../errors.ts'
import type { ReadBytes } from '../../xml/byte-window.ts'
import { CanonicalWriter } from '../../xml/canonical-writer.ts'
import { XmlError } from '../../xml/xml-error.ts'
import { XmlStream } from '../../xml/xml-stream.ts'
import { canonicalText } from '../../xml/xml-text.ts'
import { ns } from '../metadata-uris.ts'
import { invalid, unsigned } from './aggregate-problems.ts'
import { checkValidity, readTimes, type Times, type ValidityLimits } from './aggregate-times.ts'
import { DocumentIds } from './document-ids.ts'
import { type EntityFacts, EntityFactsReader } from './entity-facts.ts'
import { type SliceStart, sliceElement, sliceStart } from './entity-slice.ts'
import {
  attributeOf,
  maxSignatureBytes,
  type SignedDigest,
  verifySignedInfo,
} from './enveloped-signature.ts'
import { readInstant } from './metadata-times.ts'

/** As parseXml takes it: what is larger could not be read when it is used. */
export const maxEntityBytes = 1_048_576
const maxEntityIdLength = 1024
/** The root, and groups in groups. eduGAIN has one level. */
const maxGroupDepth = 4
/** Of the document. An entity is parsed alone later, with parseXml's 32. */
const maxDepth = 32 + maxGroupDepth

export interface AggregateEntity extends EntityFacts {
  /** The EntityDescriptor as a document of its own, validUntil and cacheDuration of its groups in it. */
  readonly xml: Buffer
  /** The earliest of the entity and the groups around it. */
  readonly validUntil: Date
  readonly cacheDurationSeconds?: number
}

export interface AggregateOptions extends ValidityLimits {
  /** Any one of them must have signed. */
  readonly keys: readonly KeyObject[]
  readonly maxBytes: number
  readonly wants?: (facts: EntityFacts) => boolean
  /** Called before the document is known to be genuine: nothing may be used until readAggregate returns. */
  readonly onEntity: (entity: AggregateEntity) => void
}

export interface AggregateSummary {
  /** Whether the root is an EntityDescriptor. */
  readonly isSingle: boolean
  readonly validUntil: Date
  readonly cacheDurationSeconds?: number
  /** When the federation made the document, where its mdrpi:PublicationInfo says so. */
  readonly creationInstant?: Date
  /** All entities of the document. */
  readonly entityCount: number
  /** Those given to onEntity. */
  readonly takenCount: number
  /** Left out because they are too large or past their own validUntil: the first few entityIDs. */
  readonly leftOut: readonly string[]
  readonly bytes: number
}

/**
 * Reads signed SAML metadata of any size in one pass and verifies it: the digest of the root's
 * exclusive-canonical form is computed while entities are cut out, so memory holds one entity.
 *
 * The ds:Signature must be the root's first child element, as the schema has it (SAML Metadata
 * 2.3.1): it says how to canonicalize what follows. Its SignedInfo is verified at once, so that a
 * document by a wrong key costs nothing.
 *
 * @throws {IdpError} METADATA_INVALID, METADATA_SIGNATURE_INVALID, METADATA_NOT_CURRENT
 */
export function readAggregate(read: ReadBytes, options: AggregateOptions): AggregateSummary {
  try {
    return new AggregateReader(read, options).run()
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    throw new IdpError('METADATA_INVALID', `the metadata cannot be read: ${error.message}`, {
      cause: error,
    })
  }
}

interface OpenEntity {
  readonly depth: number
  readonly start: SliceStart
  readonly times: Times
  readonly facts: EntityFactsReader
  readonly entityId: string
  isTooLarge: boolean
}

class AggregateReader {
  readonly #stream: XmlStream
  readonly #options: AggregateOptions
  readonly #entityIds = new Set<string>()
  readonly #ids = new DocumentIds()
  readonly #leftOut: string[] = []
  /** Of the groups that are open, the root first. */
  readonly #times: Times[] = []
  #isInRootExtensions = false
  #creationInstant: Date | undefined
  #taken = 0

  constructor(read: ReadBytes, options: AggregateOptions) {
    this.#options = options
    this.#stream = new XmlStream(read, {
      maxBytes: options.maxBytes,
      maxTokenBytes: maxEntityBytes,
      maxDepth,
    })
  }

  run(): AggregateSummary {
    const stream = this.#stream
    if (stream.next() !== 'start') throw invalid('it holds no element')
    const isSingle = this.#isMetadata('EntityDescriptor')
    if (!isSingle && !this.#isMetadata('EntitiesDescriptor')) {
      throw invalid(
        `the root element is <${stream.name.name}>, expected EntitiesDescriptor or EntityDescriptor of SAML 2.0 metadata`,
      )
    }
    this.#ids.note(stream)
    this.#ids.root = attributeOf(stream, 'ID') ?? ''
    if (this.#ids.root === '') throw unsigned('the root has no ID, so nothing can be signed')
    const times = readTimes(stream, undefined)
    checkValidity(stream, times, this.#options)
    const root = {
      name: stream.name,
      attributes: stream.attributes.slice(0, stream.attributeCount).map((one) => ({ ...one })),
      attributeCount: stream.attributeCount,
    }
    const entity = isSingle ? this.#openEntity(times) : undefined
    if (!isSingle) this.#times.push(times)

    const { signed, before } = this.#readSignature()
    const hash = createHash(signed.digest)
    const writer = new CanonicalWriter((text) => hash.update(text, 'latin1'), signed.prefixList)
    writer.start(root, stream.scope)
    writer.raw(before)
    this.#readRest(writer, entity)
    writer.flush()
    if (!hash.digest().equals(signed.value)) {
      throw unsigned('the digest differs: the document is not the one that was signed')
    }
    return {
      isSingle,
      validUntil: times.validUntil,
      cacheDurationSeconds: times.cacheDurationSeconds,
      creationInstant: this.#creationInstant,
      entityCount: this.#entityIds.size,
      takenCount: this.#taken,
      leftOut: this.#leftOut,
      bytes: stream.to,
    }
  }

  /**
   * Everything up to and with the root's ds:Signature.
   *
   * @returns the text that stands before it, canonical: it is signed, the signature is not
   */
  #readSignature(): { signed: SignedDigest; before: string } {
    const stream = this.#stream
    let before = ''
    for (;;) {
      const kind = stream.next()
      if (kind === 'text') before += this.#text()
      else if (kind === 'start') break
      else throw unsigned('the metadata is not signed')
    }
    if (!this.#isSignature()) {
      throw unsigned(
        `the root's first element is <${stream.name.name}>, expected its ds:Signature there`,
      )
    }
    const start = sliceStart(stream)
    const keptFrom = this.#times.length === 0 ? this.#entityFrom : start.from
    stream.keepFrom = keptFrom
    for (let kind: string = 'start'; kind !== 'end' || stream.depth !== 2; kind = stream.next()) {
      if (kind === 'start') this.#ids.note(stream)
      if (stream.to - start.from > maxSignatureBytes) {
        throw unsigned(`the signature is larger than ${maxSignatureBytes} bytes`)
      }
    }
    const xml = sliceElement(stream, start, stream.to)
    stream.keepFrom = this.#times.length === 0 ? this.#entityFrom : undefined
    return { signed: verifySignedInfo(xml, this.#ids.root, this.#options.keys), before }
  }

  #entityFrom = 0

  #readRest(writer: CanonicalWriter, single: OpenEntity | undefined): void {
    const stream = this.#stream
    let entity = single
    const canonical = () => this.#text()
    for (let kind = stream.next(); kind !== 'eof'; kind = stream.next()) {
      if (kind === 'text') {
        entity?.facts.text(canonical)
      } else if (kind === 'start') {
        this.#ids.note(stream)
        if (stream.depth === 2 && this.#isSignature()) throw unsigned('the root has two signatures')
        if (stream.depth <= 3) this.#readPublication()
        if (entity) entity.facts.start(stream)
        else entity = this.#startOutside()
      } else if (entity) {
        if (stream.depth === entity.depth) {
          this.#closeEntity(entity)
          entity = undefined
        } else entity.facts.end(stream)
      } else if (this.#isMetadata('EntitiesDescriptor') && stream.depth === this.#times.length) {
        this.#times.pop()
      }
      writer.token(kind, stream)
      if (entity && !entity.isTooLarge && stream.to - entity.start.from > maxEntityBytes) {
        entity.isTooLarge = true
        stream.keepFrom = undefined
      }
    }
  }

  /** An element below a group: another group, an entity, or something of the group itself. */
  #startOutside(): OpenEntity | undefined {
    const stream = this.#stream
    // Inside a group's extensions or signature nothing is an entity.
    if (stream.depth !== this.#times.length + 1) return undefined
    if (this.#isMetadata('EntityDescriptor'))
      return this.#openEntity(readTimes(stream, this.#times.at(-1)))
    if (this.#isMetadata('EntitiesDescriptor')) {
      if (this.#times.length >= maxGroupDepth) {
        throw invalid(`groups of entities nested deeper than ${maxGroupDepth} levels`)
      }
      this.#times.push(readTimes(stream, this.#times.at(-1)))
      return undefined
    }
    if (this.#isMetadata('Extensions') || this.#isSignature()) return undefined
    throw invalid(`<${stream.name.name}> in a group of entities, which holds entities only`)
  }

  #openEntity(times: Times): OpenEntity {
    const stream = this.#stream
    const entityId = attributeOf(stream, 'entityID') ?? ''
    if (entityId === '') throw invalid(`byte ${stream.from}: an entity without entityID`)
    if (entityId.length > maxEntityIdLength) {
      throw invalid(
        `an entityID has ${entityId.length} characters, expected at most ${maxEntityIdLength}: "${entityId.slice(0, 80)}…"`,
      )
    }
    if (this.#entityIds.has(entityId)) {
      throw invalid(`the entityID "${entityId.slice(0, 200)}" stands twice`)
    }
    this.#entityIds.add(entityId)
    stream.keepFrom = stream.from
    this.#entityFrom = stream.from
    return {
      depth: stream.depth,
      start: sliceStart(stream),
      times,
      facts: new EntityFactsReader(entityId, stream.depth),
      entityId,
      isTooLarge: false,
    }
  }

  #closeEntity({ start, times, facts: reader, entityId, isTooLarge }: OpenEntity): void {
    const stream = this.#stream
    const { now, wants, onEntity } = this.#options
    const facts = reader.facts()
    const isPast = times.validUntil <= now
    if (isTooLarge || isPast) {
      if (this.#leftOut.length < 20) this.#leftOut.push(entityId)
    } else if (wants?.(facts) ?? true) {
      const { validUntil, cacheDurationSeconds } = times
      const changed = {
        validUntil: validUntil.toISOString(),
        ...(cacheDurationSeconds !== undefined && { cacheDuration: `PT${cacheDurationSeconds}S` }),
      }
      const xml = sliceElement(stream, start, stream.to, { changed, usedOnly: true })
      this.#taken += 1
      onEntity({ ...facts, xml, validUntil, cacheDurationSeconds })
    }
    stream.keepFrom = undefined
  }

  /**
   * mdrpi:PublicationInfo of the root (SAML Metadata RPI 2.2.1): in its Extensions and nowhere else.
   * An instant that cannot be read counts as none.
   */
  #readPublication(): void {
    const stream = this.#stream
    const { local, prefix } = stream.name
    if (stream.depth === 2) this.#isInRootExtensions = this.#isMetadata('Extensions')
    else if (
      this.#isInRootExtensions &&
      local === 'PublicationInfo' &&
      stream.scope.get(prefix) === ns.mdrpi
    ) {
      this.#creationInstant ??= readInstant(attributeOf(stream, 'creationInstant') ?? '')
    }
  }

  #text(): string {
    const raw = this.#stream.rawText()
    return this.#stream.isPlain ? raw : canonicalText(raw, this.#stream.isCdata)
  }

  #isMetadata(local: string): boolean {
    const { name, scope } = this.#stream
    return name.local === local && scope.get(name.prefix) === ns.md
  }

  #isSignature(): boolean {
    const { name, scope } = this.#stream
    return name.local === 'Signature' && scope.get(name.prefix) === ns.ds
  }
}
