import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { certificatePem, selfSignedCertificate } from '../../../src/keys/certificate.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { program } from './programs.ts'

const modulesDir = '/usr/lib/apache2/modules'

/** Debian's user that Apache serves as. */
const wwwDataId = 33

export interface PhpCasSite {
  readonly folder: string
  /** Of both hosts below. */
  readonly certificate: string
  readonly certificateFile: string
}

/** A key and a certificate for localhost, in the folder that Apache will serve from. */
export function newPhpCasSite(folder: string): PhpCasSite {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = certificatePem(
    selfSignedCertificate({
      privateKey,
      publicKey,
      commonName: 'localhost',
      notBefore: new Date(Date.now() - 60_000),
      days: 2,
    }),
  )
  const certificateFile = join(folder, 'localhost.crt')
  writeFileSync(certificateFile, certificate)
  writeFileSync(
    join(folder, 'localhost.key'),
    privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  )
  return { folder, certificate, certificateFile }
}

/**
 * Apache with TLS in front of the identity provider, as in production, and beside it phpCAS's
 * services under mod_php.
 */
export function startPhpCasSite(
  { folder, certificateFile }: PhpCasSite,
  ports: { readonly identityProvider: number; readonly tls: number; readonly services: number },
): Promise<Daemon> {
  program('php-cas')
  const app = join(folder, 'app.php')
  copyFileSync(fileURLToPath(new URL('phpcas-app.php', import.meta.url)), app)
  chmodSync(app, 0o644)
  for (const name of ['sessions', 'pgt']) {
    const directory = join(folder, name)
    mkdirSync(directory)
    if (process.getuid?.() === 0) chownSync(directory, wwwDataId, wwwDataId)
  }
  const settings = join(folder, 'settings.json')
  writeFileSync(
    settings,
    JSON.stringify({
      host: 'localhost',
      port: ports.tls,
      baseUrl: `https://localhost:${ports.services}`,
      certificate: certificateFile,
      folder,
    }),
  )
  writeFileSync(join(folder, 'apache.conf'), configuration(folder, app, settings, ports))
  return startDaemon({
    name: 'apache2',
    // In a group of its own: when it stops, the prefork module ends all of its process group.
    command: '/usr/bin/setsid',
    args: [program('apache2'), '-d', folder, '-f', join(folder, 'apache.conf'), '-DFOREGROUND'],
    outputFile: join(folder, 'apache.out'),
    otherLogFiles: [join(folder, 'error.log')],
    isReady: () => readdirSync(folder).includes('apache.pid'),
  })
}

function configuration(
  folder: string,
  app: string,
  settings: string,
  ports: { readonly identityProvider: number; readonly tls: number; readonly services: number },
): string {
  const php = readdirSync(modulesDir).find((name) => /^libphp[\d.]*\.so$/.test(name))
  if (!php) throw new Error('the interop tests need Debian’s package libapache2-mod-php')
  const modules = [
    'mpm_prefork',
    'authz_core',
    'alias',
    'env',
    'ssl',
    'proxy',
    'proxy_http',
    'headers',
  ]
  const user = process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''
  const tls = `SSLEngine on
  SSLCertificateFile ${folder}/localhost.crt
  SSLCertificateKeyFile ${folder}/localhost.key`
  return `ServerRoot ${folder}
ServerName localhost
DefaultRuntimeDir ${folder}
PidFile ${folder}/apache.pid
Mutex file:${folder} default
ErrorLog ${folder}/error.log
LogLevel warn
${user}
${modules.map((name) => `LoadModule ${name}_module ${modulesDir}/mod_${name}.so`).join('\n')}
LoadModule php_module ${modulesDir}/${php}
StartServers 4
Listen 127.0.0.1:${ports.tls}
Listen 127.0.0.1:${ports.services}
<Location />
  Require all granted
</Location>
<VirtualHost 127.0.0.1:${ports.tls}>
  ${tls}
  ProxyPreserveHost On
  RequestHeader set X-Forwarded-Proto https
  ProxyPass / http://127.0.0.1:${ports.identityProvider}/
</VirtualHost>
<VirtualHost 127.0.0.1:${ports.services}>
  ${tls}
  SetEnv PHPCAS_SETTINGS ${settings}
  AliasMatch ^/ ${app}
  <Files app.php>
    SetHandler application/x-httpd-php
  </Files>
  php_admin_value session.save_path ${folder}/sessions
  php_admin_flag display_errors on
  AcceptPathInfo On
</VirtualHost>
`
}
