import { choosePreset } from '../attributes/presets/choose-preset.ts'
import type { AttributeDefinition, AttributeEnvironment } from '../attributes/release-types.ts'
import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { checkClientMetadata, clientDisplay } from '../federation/client-metadata.ts'
import { MetadataError } from '../federation/metadata-finding.ts'
import { parseJson } from '../federation/parse-json.ts'
import {
  type RegisteredService,
  type RelyingParty,
  selfOrigin,
  serviceId,
} from '../federation/service.ts'
import { recordId, type ServiceRecord } from '../federation/service-model.ts'
import { readServiceProviderMetadata } from '../federation/service-provider-metadata.ts'
import { findServiceProvider, serviceRecords, toService } from '../federation/service-store.ts'
import { readCas, whoseAddress } from './read-cas.ts'
import { fromError, fromMetadata, type RegistrationFinding } from './registration-finding.ts'
import { requestedAttributes, reviewRequests } from './requested-attributes.ts'
import { reviewClient, reviewEndpoints } from './review-client.ts'
import { technicalContact } from './technical-contact.ts'

export interface CheckContext extends Pick<AppContext, 'config' | 'now'> {
  readonly environment: AttributeEnvironment
}

export interface RegistrationCheck {
  readonly findings: readonly RegistrationFinding[]
  /** Nothing stops it. */
  readonly isGood: boolean
  /** What was read, with an administrator's word on the running registration; absent when unreadable. */
  readonly service?: RegisteredService
  /** As a registration keeps it: XML as it came, or client metadata without secret. */
  readonly metadata?: string
  /** The running registration, when it is one that came in this way. */
  readonly running?: ServiceRecord
  /** Who must confirm: the contact of the running registration, else the one handed in. */
  readonly contact?: string
  readonly requested: readonly AttributeDefinition[]
}

interface Reading {
  readonly service: RegisteredService
  readonly metadata: string
  readonly findings: RegistrationFinding[]
}

/** Reads what a service handed in and says all that is wrong with it. Stores nothing. */
export async function checkRegistration(
  text: string,
  context: CheckContext,
): Promise<RegistrationCheck> {
  let reading: Reading
  try {
    reading = text.trimStart().startsWith('{') ? readJson(text) : readSaml(text, context)
  } catch (error) {
    return { findings: unreadable(error), isGood: false, requested: [] }
  }
  const { metadata, findings } = reading
  const { running, taken } = await findRunning(reading.service, context)
  const overrides = running?.overrides ?? {}
  const service: RegisteredService = { ...reading.service, overrides }
  const { environment } = context
  const requested = requestedAttributes(service, environment)
  const isMoot: Record<string, boolean> = {
    CLIENT_ID_GIVEN: running !== undefined || taken !== undefined,
    NO_REQUESTED_ATTRIBUTES: choosePreset(service, environment) !== undefined,
  }
  const all = [
    ...findings.filter(({ code }) => !isMoot[code]),
    ...reviewEndpoints(service),
    ...reviewRequests(service, environment),
    ...(taken ? [{ code: taken, severity: 'stop' as const }] : []),
    ...(running ? [updateFinding(running, metadata)] : []),
  ]
  const contact = technicalContact(running ? toService(running) : service)
  return {
    findings: all,
    isGood: contact !== undefined && all.every(({ severity }) => severity !== 'stop'),
    service,
    metadata,
    running,
    contact,
    requested,
  }
}

function readSaml(text: string, { now }: CheckContext): Reading {
  const { serviceProvider, findings } = readServiceProviderMetadata(text, selfOrigin, now())
  return { service: serviceProvider, metadata: text, findings: findings.map(fromMetadata) }
}

function readJson(text: string): Reading {
  const given = parseJson(text) as Record<string, unknown>
  return Object.hasOwn(given, 'cas_service') ? readCas(given, selfOrigin) : readClient(given)
}

/** A secret is never theirs to choose: ours has the strength we count on, and was on no other way. */
function readClient(given: Record<string, unknown>): Reading {
  const findings: RegistrationFinding[] = []
  if (given.client_secret !== undefined) {
    findings.push({ code: 'CLIENT_SECRET_GIVEN', severity: 'stop' })
  }
  const { metadata, ignored } = checkClientMetadata(given)
  const { client_secret: _, ...registered } = metadata
  const client: RelyingParty = {
    protocol: 'oidc',
    clientId: metadata.client_id,
    state: 'pending',
    origin: selfOrigin,
    metadata: registered,
    ...clientDisplay(registered),
    overrides: {},
  }
  // A name of their own choice could pass for somebody else's; checkRegistration knows registered ones.
  if (given.client_id !== undefined) findings.push({ code: 'CLIENT_ID_GIVEN', severity: 'stop' })
  findings.push(
    ...reviewClient(client),
    ...ignored
      .filter((field) => field !== 'client_secret')
      .map(
        (subject): RegistrationFinding => ({
          code: 'CLIENT_FIELD_IGNORED',
          severity: 'note',
          subject,
        }),
      ),
  )
  return { service: client, metadata: JSON.stringify(registered), findings }
}

function unreadable(error: unknown): RegistrationFinding[] {
  if (error instanceof MetadataError) return fromError(error)
  if (!(error instanceof IdpError)) throw error
  const line = /^line (\d+): /.exec(error.message)?.[1]
  const message = error.message.replace(/^line \d+: /, '')
  return [
    { code: 'JSON_UNREADABLE', severity: 'stop', message, ...(line && { line: Number(line) }) },
  ]
}

/**
 * What an administrator registered, or a federation vouches for, stays theirs: nobody takes over its
 * name by a form.
 */
async function findRunning(
  service: RegisteredService,
  { config, now }: CheckContext,
): Promise<{ running?: ServiceRecord; taken?: string }> {
  const id = serviceId(service)
  const record = await serviceRecords().findOne({ _id: recordId(service.protocol, id) })
  if (record?.origin === selfOrigin) return { running: record }
  if (record) return { taken: takenCodes[service.protocol] }
  if (service.protocol === 'cas')
    return { taken: await whoseAddress(service, config.baseUrl, now()) }
  const isElsewhere =
    service.protocol === 'saml' &&
    (id === config.samlEntityId ||
      id === `${config.baseUrl}/saml/metadata` ||
      (await findServiceProvider(id, now())) !== undefined)
  return isElsewhere ? { taken: takenCodes[service.protocol] } : {}
}

const takenCodes: Record<RegisteredService['protocol'], string> = {
  saml: 'ENTITY_ID_TAKEN',
  oidc: 'CLIENT_ID_TAKEN',
  cas: 'CAS_PATTERN_TAKEN',
}

function updateFinding(running: ServiceRecord, metadata: string): RegistrationFinding {
  return running.metadata === metadata
    ? { code: 'NOTHING_CHANGED', severity: 'stop' }
    : { code: 'IS_UPDATE', severity: 'note' }
}
