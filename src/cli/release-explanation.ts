import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import { type ExplainedAttribute, explainRelease } from '../attributes/explain.ts'
import { maskedValues } from '../attributes/masked-values.ts'
import type { AttributeFact, LegalGround } from '../attributes/release-types.ts'
import { usualReleaseTarget } from '../attributes/targets.ts'
import { IdpError } from '../errors.ts'
import { type RegisteredService, serviceId, serviceName } from '../federation/service.ts'
import { findCasServiceFor, findServiceById } from '../federation/service-store.ts'
import { type AccountStanding, accountStanding } from '../people/account.ts'
import { withActivatedRoles } from '../people/activated-roles.ts'
import { findAccountByUsername, findPerson, normalizeUsername } from '../people/people-store.ts'
import type { Person } from '../people/person.ts'
import { officeFor } from '../record-keeper/fact-office.ts'
import { type NamedRecordKeeper, recordKeeperFor } from '../record-keeper/record-keeper.ts'
import { viewsDir } from '../web/render.ts'
import { loadTranslations, type Translate } from '../web/translate.ts'
import type { CliContext } from './cli-context.ts'
import { type ReleaseStanding, releaseStanding } from './release-standing.ts'

/** A fact that is not on record, in English, and who puts it there. */
export interface LackingFact {
  readonly fact: AttributeFact
  readonly text: string
  /** Absent: nobody can help. It comes by itself, or is for students alone. */
  readonly ask?: NamedRecordKeeper
}

export interface ExplainedLine extends Omit<ExplainedAttribute, 'missing' | 'why'> {
  /** What the service does with it, in English. */
  readonly why?: string
  readonly missing: readonly LackingFact[]
}

export interface AdministratorsExplanation extends ReleaseStanding {
  readonly service: string
  readonly name: string
  readonly protocol: RegisteredService['protocol']
  readonly state: RegisteredService['state']
  readonly username: string
  readonly standing: AccountStanding
  readonly presetName?: string
  /** Titles of the entity categories that count. */
  readonly categories?: readonly string[]
  readonly legalGround?: { readonly basis?: LegalGround['basis']; readonly text: string }
  readonly attributes: readonly ExplainedLine[]
}

/**
 * What the service gets about the person, national numbers masked. Written to the audit log, because
 * whoever reads it learns facts about somebody.
 *
 * @param scopes what an OpenID Connect client asks for, by space or comma
 * @returns undefined for scopes at a SAML or CAS service, which has none
 * @throws {IdpError} NOT_FOUND
 */
export async function explainToAdministrator(
  context: CliContext,
  username: string,
  id: string,
  scopes: string | undefined,
): Promise<AdministratorsExplanation | undefined> {
  // Of a CAS service people type an address, not its pattern's canonical text.
  const service = (await findServiceById(id, context.now())) ?? (await findCasServiceFor(id))
  if (!service) throw notFound(`no service "${id}" is registered`)
  if (scopes !== undefined && service.protocol !== 'oidc') return undefined
  const account = await findAccountByUsername(normalizeUsername(username))
  const person = account && (await findPerson(account._id))
  if (!account || !person) throw notFound(`there is no account "${username}"`)
  const environment = attributeEnvironment(context)
  const target = usualReleaseTarget(service, environment, scopes?.split(/[\s,]+/).filter(Boolean))
  const now = context.now()
  const subject = { account, person: withActivatedRoles(person, account), now }
  const { attributes, preset, categories, legalGround } = explainRelease(
    subject,
    target,
    environment,
  )
  context.audit.record({
    event: 'release.explain',
    result: 'success',
    personId: account._id,
    username: account.username,
    service: serviceId(service),
  })
  const { en: t } = loadTranslations(viewsDir, { strict: false })
  const lacking = lackingFacts(context, person, t)
  return {
    service: serviceId(service),
    name: serviceName(service, 'en'),
    protocol: service.protocol,
    state: service.state,
    username: account.username,
    standing: accountStanding(account, now),
    ...releaseStanding(service, context),
    ...(preset && { presetName: preset.name.en }),
    ...(categories && { categories }),
    ...(legalGround && { legalGround: { ...legalGround, text: legalGround.text.en } }),
    attributes: attributes.map(({ why, ...attribute }) => ({
      ...attribute,
      values: maskedValues(attribute),
      ...(why && { why: why.en }),
      missing: attribute.missing.map(lacking),
    })),
  }
}

function notFound(message: string): IdpError {
  return new IdpError('NOT_FOUND', message, { status: 404 })
}

function lackingFacts(
  { institution, now }: Pick<CliContext, 'institution' | 'now'>,
  person: Person,
  t: Translate,
) {
  return (fact: AttributeFact): LackingFact => {
    const office = officeFor(fact, person, now())
    const ask = office && recordKeeperFor(institution, office.role, office.departmentCode, 'en', t)
    return { fact, text: t(`release.fact.${fact}`), ...(ask && { ask }) }
  }
}
