import { after, before } from 'node:test'
import { freePorts } from '../../support/free-ports.ts'
import { everyAttribute, identifierAttributes } from './demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './identity-provider.ts'
import { newSiteFolder, type ServiceSite, startServices } from './service-site.ts'
import type { SpApplication } from './shibboleth-config.ts'
import { showLogsOnFailure } from './show-logs.ts'

const persistentFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'

const [plainPort = 0, sealedPort = 0, postingPort = 0, waitingPort = 0] = await freePorts(4)
/** Assertions in clear, unsigned requests; asks for all but the identifiers. */
export const plain: SpApplication = {
  id: 'plain',
  port: plainPort,
  requestedAttributes: everyAttribute.filter((id) => !identifierAttributes.includes(id)),
}
/** Everything encrypted and signed both ways; a pseudonymous service that wants identifiers. */
export const sealed: SpApplication = {
  id: 'sealed',
  port: sealedPort,
  hasEncryptionKey: true,
  signsRequests: true,
  wantsSignedAssertions: true,
  subjectIdRequirement: 'pairwise-id',
  nameIdFormat: persistentFormat,
  requestedAttributes: ['eduPersonTargetedID', 'affiliation'],
}
/** Sends its signed requests by HTTP-POST. */
export const posting: SpApplication = {
  id: 'posting',
  port: postingPort,
  hasEncryptionKey: true,
  signsRequests: true,
  requestBinding: 'HTTP-POST',
  subjectIdRequirement: 'subject-id',
  requestedAttributes: ['eppn', 'eduPersonUniqueId', 'ou', 'schGrAcPersonID'],
}

/** Its metadata came in, and no administrator has looked at it. */
export const waiting: SpApplication = {
  id: 'waiting',
  port: waitingPort,
  isPending: true,
  requestedAttributes: ['eppn'],
}

/**
 * In a test file: a running Propylaia and a Shibboleth SP with the four services above, for all its
 * tests.
 */
export function useShibboleth(): { identityProvider: () => RunningIdentityProvider } {
  let identityProvider: RunningIdentityProvider | undefined
  let site: ServiceSite | undefined
  before(async () => {
    identityProvider = await startIdentityProvider()
    site = await startServices(identityProvider, newSiteFolder(), {
      applications: [plain, sealed, posting, waiting],
    })
  })
  showLogsOnFailure(() => [identityProvider, site])
  after(async () => {
    await site?.stop()
    await identityProvider?.stop()
  })
  return {
    identityProvider: () => {
      if (!identityProvider) throw new Error('it starts in before(): use it inside a test')
      return identityProvider
    },
  }
}
