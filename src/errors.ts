/**
 * Codes that logs, tests and translations rely on. Add freely; never rename.
 * Each has a title and an explanation in views/locales (`errors.<CODE>.title`, `.text`).
 */
export type ErrorCode =
  | 'INTERNAL_ERROR'
  | 'NOT_FOUND'
  | 'BAD_REQUEST'
  | 'CSRF_INVALID'
  | 'SERVICE_UNAVAILABLE'
  | 'LOGIN_FLOW_INVALID'
  | 'LOGIN_FLOW_EXPIRED'
  | 'SAML_MESSAGE_TOO_LARGE'
  | 'SAML_MESSAGE_INVALID'
  | 'SAML_VERSION_UNSUPPORTED'
  | 'SAML_DESTINATION_MISMATCH'
  | 'SAML_REQUEST_EXPIRED'
  | 'SAML_SIGNATURE_INVALID'
  | 'SAML_SIGNATURE_REQUIRED'
  | 'SAML_SERVICE_UNKNOWN'
  | 'SAML_ENDPOINT_NOT_REGISTERED'
  | 'SAML_BINDING_UNSUPPORTED'
  | 'SAML_NAMEID_POLICY_UNSUPPORTED'
  | 'SAML_ENCRYPTION_UNSUPPORTED'
  | 'SAML_SERVICE_NOT_APPROVED'
  | 'SAML_PASSIVE_IMPOSSIBLE'
  | 'SAML_AUTHN_CONTEXT_UNSUPPORTED'
  | 'SAML_PRINCIPAL_UNKNOWN'
  | 'SAML_CONSENT_REFUSED'
  | 'CONSENT_PERSON_CHANGED'
  | 'METADATA_INVALID'
  | 'METADATA_SIGNATURE_INVALID'
  | 'METADATA_NOT_CURRENT'
  | 'METADATA_SHRUNK'
  | 'METADATA_UNREACHABLE'
  | 'FEDERATION_UNKNOWN'
  | 'OIDC_REQUEST_INVALID'
  | 'OIDC_CLIENT_INVALID'
  | 'ACTIVATION_EXPIRED'
  | 'ACTIVATION_NOT_FOUND'
  | 'ACTIVATION_PIN_EXPIRED'
  | 'ACTIVATION_PIN_USED_UP'
  | 'ACTIVATION_FACT_WRONG'
  | 'ACTIVATION_AMKA_MISMATCH'
  | 'ACTIVATION_AMKA_UNREACHABLE'
  | 'ACTIVATION_NUMBER_TAKEN'
  | 'ACTIVATION_DATA_MISSING'
  | 'ACTIVATION_TAX_NUMBER_INVALID'
  | 'ACTIVATION_ALREADY_ACTIVE'
  | 'ACTIVATION_ACCOUNT_STOPPED'
  | 'ACTIVATION_RECORD_CHANGED'
  | 'ACTIVATION_THROTTLED'
  | 'ACTIVATION_MESSAGE_FAILED'
  | 'ACCOUNT_RECOVERY_EXPIRED'
  | 'ACCOUNT_CODE_EXPIRED'
  | 'ACCOUNT_CODE_USED_UP'
  | 'ACCOUNT_PASSWORD_CHANGED_MEANWHILE'
  | 'ACCOUNT_CHANGED_MEANWHILE'
  | 'ACCOUNT_THROTTLED'
  | 'ACCOUNT_UNDO_INVALID'
  | 'REGISTRATION_THROTTLED'
  | 'REGISTRATION_LINK_INVALID'
  | 'REGISTRATION_CHANGED_MEANWHILE'
  | 'REGISTRATION_TOKEN_INVALID'

/**
 * A failure we expect. Anything else thrown is our bug and becomes a plain 500.
 * The page shows the code and its translation; `message` is for the log.
 */
export class IdpError extends Error {
  override readonly name = 'IdpError'
  readonly code: ErrorCode
  readonly status: number

  constructor(
    code: ErrorCode,
    message: string,
    options: { status?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.status = options.status ?? 400
  }
}
