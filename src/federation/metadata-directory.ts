import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IdpError } from '../errors.ts'
import { decodeXml, XmlError } from '../xml/safe-xml.ts'
import { checkClientMetadata } from './client-metadata.ts'
import { parseJson } from './parse-json.ts'
import {
  type RegistrationOptions,
  registerRelyingParty,
  registerServiceProvider,
  withdrawServices,
} from './registration.ts'
import { readServiceProviderMetadata } from './service-provider-metadata.ts'
import { serviceRecords } from './service-store.ts'

/** Aggregates of federations do not belong here. */
const maxFileBytes = 1_048_576

export interface MetadataDirectoryReport {
  /** entityIDs and client_ids that are in use from the folder. */
  readonly registered: readonly string[]
  /** Services out of use because their file is gone. */
  readonly withdrawn: readonly string[]
  /** One line each: file, line, what is wrong. The other files are loaded. */
  readonly problems: readonly string[]
  /** One line each: what the service's owner should mend. */
  readonly findings: readonly string[]
}

/**
 * Registers and approves every service whose metadata lies in the folder: `*.xml` holds one SAML
 * service provider, `*.json` one OpenID Connect client. An administrator put it there, so it is
 * trusted. A changed file is taken over; a removed one takes its service out of use (pending, with
 * what admins decided kept), so that it returns as it was with the file. A broken file changes
 * nothing: its service goes on as it was.
 *
 * Every machine must have the same folder: each takes out what its own lacks.
 */
export async function loadMetadataDirectory(
  directory: string,
  now: Date = new Date(),
): Promise<MetadataDirectoryReport> {
  const registered: string[] = []
  const problems: string[] = []
  const findings: string[] = []
  const names = await listFiles(directory)
  const present = new Set(names.map((name) => `file:${name}`))
  // A renamed file goes on vouching for its service.
  const isGone = (origin: string) => origin.startsWith('file:') && !present.has(origin)
  for (const name of names) {
    try {
      const text = await readText(join(directory, name))
      const load = name.endsWith('.xml') ? loadServiceProvider : loadRelyingParty
      const options = { origin: `file:${name}`, approve: true, now, supersedes: isGone }
      const loaded = await load(text, options)
      registered.push(loaded.id)
      findings.push(...loaded.findings.map((finding) => `${name}: ${finding}`))
    } catch (error) {
      if (!(error instanceof IdpError) && !(error instanceof XmlError)) throw error
      problems.push(`${join(directory, name)}: ${error.message}`)
    }
  }
  return { registered, problems, findings, withdrawn: await withdrawServicesOf(isGone) }
}

/** A folder that is not there counts as empty; dot files and READMEs are left alone. */
async function listFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory)
    return names.filter((name) => /^[^.].*\.(xml|json)$/.test(name)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function readText(file: string): Promise<string> {
  const bytes = await readFile(file)
  if (bytes.length > maxFileBytes) {
    throw new XmlError(`larger than ${maxFileBytes} bytes; this folder holds one service a file`)
  }
  return decodeXml(bytes)
}

interface Loaded {
  readonly id: string
  readonly findings: readonly string[]
}

type FileOptions = RegistrationOptions & { readonly now: Date }

async function loadServiceProvider(text: string, options: FileOptions): Promise<Loaded> {
  const { serviceProvider, findings } = readServiceProviderMetadata(
    text,
    options.origin,
    options.now,
  )
  await registerServiceProvider(text, options)
  return {
    id: serviceProvider.entityId,
    findings: findings.map(
      ({ line, message, remedy }) => `${line ? `line ${line}: ` : ''}${message} ${remedy}`,
    ),
  }
}

async function loadRelyingParty(text: string, options: FileOptions): Promise<Loaded> {
  const { metadata, generated } = checkClientMetadata(parseJson(text))
  // A made value would be another one at every start, and nobody would learn it.
  for (const [made, field] of [
    [generated.clientId, 'client_id'],
    [generated.clientSecret, 'client_secret'],
  ] as const) {
    if (made) throw new IdpError('METADATA_INVALID', `${field} is missing; a file must hold it.`)
  }
  await registerRelyingParty(metadata, options)
  return { id: metadata.client_id, findings: [] }
}

async function withdrawServicesOf(isGone: (origin: string) => boolean): Promise<string[]> {
  const records = await serviceRecords()
    .find({ origin: /^file:/, state: 'approved' })
    .toArray()
  const missing = records.filter(({ origin }) => isGone(origin))
  await withdrawServices(missing)
  return missing.map(({ serviceId }) => serviceId)
}
