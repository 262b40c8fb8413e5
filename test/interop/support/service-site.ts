import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApache } from './apache.ts'
import { attributeNames } from './attribute-map.ts'
import { type Daemon, waitUntil } from './daemon.ts'
import type { RunningIdentityProvider } from './identity-provider.ts'
import { clientMetadata, type RelyingPartySite } from './openid-config.ts'
import { startShibd, writeShibbolethFiles } from './shibboleth.ts'
import { applicationUrl, type SpApplication } from './shibboleth-config.ts'

export interface ServiceSite {
  logs(): string
  stop(): Promise<void>
}

/** Where Apache, shibd and their keys live; readable for the user that Apache serves as. */
export function newSiteFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-interop-sp-'))
  chmodSync(folder, 0o755)
  return folder
}

/**
 * Starts the services on Apache and registers each with the identity provider as an administrator
 * does: `sp add` with the metadata that Shibboleth makes of itself, `client add` with a JSON file.
 */
export async function startServices(
  identityProvider: RunningIdentityProvider,
  folder: string,
  services: {
    applications?: readonly SpApplication[]
    relyingParties?: readonly RelyingPartySite[]
    /** Public keys of relying parties that sign, by client_id. */
    jwks?: Readonly<Record<string, { keys: object[] }>>
    /** See SpFiles. */
    metadataRefreshSeconds?: number
    /** Metadata that the services have of their identity provider, in place of ours. XML. */
    knownMetadata?: string
  },
): Promise<ServiceSite> {
  const { applications = [], relyingParties = [], jwks = {} } = services
  const daemons: Daemon[] = []
  const site: ServiceSite = {
    logs: () => daemons.map((daemon) => daemon.logs()).join('\n'),
    async stop() {
      for (const daemon of daemons.toReversed()) await daemon.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    for (const relyingParty of relyingParties) {
      const file = join(folder, `${relyingParty.clientId}.json`)
      const metadata = clientMetadata(relyingParty, jwks[relyingParty.clientId])
      writeFileSync(file, JSON.stringify(metadata))
      await identityProvider.cli('client', 'add', file, '--approve')
    }
    if (applications.length > 0) {
      const certificateFile = join(folder, 'idp-cert.pem')
      writeFileSync(certificateFile, await identityProvider.certificate())
      const knownMetadataFile = join(folder, 'known-idp.xml')
      if (services.knownMetadata) writeFileSync(knownMetadataFile, services.knownMetadata)
      writeShibbolethFiles(applications, {
        folder,
        identityProviderMetadataFile: services.knownMetadata && knownMetadataFile,
        identityProvider: identityProvider.entityId,
        identityProviderMetadataUrl: identityProvider.entityId,
        identityProviderCertificateFile: certificateFile,
        metadataRefreshSeconds: services.metadataRefreshSeconds,
      })
      daemons.push(await startShibd(folder))
    }
    daemons.push(
      await startApache(folder, { applications, relyingParties, issuer: identityProvider.baseUrl }),
    )
    for (const application of applications) {
      const file = join(folder, `${application.id}.xml`)
      const metadata = await generatedMetadata(application)
      const soap = /<md:SingleLogoutService Binding="[^"]*:SOAP"[^>]*>/
      writeFileSync(file, application.hasNoSoapLogout ? metadata.replace(soap, '') : metadata)
      await identityProvider.cli('sp', 'add', file, ...(application.isPending ? [] : ['--approve']))
    }
    return site
  } catch (error) {
    const logs = site.logs()
    await site.stop()
    throw new Error(`${(error as Error).message}\n${logs}`, { cause: error })
  }
}

/** The metadata that the Shibboleth SP makes of its own configuration. */
async function generatedMetadata(application: SpApplication): Promise<string> {
  const url = `${applicationUrl(application)}/Shibboleth.sso/Metadata`
  let text = ''
  await waitUntil(`${url} gives metadata`, async () => {
    const response = await fetch(url)
    text = await response.text()
    return response.ok
  })
  return text
}

/** The environment that a protected page printed: what the application behind the module sees. */
export function environmentOf(page: { text: string }): Record<string, string> {
  return Object.fromEntries(
    page.text
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => {
        const at = line.indexOf('=')
        return [line.slice(0, at), line.slice(at + 1)]
      }),
  )
}

/**
 * The attributes and NameID that mod_shib gave the application, by the ids of the attribute map,
 * several values joined by ";" as it joins them.
 */
export function attributesOf(page: { text: string }): Record<string, string> {
  const environment = environmentOf(page)
  const ids = [...Object.keys(attributeNames), 'persistent-id', 'transient-id']
  return Object.fromEntries(
    ids
      // CGI has no "-" in names.
      .map((id) => [id, environment[id.replaceAll('-', '_')]] as const)
      .filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
