import { IdpError } from '../errors.ts'
import { lineOf } from '../xml/safe-xml.ts'

/** Codes that pages translate; never rename. */
export type MetadataFindingCode =
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_SHA1'
  | 'KEY_NOT_USABLE'
  | 'ENCRYPTION_KEY_MISSING'
  | 'SIGNING_KEY_MISSING'
  | 'ENDPOINT_HTTP'
  | 'ENDPOINT_INDEX_REPEATED'
  | 'DISPLAY_NAME_MISSING'
  | 'PRIVACY_STATEMENT_MISSING'
  | 'DISPLAY_URL_UNSAFE'
  | 'CONTACT_MISSING'
  | 'NO_REQUESTED_ATTRIBUTES'
  | 'SUBJECT_ID_REQUIREMENT_MISSPELT'
  | 'SUBJECT_ID_REQUIREMENT_UNKNOWN'
  | 'ENTITY_ID_LONG'
  | 'VALID_UNTIL_NEAR'

/** Something in usable metadata that its owner should mend. */
export interface MetadataFinding {
  readonly code: MetadataFindingCode
  /** One English sentence: what was found. */
  readonly message: string
  /** One English sentence: how to mend it. */
  readonly remedy: string
  readonly line?: number
  /** What it is about, as the metadata has it: an address, a day. Foreign text. */
  readonly subject?: string
}

/** What makes metadata unusable; pages translate it as they do findings. Never rename. */
export type MetadataProblemCode =
  | 'XML_UNREADABLE'
  | 'METADATA_ROOT'
  | 'SERVICE_PROVIDER_MISSING'
  | 'SERVICE_PROVIDERS_SEVERAL'
  | 'ENTITY_ID_INVALID'
  | 'SAML2_MISSING'
  | 'METADATA_EXPIRED'
  | 'VALUE_INVALID'
  | 'KEY_TOO_SHORT'
  | 'KEY_TYPE_UNKNOWN'
  | 'CERTIFICATE_UNREADABLE'
  | 'ENDPOINT_INVALID'
  | 'POST_ENDPOINT_MISSING'
  | 'CLIENT_FIELD_INVALID'
  | 'CAS_FIELD_INVALID'

export interface MetadataProblem {
  readonly code: MetadataProblemCode
  /** English: what was expected, what came. */
  readonly message: string
  readonly remedy?: string
  readonly line?: number
}

/** Metadata that cannot be used, with each reason apart for pages. */
export class MetadataError extends IdpError {
  readonly problems: readonly MetadataProblem[]

  constructor(message: string, problems: readonly MetadataProblem[], cause?: unknown) {
    super('METADATA_INVALID', message, { cause })
    this.problems = problems
  }
}

/** What is being read and what was noticed so far. */
export interface MetadataReading {
  readonly entityId: string
  readonly now: Date
  readonly findings: MetadataFinding[]
}

/** Metadata that cannot be used: line, entity, what was expected, what came, what to do. */
export function metadataError(
  problem: string,
  where: {
    element?: Element
    entityId?: string
    remedy?: string
    code?: MetadataProblemCode
  },
): MetadataError {
  const line = where.element && lineOf(where.element)
  const prefix = [line && `line ${line}`, where.entityId && `entityID "${where.entityId}"`]
    .filter(Boolean)
    .join(', ')
  const { remedy, code = 'VALUE_INVALID' } = where
  const message = `${prefix ? `${prefix}: ` : ''}${problem}.${remedy ? ` ${remedy}` : ''}`
  return new MetadataError(message, [
    { code, message: `${problem}.`, ...(remedy && { remedy }), ...(line && { line }) },
  ])
}
