import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answersWith, type Daemon, startDaemon } from './daemon.ts'
import { program } from './programs.ts'

/**
 * A service on mod_auth_mellon that read the identity provider's metadata once, when it was set up,
 * and never reads it again.
 *
 * @param url scheme, host and port that it listens on
 */
export async function startPinnedSite(
  folder: string,
  url: string,
  identityProviderMetadata: string,
): Promise<{ daemon: Daemon; metadataFile: string; protectedPage: string }> {
  const site = join(folder, 'pinned')
  mkdirSync(site)
  chmodSync(site, 0o755)
  program('mod_auth_mellon')
  const endpoint = `${url}/mellon`
  execFileSync('mellon_create_metadata', [`${endpoint}/metadata`, endpoint], {
    cwd: site,
    stdio: 'pipe',
  })
  for (const [ending, name] of [
    ['.key', 'sp.key'],
    ['.cert', 'sp.cert'],
    ['.xml', 'sp.xml'],
  ] as const) {
    const made = readdirSync(site).find((file) => file.endsWith(ending))
    renameSync(join(site, made!), join(site, name))
  }
  for (const name of ['sp.key', 'sp.cert', 'sp.xml']) chmodSync(join(site, name), 0o644)
  const contact =
    '<ContactPerson contactType="technical"><EmailAddress>mailto:pinned@service.example</EmailAddress></ContactPerson>'
  const metadataFile = join(site, 'sp.xml')
  const metadata = readFileSync(metadataFile, 'utf8')
  writeFileSync(metadataFile, metadata.replace(/<\/(\w+:)?EntityDescriptor>/, `${contact}$&`))
  writeFileSync(join(site, 'idp.xml'), identityProviderMetadata)
  const script = join(site, 'environment.sh')
  writeFileSync(
    script,
    "#!/bin/sh\nprintf 'Content-Type: application/octet-stream\\r\\n\\r\\n'\nexec env -0\n",
  )
  chmodSync(script, 0o755)
  writeFileSync(join(site, 'apache.conf'), configuration(site, url, script))
  const daemon = await startDaemon({
    name: 'pinned',
    command: program('apache2'),
    args: ['-d', site, '-f', join(site, 'apache.conf'), '-DFOREGROUND'],
    outputFile: join(site, 'apache.out'),
    otherLogFiles: [join(site, 'error.log')],
    isReady: () => answersWith(`${url}/open/`, 200),
  })
  return { daemon, metadataFile, protectedPage: `${url}/protected/` }
}

function configuration(site: string, url: string, script: string): string {
  const modules = [
    'mpm_event',
    'authn_core',
    'authz_core',
    'authz_user',
    'alias',
    'cgid',
    'auth_mellon',
  ]
  const { host } = new URL(url)
  return `ServerRoot ${site}
ServerName ${url}
UseCanonicalName On
DefaultRuntimeDir ${site}
PidFile ${site}/apache.pid
Mutex file:${site} default
ErrorLog ${site}/error.log
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
${modules.map((module) => `LoadModule ${module}_module /usr/lib/apache2/modules/mod_${module}.so`).join('\n')}
StartServers 1
ScriptSock ${site}/cgid.sock
Listen ${host}
<Location />
  Require all granted
  MellonEnable info
  MellonEndpointPath /mellon
  MellonSPPrivateKeyFile ${site}/sp.key
  MellonSPCertFile ${site}/sp.cert
  MellonSPMetadataFile ${site}/sp.xml
  MellonIdPMetadataFile ${site}/idp.xml
  MellonSecureCookie Off
</Location>
<Location /protected>
  AuthType Mellon
  MellonEnable auth
  Require valid-user
</Location>
ScriptAlias /open ${script}
ScriptAlias /protected ${script}
`
}
