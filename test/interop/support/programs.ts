import { existsSync } from 'node:fs'

/** What interop runs beside us, and the Debian package that brings it. */
const programs = {
  apache2: { path: '/usr/sbin/apache2', debianPackage: 'apache2' },
  mod_shib: {
    path: '/usr/lib/apache2/modules/mod_shib.so',
    debianPackage: 'libapache2-mod-shib',
  },
  shibd: { path: '/usr/sbin/shibd', debianPackage: 'libapache2-mod-shib' },
  mod_auth_openidc: {
    path: '/usr/lib/apache2/modules/mod_auth_openidc.so',
    debianPackage: 'libapache2-mod-auth-openidc',
  },
  mod_auth_mellon: {
    path: '/usr/lib/apache2/modules/mod_auth_mellon.so',
    debianPackage: 'libapache2-mod-auth-mellon',
  },
  simplesamlphp: {
    path: '/usr/share/simplesamlphp/www/module.php',
    debianPackage: 'simplesamlphp',
  },
  'php-cas': { path: '/usr/share/php/CAS.php', debianPackage: 'php-cas' },
  softhsm2: { path: '/usr/lib/softhsm/libsofthsm2.so', debianPackage: 'softhsm2' },
  'pkcs11-tool': { path: '/usr/bin/pkcs11-tool', debianPackage: 'opensc' },
  xmlsec1: { path: '/usr/bin/xmlsec1', debianPackage: 'xmlsec1' },
  xmllint: { path: '/usr/bin/xmllint', debianPackage: 'libxml2-utils' },
  samlSchemas: {
    path: '/usr/share/xml/opensaml/saml-schema-metadata-2.0.xsd',
    debianPackage: 'opensaml-schemas',
  },
  xmlSchemas: {
    path: '/usr/share/xml/xmltooling/xmldsig-core-schema.xsd',
    debianPackage: 'xmltooling-schemas',
  },
  shibbolethSchemas: {
    path: '/usr/share/xml/shibboleth/shibboleth-metadata-1.0.xsd',
    debianPackage: 'shibboleth-sp-common',
  },
} as const

export type Program = keyof typeof programs

/**
 * Where the program is. A missing one fails the test: a skipped interop test looks like a passed one.
 *
 * @throws {Error} naming the Debian package to install
 */
export function program(name: Program): string {
  const { path, debianPackage } = programs[name]
  if (existsSync(path)) return path
  throw new Error(
    `${name} is not at ${path}: the interop tests need Debian's package ${debianPackage} (apt-get install ${debianPackage})`,
  )
}
