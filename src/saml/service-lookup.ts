import { IdpError } from '../errors.ts'
import type { ServiceProvider } from '../federation/service.ts'

/** findServiceProvider of the federation room, or a test's own. */
export type FindServiceProvider = (
  entityId: string,
  now: Date,
) => Promise<ServiceProvider | undefined>

/**
 * The service that a message names, if it may be answered.
 *
 * @throws {IdpError} SAML_SERVICE_UNKNOWN, or SAML_SERVICE_NOT_APPROVED while an administrator has
 *   not looked at it
 */
export async function approvedServiceProvider(
  find: FindServiceProvider,
  entityId: string,
  now: Date,
): Promise<ServiceProvider> {
  const sp = await find(entityId, now)
  if (!sp) {
    throw new IdpError('SAML_SERVICE_UNKNOWN', `no service is registered as "${entityId}"`, {
      status: 403,
    })
  }
  if (sp.state !== 'approved') {
    throw new IdpError('SAML_SERVICE_NOT_APPROVED', `${entityId} waits for approval`, {
      status: 403,
    })
  }
  if (sp.validUntil && sp.validUntil <= now) {
    throw new IdpError(
      'SAML_SERVICE_UNKNOWN',
      `the metadata of ${entityId} was valid until ${sp.validUntil.toISOString()}`,
      { status: 403 },
    )
  }
  return sp
}
