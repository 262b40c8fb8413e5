import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { program } from './programs.ts'

const run = promisify(execFile)

/** What a program said: `ok` is its exit code 0. */
export interface Verdict {
  readonly ok: boolean
  readonly text: string
}

const protocol = 'urn:oasis:names:tc:SAML:2.0:protocol'
const assertion = 'urn:oasis:names:tc:SAML:2.0:assertion'
const metadata = 'urn:oasis:names:tc:SAML:2.0:metadata'

/** Which attribute is an xs:ID is in the schema, which xmlsec1 does not read: it must be told. */
const idAttributes = [
  `${protocol}:Response`,
  `${assertion}:Assertion`,
  `${metadata}:EntityDescriptor`,
].flatMap((element) => ['--id-attr:ID', element])

/**
 * `xmlsec1 --verify` of the enveloped signature that is a child of the first `parent` element,
 * under the key in `certificate` (PEM).
 */
export function verifySignature(
  xml: string,
  parent: 'Response' | 'Assertion' | 'EntityDescriptor',
  certificate: string,
): Promise<Verdict> {
  return inFolder({ 'message.xml': xml, 'certificate.pem': certificate }, (file) =>
    verdict(program('xmlsec1'), [
      '--verify',
      ...idAttributes,
      '--pubkey-cert-pem',
      file('certificate.pem'),
      '--enabled-reference-uris',
      'same-doc',
      '--node-xpath',
      `(//*[local-name()='${parent}'])[1]/*[local-name()='Signature']`,
      file('message.xml'),
    ]),
  )
}

/** `xmlsec1 --decrypt`. @returns the document with the assertion in place of its EncryptedData */
export function decrypt(xml: string, privateKey: string): Promise<string> {
  return inFolder({ 'message.xml': xml, 'key.pem': privateKey }, async (file) => {
    const { stdout } = await run(program('xmlsec1'), [
      '--decrypt',
      '--privkey-pem',
      file('key.pem'),
      '--node-xpath',
      "//*[local-name()='EncryptedData']",
      file('message.xml'),
    ])
    return stdout
  })
}

/** The schemas that Debian ships, imported first so that no import goes to its http address. */
const schemas: readonly (readonly [namespace: string, location: string])[] = [
  ['http://www.w3.org/XML/1998/namespace', 'xmltooling/xml.xsd'],
  ['http://www.w3.org/2000/09/xmldsig#', 'xmltooling/xmldsig-core-schema.xsd'],
  ['http://www.w3.org/2001/04/xmlenc#', 'xmltooling/xenc-schema.xsd'],
  [assertion, 'opensaml/saml-schema-assertion-2.0.xsd'],
  [protocol, 'opensaml/saml-schema-protocol-2.0.xsd'],
  [metadata, 'opensaml/saml-schema-metadata-2.0.xsd'],
  ['urn:oasis:names:tc:SAML:metadata:ui', 'opensaml/sstc-saml-metadata-ui-v1.0.xsd'],
  ['urn:oasis:names:tc:SAML:metadata:attribute', 'opensaml/sstc-metadata-attr.xsd'],
  [
    'urn:oasis:names:tc:SAML:metadata:algsupport',
    'opensaml/sstc-saml-metadata-algsupport-v1.0.xsd',
  ],
  ['urn:oasis:names:tc:SAML:metadata:rpi', 'opensaml/saml-metadata-rpi-v1.0.xsd'],
  ['urn:mace:shibboleth:metadata:1.0', 'shibboleth/shibboleth-metadata-1.0.xsd'],
]

/** `xmllint --schema` of any SAML 2.0 message or metadata against the OASIS schemas. */
export function validate(xml: string): Promise<Verdict> {
  for (const name of ['samlSchemas', 'xmlSchemas', 'shibbolethSchemas'] as const) program(name)
  const imports = schemas.map(
    ([namespace, location]) =>
      `<import namespace="${namespace}" schemaLocation="file:///usr/share/xml/${location}"/>`,
  )
  const schema = `<schema xmlns="http://www.w3.org/2001/XMLSchema">\n${imports.join('\n')}\n</schema>\n`
  return inFolder({ 'message.xml': xml, 'all.xsd': schema }, async (file) => {
    const { ok, text } = await verdict(program('xmllint'), [
      '--nonet',
      '--noout',
      '--schema',
      file('all.xsd'),
      file('message.xml'),
    ])
    // Says of every import that it was imported already, which is what we want.
    return { ok, text: text.replace(/^.*Skipping import.*\n/gm, '') }
  })
}

async function verdict(command: string, args: readonly string[]): Promise<Verdict> {
  try {
    const { stdout, stderr } = await run(command, args)
    return { ok: true, text: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout: string; stderr: string }
    if (typeof code !== 'number') throw error
    return { ok: false, text: stdout + stderr }
  }
}

async function inFolder<T>(
  files: Readonly<Record<string, string>>,
  work: (file: (name: string) => string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-interop-xml-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return await work((name) => join(folder, name))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
