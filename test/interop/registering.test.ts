import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { startApache } from './support/apache.ts'
import { Browser } from './support/browser.ts'
import { answersWith, type Daemon, startDaemon } from './support/daemon.ts'
import { student } from './support/demo-people.ts'
import { type RunningIdentityProvider, startIdentityProvider } from './support/identity-provider.ts'
import { pastedLines, replaced } from './support/pasted-lines.ts'
import { program } from './support/programs.ts'
import { environmentOf, newSiteFolder } from './support/service-site.ts'
import { startShibd, writeShibbolethFiles } from './support/shibboleth.ts'
import { applicationUrl } from './support/shibboleth-config.ts'
import { showLogsOnFailure } from './support/show-logs.ts'

const [mellonPort = 0, openIdPort = 0, phpPort = 0, ...shibbolethPorts] = await freePorts(5)
const folder = newSiteFolder()
const daemons: Daemon[] = []
let identityProvider: RunningIdentityProvider

before(async () => {
  identityProvider = await startIdentityProvider()
})

showLogsOnFailure(() => [identityProvider, ...daemons])

after(async () => {
  for (const daemon of daemons) await daemon.stop()
  await identityProvider?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs the page's commands in a folder, without needing wget for what it fetches. */
async function run(commands: string, cwd: string): Promise<void> {
  const fetched = /^wget -O (\S+) (\S+)$/gm
  execFileSync('sh', ['-euc', commands.replace(fetched, '')], { cwd, stdio: 'pipe' })
  for (const [, file, url] of commands.matchAll(fetched)) {
    writeFileSync(join(cwd, file!), await (await fetch(url!)).text())
  }
}

/** One site behind Debian's Apache, with the page's lines in it. */
async function startSite(name: string, port: number, modules: string[], lines: string) {
  const site = join(folder, name)
  mkdirSync(site)
  chmodSync(site, 0o755)
  const script = join(site, 'environment.sh')
  writeFileSync(
    script,
    "#!/bin/sh\nprintf 'Content-Type: application/octet-stream\\r\\n\\r\\n'\nexec env -0\n",
  )
  chmodSync(script, 0o755)
  const all = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'alias', 'cgid', ...modules]
  writeFileSync(
    join(site, 'apache.conf'),
    `ServerRoot ${site}
ServerName http://127.0.0.1:${port}
UseCanonicalName On
DefaultRuntimeDir ${site}
PidFile ${site}/apache.pid
Mutex file:${site} default
ErrorLog ${site}/error.log
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
${all.map((module) => `LoadModule ${module}_module /usr/lib/apache2/modules/mod_${module}.so`).join('\n')}
StartServers 1
ScriptSock ${site}/cgid.sock
Listen 127.0.0.1:${port}
<Location />
  Require all granted
</Location>
ScriptAlias /open ${script}
ScriptAlias /protected ${script}
${lines}
`,
  )
  daemons.push(
    await startDaemon({
      name,
      command: program('apache2'),
      args: ['-d', site, '-f', join(site, 'apache.conf'), '-DFOREGROUND'],
      outputFile: join(site, 'apache.out'),
      otherLogFiles: [join(site, 'error.log')],
      isReady: () => answersWith(`http://127.0.0.1:${port}/open/`, 200),
    }),
  )
}

describe('the page’s lines for mod_auth_mellon', () => {
  const origin = `http://127.0.0.1:${mellonPort}`
  const mellon = join(folder, 'mellon-files')
  const fill = (text: string) =>
    replaced(text, {
      'https://library.uni.example.gr': origin,
      'https://sso.uni.example.gr': identityProvider.baseUrl,
      '/etc/apache2/mellon': mellon,
    })
  const lines = (language: string) => fill(pastedLines('mod_auth_mellon', language))
  before(async () => {
    program('mod_auth_mellon')
    mkdirSync(mellon)
    await run(lines('sh'), mellon)
    const file = join(mellon, 'sp.xml')
    const metadata = readFileSync(file, 'utf8')
    writeFileSync(file, metadata.replace('</SPSSODescriptor>', `${lines('xml')}</SPSSODescriptor>`))
    await identityProvider.cli('sp', 'add', file, '--approve')
    await startSite('mellon', mellonPort, ['auth_mellon'], lines('apache'))
  })

  it('sign somebody in, with an encrypted assertion, and give the application what was asked for', async () => {
    const browser = new Browser()
    const page = await browser.open(`${origin}/protected/`, student)
    assert.equal(page.status, 200, page.text)
    const environment = environmentOf(page)
    assert.equal(environment.REMOTE_USER, student.eppn)
    assert.equal(environment.AFFILIATION, 'student@uni.example.gr;member@uni.example.gr')
    const response = Buffer.from(browser.posted.at(-1)!.fields.get('SAMLResponse')!, 'base64')
    assert.match(response.toString(), /<saml:EncryptedAssertion/)
  })

  it('sign out here and there', async () => {
    const browser = new Browser()
    await browser.open(`${origin}/protected/`, student)
    await browser.open(`${origin}/mellon/logout?ReturnTo=${origin}/open/`)
    const again = await browser.open(`${origin}/protected/`)
    assert.ok(
      again.forms.some(({ fields }) => fields.has('password')),
      again.url,
    )
  })
})

describe('the page’s lines for SimpleSAMLphp', () => {
  const origin = `http://127.0.0.1:${phpPort}`
  const site = join(folder, 'simplesamlphp')
  const fill = (text: string) =>
    replaced(text, {
      'https://archive.uni.example.gr': origin,
      'https://sso.uni.example.gr': identityProvider.baseUrl,
      '/etc/simplesamlphp': site,
    })
  const lines = (language: string, index?: number) =>
    fill(pastedLines('SimpleSAMLphp 1.19', language, index))
  before(async () => {
    program('simplesamlphp')
    for (const part of [site, join(site, 'metadata'), join(site, 'tmp')]) mkdirSync(part)
    await run(lines('sh'), site)
    const own = `'baseurlpath' => '${origin}/', 'tempdir' => '${site}/tmp', 'secretsalt' => 'synthetic-salt', 'technicalcontact_email' => 'noc@uni.example.gr', 'logging.handler' => 'errorlog', 'session.cookie.secure' => false, 'timezone' => 'UTC', 'admin.protectindexpage' => false, 'store.type' => 'phpsession',`
    const debian = '/usr/share/simplesamlphp/config/config.php'
    writeFileSync(
      join(site, 'config.php'),
      `<?php\nrequire '${debian}';\n$config = array_merge($config, [${own}\n${lines('php', 0)}]);\n`,
    )
    writeFileSync(join(site, 'authsources.php'), `<?php\n$config = [\n${lines('php', 1)}];\n`)
    daemons.push(
      await startDaemon({
        name: 'simplesamlphp',
        command: 'php',
        args: ['-S', `127.0.0.1:${phpPort}`, '-t', '/usr/share/simplesamlphp/www'],
        env: { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: site },
        outputFile: join(site, 'php.out'),
        isReady: () => answersWith(`${origin}/module.php/saml/sp/metadata.php/default-sp`, 200),
      }),
    )
    const metadata = await fetch(`${origin}/module.php/saml/sp/metadata.php/default-sp?output=xml`)
    const file = join(site, 'sp.xml')
    writeFileSync(file, await metadata.text())
    await identityProvider.cli('sp', 'add', file, '--approve')
  })

  it('sign somebody in, with an encrypted assertion, and give the application what was asked for', async () => {
    const browser = new Browser()
    const start = `${origin}/module.php/core/authenticate.php?as=default-sp`
    const page = await browser.open(start, student)
    assert.equal(page.status, 200, page.text)
    assert.ok(page.text.includes(student.eppn), page.text)
    assert.ok(page.text.includes('member@uni.example.gr'))
    const response = Buffer.from(browser.posted.at(-1)!.fields.get('SAMLResponse')!, 'base64')
    assert.match(response.toString(), /<saml:EncryptedAssertion/)
  })
})

describe('the page’s lines for mod_auth_openidc', () => {
  const origin = `http://127.0.0.1:${openIdPort}`
  before(async () => {
    program('mod_auth_openidc')
    const file = join(folder, 'client.json')
    const registered = {
      client_id: 'catalogue',
      client_secret: 'synthetic-secret-with-enough-characters',
      redirect_uris: [`${origin}/protected/redirect_uri`],
      scope: 'openid profile email eduperson_scoped_affiliation',
    }
    writeFileSync(file, JSON.stringify(registered))
    await identityProvider.cli('client', 'add', file, '--approve')
    const lines = replaced(pastedLines('mod_auth_openidc', 'apache'), {
      'https://sso.uni.example.gr': identityProvider.baseUrl,
      'https://catalogue.uni.example.gr': origin,
      CLIENT_ID: registered.client_id,
      CLIENT_SECRET: registered.client_secret,
    })
    await startSite('openidc', openIdPort, ['auth_openidc'], lines)
  })

  it('sign somebody in and give the application the username', async () => {
    const page = await new Browser().open(`${origin}/protected/`, student)
    assert.equal(page.status, 200, page.text)
    const environment = environmentOf(page)
    assert.match(environment.REMOTE_USER!, new RegExp(`^${student.username}(@|$)`))
    assert.equal(environment.OIDC_CLAIM_email, student.eppn)
  })
})

describe('the page’s lines for the Shibboleth SP', () => {
  for (const [index, source] of (['the whole document', 'MDQ'] as const).entries()) {
    it(`sign somebody in, our metadata read as ${source}`, async () => {
      const application = {
        id: `pasted-${index}`,
        port: shibbolethPorts[index]!,
        hasEncryptionKey: true,
        requestedAttributes: [],
      }
      const site = join(folder, `shibboleth-${index}`)
      mkdirSync(site)
      chmodSync(site, 0o755)
      const certificate = join(site, 'idp-certificate.pem')
      writeFileSync(certificate, await identityProvider.certificate())
      writeShibbolethFiles([application], {
        folder: site,
        identityProvider: identityProvider.entityId,
        identityProviderMetadataUrl: 'http://nowhere.invalid/',
        identityProviderCertificateFile: certificate,
      })
      const lines = (block: number) =>
        replaced(pastedLines('Shibboleth SP 3', 'xml', block), {
          'https://sso.uni.example.gr': identityProvider.baseUrl,
          'idp-certificate.pem': certificate,
          'idp-metadata.xml': join(site, 'idp-metadata.xml'),
        })
      const [signOn, handler] = lines(0).split(/(?=<Handler)/) as [string, string]
      const file = join(site, 'shibboleth2.xml')
      const configured = readFileSync(file, 'utf8')
        .replace(/<SSO [\s\S]*?<\/SSO>\s*<Logout>[^<]*<\/Logout>/, () => signOn)
        .replace(/<Handler type="MetadataGenerator"[\s\S]*?<\/Handler>/, () => handler)
        .replace(/<MetadataProvider[\s\S]*<\/MetadataProvider>/, () => lines(index + 1))
      assert.ok(!configured.includes('nowhere.invalid'))
      writeFileSync(file, configured)
      daemons.push(await startShibd(site))
      const applications = [application]
      const issuer = identityProvider.baseUrl
      daemons.push(await startApache(site, { applications, relyingParties: [], issuer }))
      const metadata = await fetch(`${applicationUrl(application)}/Shibboleth.sso/Metadata`)
      const registered = join(site, 'sp.xml')
      writeFileSync(registered, await metadata.text())
      await identityProvider.cli('sp', 'add', registered, '--approve')

      const browser = new Browser()
      const page = await browser.open(`${applicationUrl(application)}/protected/`, student)
      assert.equal(page.status, 200, page.text)
      assert.equal(environmentOf(page).REMOTE_USER, student.eppn)
      const response = Buffer.from(browser.posted.at(-1)!.fields.get('SAMLResponse')!, 'base64')
      assert.match(response.toString(), /<saml:EncryptedAssertion/)
    })
  }
})
