import { casUserAttribute } from '../attributes/cas-user.ts'
import type { ReleaseTarget } from '../attributes/release-types.ts'
import type { CasReleaseRef } from '../consent/release-ref.ts'

/** What consent is about: the service, and what goes as the user. */
export function casReleaseRef(target: ReleaseTarget): CasReleaseRef {
  const identifier = casUserAttribute(target)
  return { protocol: 'cas', id: target.id, ...(identifier !== undefined && { identifier }) }
}
