import { type AttributeId, attributeNames, nameFormatOf } from './attribute-map.ts'

/** One SAML service of the Shibboleth SP: an entityID of its own on a port of its own. */
export interface SpApplication {
  readonly id: string
  readonly port: number
  /** Registered, but not approved: nobody may sign in to it yet. */
  readonly isPending?: boolean
  /** Publishes an encryption key, so assertions must come encrypted. */
  readonly hasEncryptionKey?: boolean
  /** Signs its AuthnRequests and says so in its metadata. */
  readonly signsRequests?: boolean
  /** Refuses assertions without a signature of their own, and says so in its metadata. */
  readonly wantsSignedAssertions?: boolean
  readonly requestBinding?: 'HTTP-Redirect' | 'HTTP-POST'
  /** Asks us for a logout by this instead of the browser; here without TLS. */
  readonly logoutBinding?: 'SOAP'
  /** Waits for our LogoutResponse. By itself it leaves the browser with us (Asynchronous Logout). */
  readonly wantsLogoutResponse?: boolean
  /** Registered without its SOAP address: only the browser can tell it of a logout. */
  readonly hasNoSoapLogout?: boolean
  readonly nameIdFormat?: string
  /** urn:oasis:names:tc:SAML:profiles:subject-id:req */
  readonly subjectIdRequirement?: 'subject-id' | 'pairwise-id'
  readonly requestedAttributes: readonly AttributeId[]
}

export interface SpFiles {
  readonly folder: string
  readonly identityProvider: string
  readonly identityProviderMetadataUrl: string
  /** PEM, as an operator gets it out of band. */
  readonly identityProviderCertificateFile: string
  /** Read in place of what is at the URL: unsigned, as people once got it by mail. */
  readonly identityProviderMetadataFile?: string
  /** How often it looks for newer metadata of ours; two hours when absent. */
  readonly metadataRefreshSeconds?: number
}

export function applicationUrl({ port }: SpApplication): string {
  return `http://127.0.0.1:${port}`
}

export function applicationEntityId(application: SpApplication): string {
  return `${applicationUrl(application)}/shibboleth`
}

/** shibboleth2.xml: Debian's defaults where it can have them, one application for each service. */
export function shibbolethXml(applications: readonly SpApplication[], files: SpFiles): string {
  const [first, ...others] = applications
  if (!first) throw new Error('a service provider needs an application')
  const { folder, metadataRefreshSeconds } = files
  const refresh =
    metadataRefreshSeconds === undefined
      ? 'maxRefreshDelay="7200"'
      : `minRefreshDelay="1" maxRefreshDelay="${metadataRefreshSeconds}"`
  return `<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config"
    xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
    xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"
    xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" clockSkew="180">
  <OutOfProcess logger="${folder}/shibd.logger"/>
  <InProcess logger="${folder}/native.logger"/>
  <UnixListener address="${folder}/shibd.sock"/>
  <ApplicationDefaults entityID="${applicationEntityId(first)}" REMOTE_USER="eppn" ${settingsOf(first)}>
    ${sessions(first, files)}
    <Errors supportContact="nobody@localhost" session="${folder}/error.txt"/>
    ${
      files.identityProviderMetadataFile === undefined
        ? `<MetadataProvider type="XML" validate="true" url="${files.identityProviderMetadataUrl}"
        backingFilePath="${folder}/idp-metadata.xml" ${refresh}>
      <MetadataFilter type="RequireValidUntil" maxValidityInterval="2419200"/>
      <MetadataFilter type="Signature" certificate="${files.identityProviderCertificateFile}" verifyBackup="false"/>
    </MetadataProvider>`
        : `<MetadataProvider type="XML" validate="true" path="${files.identityProviderMetadataFile}"/>`
    }
    <AttributeExtractor type="XML" validate="true" path="${folder}/attribute-map.xml"/>
    <AttributeFilter type="XML" validate="true" path="/etc/shibboleth/attribute-policy.xml"/>
    ${credentials(first, folder)}
${others.map((application) => override(application, files)).join('\n')}
  </ApplicationDefaults>
  <SecurityPolicyProvider type="XML" validate="true" path="/etc/shibboleth/security-policy.xml"/>
  <ProtocolProvider type="XML" validate="true" reloadChanges="false" path="/etc/shibboleth/protocols.xml"/>
</SPConfig>
`
}

function override(application: SpApplication, files: SpFiles): string {
  return `    <ApplicationOverride id="${application.id}" entityID="${applicationEntityId(application)}" ${settingsOf(application)}>
    ${sessions(application, files)}
    ${credentials(application, files.folder)}
    </ApplicationOverride>`
}

function settingsOf(application: SpApplication): string {
  const { signsRequests = false, wantsSignedAssertions = false, logoutBinding } = application
  const inClear = logoutBinding
    ? 'requireConfidentiality="false" requireTransportAuth="false" '
    : ''
  return `${inClear}signing="${signsRequests}" encryption="false" requireSignedAssertions="${wantsSignedAssertions}"`
}

function sessions(application: SpApplication, files: SpFiles): string {
  const { requestBinding = 'HTTP-Redirect', nameIdFormat, logoutBinding } = application
  const logoutAttributes = [
    logoutBinding ? `outgoingBindings="urn:oasis:names:tc:SAML:2.0:bindings:${logoutBinding}"` : '',
    application.wantsLogoutResponse ? 'asynchronous="false"' : '',
  ].join(' ')
  return `<Sessions lifetime="28800" timeout="3600" relayState="ss:mem" checkAddress="false"
        handlerSSL="false" cookieProps="http" redirectLimit="exact">
      <SSO entityID="${files.identityProvider}" outgoingBindings="urn:oasis:names:tc:SAML:2.0:bindings:${requestBinding}" ignoreNoPassive="true"
        ${nameIdFormat ? `NameIDFormat="${nameIdFormat}"` : ''}>SAML2</SSO>
      <Logout ${logoutAttributes}>SAML2 Local</Logout>
      <LogoutInitiator type="Local" Location="/LocalLogout"/>
      <Handler type="MetadataGenerator" Location="/Metadata" signing="false">
        ${entityAttributes(application)}
        ${requestedAttributes(application)}
      </Handler>
      <Handler type="Status" Location="/Status" acl="127.0.0.1 ::1"/>
      <Handler type="Session" Location="/Session" showAttributeValues="true"/>
    </Sessions>`
}

function entityAttributes({ subjectIdRequirement }: SpApplication): string {
  if (!subjectIdRequirement) return ''
  return `<mdattr:EntityAttributes>
          <saml:Attribute Name="urn:oasis:names:tc:SAML:profiles:subject-id:req" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">
            <saml:AttributeValue>${subjectIdRequirement}</saml:AttributeValue>
          </saml:Attribute>
        </mdattr:EntityAttributes>`
}

function requestedAttributes(application: SpApplication): string {
  return application.requestedAttributes
    .map(
      (id) =>
        `<md:RequestedAttribute FriendlyName="${id}" Name="${attributeNames[id]}" NameFormat="${nameFormatOf(attributeNames[id])}" isRequired="true"/>`,
    )
    .join('\n        ')
}

function credentials({ hasEncryptionKey = false }: SpApplication, folder: string): string {
  const uses = hasEncryptionKey ? ['signing', 'encryption'] : ['signing']
  return uses
    .map(
      (use) =>
        `<CredentialResolver type="File" use="${use}" key="${folder}/sp-key.pem" certificate="${folder}/sp-cert.pem"/>`,
    )
    .join('\n    ')
}
