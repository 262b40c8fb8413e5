import { type Profile, SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import { fetchIdentityProvider } from '../../demo/saml-metadata.ts'
import { pathOf, postedForm, requestedAttributes, serviceMetadata } from '../saml/sso-support.ts'
import type { HttpClient } from '../support/http-client.ts'
import type { University } from './institutions.ts'

const entityId = 'https://national-service.example.gr/sp'
const acsUrl = 'https://national-service.example.gr/acs'
const academicIdName = 'urn:oid:1.3.6.1.4.1.36215.1.2.3'

/** What one sign-in told the service. */
export interface Arrival {
  readonly academicId: string | undefined
  readonly principalName: string
  readonly scopedAffiliations: readonly string[]
}

/** A service that takes students of every university and knows them by their AcademicID. */
export const nationalService = {
  entityId,

  /** As its metadata says it to every university. */
  metadata: serviceMetadata({
    entityId,
    acsUrl,
    requestedAttributes: { ...requestedAttributes, schGrAcPersonID: academicIdName },
  }),

  /**
   * A browser that is signed in at the university comes to the service, which checks the Response
   * with a library that is not ours.
   */
  async arrive(university: University, browser: HttpClient): Promise<Arrival> {
    const identityProvider = await fetchIdentityProvider(`${university.baseUrl}/saml/metadata`)
    const library = new SAML({
      issuer: entityId,
      audience: entityId,
      callbackUrl: acsUrl,
      entryPoint: identityProvider.singleSignOnUrl,
      idpIssuer: identityProvider.entityId,
      idpCert: [...identityProvider.certificates],
      signatureAlgorithm: 'sha256',
      identifierFormat: null,
      disableRequestedAuthnContext: true,
      wantAuthnResponseSigned: true,
      wantAssertionsSigned: false,
      validateInResponseTo: ValidateInResponseTo.always,
    })
    const request = await library.getAuthorizeUrlAsync('', undefined, {})
    const form = postedForm(await browser.get(pathOf(request)))
    const { profile } = await library.validatePostResponseAsync({ SAMLResponse: form.SAMLResponse })
    if (!profile) throw new Error('the Response holds no Assertion')
    return read(profile)
  },
}

function read(profile: Profile): Arrival {
  const values = (name: string): string[] => [profile[name] ?? []].flat() as string[]
  const [principalName = ''] = values(requestedAttributes.eduPersonPrincipalName)
  return {
    academicId: values(academicIdName)[0],
    principalName,
    scopedAffiliations: values(requestedAttributes.eduPersonScopedAffiliation).toSorted(),
  }
}
