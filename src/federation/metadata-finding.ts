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
  where: { element?: Element; entityId?: string; remedy?: string },
): IdpError {
  const line = where.element && lineOf(where.element)
  const prefix = [line && `line ${line}`, where.entityId && `entityID "${where.entityId}"`]
    .filter(Boolean)
    .join(', ')
  const remedy = where.remedy ? ` ${where.remedy}` : ''
  return new IdpError('METADATA_INVALID', `${prefix ? `${prefix}: ` : ''}${problem}.${remedy}`)
}
