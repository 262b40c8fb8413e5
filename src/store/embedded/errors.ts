import type { Value } from './bson/value.ts'

/** The server error codes we use, with the names MongoDB gives them. Clients act on the numbers. */
const codes = {
  InternalError: 1,
  BadValue: 2,
  FailedToParse: 9,
  TypeMismatch: 14,
  Overflow: 15,
  IllegalOperation: 20,
  InvalidBSON: 22,
  NamespaceNotFound: 26,
  IndexNotFound: 27,
  PathNotViable: 28,
  ConflictingUpdateOperators: 40,
  CursorNotFound: 43,
  NamespaceExists: 48,
  DollarPrefixedFieldName: 52,
  NotSingleValueField: 54,
  EmptyFieldName: 56,
  CommandNotFound: 59,
  ImmutableField: 66,
  CannotCreateIndex: 67,
  InvalidOptions: 72,
  InvalidNamespace: 73,
  IndexOptionsConflict: 85,
  IndexKeySpecsConflict: 86,
  CommandNotSupported: 115,
  InvalidPipelineOperator: 168,
  CannotIndexParallelArrays: 171,
  QueryPlanKilled: 175,
  ConversionFailure: 241,
  QueryExceededMemoryLimitNoDiskUseAllowed: 292,
  OutOfDiskSpace: 14031,
  BSONObjectTooLarge: 10334,
  DuplicateKey: 11000,
  UnrecognizedPipelineStage: 40324,
  UnknownField: 40415,
} as const

export type CodeName = keyof typeof codes

/** A refusal that goes back to the client as `{ok: 0, code, codeName, errmsg}` or a writeError. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly codeName: CodeName
  readonly code: number
  /** DuplicateKey only: what mongoose turns into a message by the field. */
  keyPattern?: Value
  keyValue?: Value

  constructor(codeName: CodeName, message: string) {
    super(message)
    this.codeName = codeName
    this.code = codes[codeName]
  }
}

/** Thrown for an operator, stage or option of MongoDB that this server does not implement. */
export function unsupported(what: string): CommandError {
  return new CommandError('CommandNotSupported', `the embedded store does not support ${what}`)
}
