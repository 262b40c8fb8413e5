import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { samlReleaseTarget } from '../attributes/targets.ts'
import type { ServiceProvider } from '../federation/service.ts'
import { keyedHash } from '../keys/keyed-hash.ts'
import { randomToken } from '../keys/random-token.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { buildResponse } from '../saml/assertion.ts'
import { assertionEncryption } from '../saml/encryption.ts'
import { authnContextClasses, bindings, nameIdFormats, namespaces } from '../saml/uris.ts'
import { keyInfo, signEnveloped } from '../saml/xml-signature.ts'
import { escapeAttribute, escapeText } from '../saml/xml-writer.ts'
import { syntheticAccount, syntheticPerson } from './synthetic-person.ts'

/** RFC 2606 section 2: no domain will ever be under it, so nobody's identifier ends like this. */
export const sandboxScope = 'sandbox.invalid'

const sessionMs = 5 * 60_000

export function sandboxEntityId({ baseUrl }: { readonly baseUrl: string }): string {
  return `${baseUrl}/federation/sandbox/metadata`
}

/**
 * The rules by which the service would get data, with another Issuer, scope and key of identifiers:
 * whatever leaves here, no value of it is one that a person has or could get.
 */
export function sandboxEnvironment(
  environment: AttributeEnvironment,
  config: { readonly baseUrl: string },
): AttributeEnvironment {
  return {
    ...environment,
    scope: sandboxScope,
    entityId: sandboxEntityId(config),
    pairwiseKey: keyedHash(environment.pairwiseKey, 'sandbox'),
  }
}

/** A real Response about a person who does not exist, unsolicited, for the service's default endpoint. */
export async function sandboxResponse(
  sp: ServiceProvider,
  environment: AttributeEnvironment,
  key: SigningKey,
  clock: { readonly now: Date; readonly clockSkewMs: number },
): Promise<{
  readonly destination: string
  readonly xml: string
  readonly released: readonly string[]
}> {
  const { now } = clock
  const subject = { account: syntheticAccount, person: syntheticPerson, now }
  const { attributes } = decideRelease(subject, samlReleaseTarget(sp, environment), environment)
  const byPost = sp.assertionConsumerServices.filter(({ binding }) => binding === bindings.httpPost)
  // The reader of metadata lets none in without such an endpoint.
  const { location } = byPost.find(({ isDefault }) => isDefault) ?? byPost[0]!
  const xml = await buildResponse(
    {
      issuer: environment.entityId,
      audience: sp.entityId,
      destination: location,
      nameId: { format: nameIdFormats.transient, value: `test-${randomToken()}` },
      sessionIndex: `test-${randomToken()}`,
      authnInstant: now,
      sessionNotOnOrAfter: new Date(now.getTime() + sessionMs),
      authnContextClassRef: authnContextClasses.unspecified,
      attributes,
      ...clock,
    },
    { key, signAssertion: sp.wantAssertionsSigned, encryption: assertionEncryption(sp) },
  )
  return {
    destination: location,
    xml,
    released: attributes.map(({ definition }) => definition.name),
  }
}

/** Metadata of the sandbox, for a service to trust while it tests, and to forget afterwards. */
export async function sandboxMetadata(
  config: { readonly baseUrl: string },
  key: SigningKey,
  validUntil: Date,
): Promise<string> {
  const id = `_sandbox${validUntil.getTime()}`
  const entityId = sandboxEntityId(config)
  const info = keyInfo(key).replace('<ds:KeyInfo>', `<ds:KeyInfo xmlns:ds="${namespaces.ds}">`)
  return signEnveloped(
    {
      id,
      before: `<md:EntityDescriptor xmlns:md="${namespaces.md}" ID="${id}" entityID="${escapeAttribute(entityId)}" validUntil="${validUntil.toISOString()}">`,
      after:
        `<md:IDPSSODescriptor protocolSupportEnumeration="${namespaces.samlp}">` +
        `<md:Extensions><shibmd:Scope xmlns:shibmd="${namespaces.shibmd}" regexp="false">${escapeText(sandboxScope)}</shibmd:Scope></md:Extensions>` +
        `<md:KeyDescriptor use="signing">${info}</md:KeyDescriptor>` +
        `<md:NameIDFormat>${nameIdFormats.transient}</md:NameIDFormat>` +
        // Metadata 2.4.3 demands one. It answers that a test login begins on the request's page.
        `<md:SingleSignOnService Binding="${bindings.httpRedirect}" Location="${escapeAttribute(`${config.baseUrl}/federation/sandbox/sso`)}"></md:SingleSignOnService>` +
        `</md:IDPSSODescriptor></md:EntityDescriptor>`,
    },
    key,
  )
}
