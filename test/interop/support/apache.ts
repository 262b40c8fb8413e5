import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answersWith, type Daemon, startDaemon } from './daemon.ts'
import { openIdDirectives, type RelyingPartySite, relyingPartyUrl } from './openid-config.ts'
import { program } from './programs.ts'
import { applicationUrl, type SpApplication } from './shibboleth-config.ts'

export interface ApacheSites {
  readonly applications: readonly SpApplication[]
  readonly relyingParties: readonly RelyingPartySite[]
  readonly issuer: string
}

/** What every page behind the modules answers: its environment, "NAME=value" ended by NUL. */
const environmentScript = `#!/bin/sh
printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'
exec env -0
`

/** Debian's Apache in the foreground, with a configuration of its own and every file in `folder`. */
export function startApache(folder: string, sites: ApacheSites): Promise<Daemon> {
  const command = program('apache2')
  const script = join(folder, 'environment.sh')
  writeFileSync(script, environmentScript)
  chmodSync(script, 0o755)
  writeFileSync(join(folder, 'apache.conf'), configuration(folder, sites))
  const [firstPort] = portsOf(sites)
  return startDaemon({
    name: 'apache2',
    command,
    args: ['-d', folder, '-f', join(folder, 'apache.conf'), '-DFOREGROUND'],
    outputFile: join(folder, 'apache.out'),
    otherLogFiles: [join(folder, 'error.log'), join(folder, 'native.log')],
    isReady: () => answersWith(`http://127.0.0.1:${firstPort}/open/`, 200),
  })
}

function portsOf({ applications, relyingParties }: ApacheSites): number[] {
  return [...applications, ...relyingParties].map(({ port }) => port)
}

function configuration(folder: string, sites: ApacheSites): string {
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'alias', 'cgid']
  if (sites.applications.length > 0) modules.push('shib')
  if (sites.relyingParties.length > 0) modules.push('auth_openidc')
  program('mod_shib')
  program('mod_auth_openidc')
  // Apache that starts as root must serve as somebody else; started by a developer it stays that one.
  const user = process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''
  return `ServerRoot ${folder}
ServerName 127.0.0.1
DefaultRuntimeDir ${folder}
PidFile ${folder}/apache.pid
Mutex file:${folder} default
ErrorLog ${folder}/error.log
LogLevel warn
${user}
${modules.map((name) => `LoadModule ${moduleName(name)} /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
StartServers 1
ScriptSock ${folder}/cgid.sock
${portsOf(sites)
  .map((port) => `Listen 127.0.0.1:${port}`)
  .join('\n')}
<Location />
  Require all granted
</Location>
ScriptAlias /open ${folder}/environment.sh
ScriptAlias /signed-out ${folder}/environment.sh
ScriptAlias /protected ${folder}/environment.sh
${sites.applications.length > 0 ? shibbolethModule(folder) : ''}
${sites.applications.map((application, index) => shibbolethHost(application, index === 0)).join('\n')}
${sites.relyingParties.map((site) => openIdHost(site, sites.issuer)).join('\n')}
`
}

/** The name that LoadModule takes; Debian's files are named after it but for two. */
function moduleName(name: string): string {
  return name === 'shib' ? 'mod_shib' : `${name}_module`
}

/** mod_shib takes "Require valid-user" over from everybody else unless told to be compatible. */
function shibbolethModule(folder: string): string {
  return `ShibConfig ${folder}/shibboleth2.xml\nShibCompatValidUser On`
}

function shibbolethHost(application: SpApplication, isDefault: boolean): string {
  return `<VirtualHost 127.0.0.1:${application.port}>
  ServerName ${applicationUrl(application)}
  UseCanonicalName On
  <Location />
    ShibRequestSetting applicationId ${isDefault ? 'default' : application.id}
  </Location>
  <Location /Shibboleth.sso>
    SetHandler shib
  </Location>
  <Location /open>
    AuthType shibboleth
    ShibRequestSetting requireSession false
    Require shibboleth
  </Location>
  <Location /protected>
    AuthType shibboleth
    ShibRequestSetting requireSession true
    Require shib-session
  </Location>
</VirtualHost>`
}

function openIdHost(site: RelyingPartySite, issuer: string): string {
  return `<VirtualHost 127.0.0.1:${site.port}>
  ServerName ${relyingPartyUrl(site)}
  UseCanonicalName On
  ${openIdDirectives(site, issuer)}
</VirtualHost>`
}
