import type { AppContext } from '../context.ts'
import { describeRoles } from '../login/home-routes.ts'
import { maskContact } from '../messages/mask.ts'
import { maskNationalNumber, openNationalNumber } from '../people/national-number.ts'
import { findSourceRecords } from '../people/people-store.ts'
import type { Person, PersonRole, SealedNationalNumber } from '../people/person.ts'
import type { SourceRecord } from '../people/person-model.ts'
import { roleChoiceOf } from '../people/role-choice.ts'
import { type NamedRecordKeeper, recordKeeperFor } from '../record-keeper/record-keeper.ts'
import { formatDate, formatDay, formatMoment } from '../web/date-time.ts'
import type { Language } from '../web/language.ts'
import type { Visit } from './signed-in.ts'

type InformationContext = Pick<AppContext, 'config' | 'institution' | 'secrets' | 'now'>

const dayMs = 86_400_000

/** Everything that the page about the account shows, in its language; numbers and contacts masked. */
export async function informationFacts(context: InformationContext, visit: Visit) {
  const { account, person, language } = visit
  return {
    person: personFacts(context, person, language),
    account: accountFacts(context, visit),
    recovery: recoveryFacts(visit),
    records: describeRecords(context, visit, await findSourceRecords(account._id)),
  }
}

function personFacts({ secrets }: Pick<AppContext, 'secrets'>, person: Person, language: Language) {
  const masked = (entry: SealedNationalNumber) => ({
    country: entry.country,
    countryName: countryName(entry.country, language),
    masked: maskNationalNumber(openNationalNumber(secrets, entry)).replaceAll('*', '•'),
  })
  const fullNameIn = (other: Language) => `${person.firstName[other]} ${person.lastName[other]}`
  return {
    fullName: fullNameIn(language),
    fullNameElsewhere: fullNameIn(language === 'el' ? 'en' : 'el'),
    ...ownFacts(person, language),
    citizenships: person.citizenship.map((code) => countryName(code, language)),
    numbers: person.nationalNumbers.map(masked),
    taxNumber: person.taxNumber && masked(person.taxNumber),
    orcid: person.orcid,
  }
}

function ownFacts(facts: Pick<Person, 'fatherName' | 'birthDate' | 'gender'>, language: Language) {
  return {
    fatherName: facts.fatherName,
    birthDate: facts.birthDate && formatDate(facts.birthDate, language),
    // 0: the source does not know.
    gender: facts.gender || undefined,
  }
}

function accountFacts({ config, now }: InformationContext, { account, language }: Visit) {
  const { activation, activatedAt, passwordChangedAt, acceptedTerms, expiresAt } = account
  return {
    username: account.username,
    mailAddress: `${account.username}@${config.scope}`,
    activatedAt: activatedAt && formatDay(activatedAt, language),
    way: activation?.way,
    proven: activation?.proven ?? [],
    reference: activation?.reference,
    passwordChangedAt: passwordChangedAt && formatDay(passwordChangedAt, language),
    passwordAgeDays:
      passwordChangedAt && Math.floor((now().getTime() - passwordChangedAt.getTime()) / dayMs),
    acceptedTerms: acceptedTerms && {
      terms: acceptedTerms.terms,
      privacy: acceptedTerms.privacy,
      at: formatMoment(acceptedTerms.acceptedAt, language),
    },
    expiresAt: expiresAt && formatDay(expiresAt, language),
  }
}

function recoveryFacts({ account, language }: Visit) {
  const { mobile, mobileConsentAt, email, emailConsentAt } = account
  return (
    [
      ['sms', mobile, mobileConsentAt],
      ['email', email, emailConsentAt],
    ] as const
  ).flatMap(([channel, contact, consentAt]) =>
    contact === undefined
      ? []
      : [
          {
            channel,
            masked: maskContact(contact),
            consentAt: consentAt && formatDay(consentAt, language),
          },
        ],
  )
}

/** A role, what its source holds, and who corrects it. */
function describeRecords(
  { institution, now }: InformationContext,
  { person, account, language, t }: Visit,
  records: readonly SourceRecord[],
) {
  const keeperOf = (role: PersonRole): NamedRecordKeeper =>
    recordKeeperFor(institution, roleChoiceOf(role.role), role.departmentCode, language, t)
  return person.roles.map((role) => {
    const record = records.find(({ key }) => key === `${role.source}:${role.sourceId}`)
    return {
      ...describeRoles({ roles: [role] }, account, now(), language, institution)[0]!,
      departmentCode: role.departmentCode,
      validFrom: role.validFrom && formatDate(role.validFrom, language),
      validTo: role.validTo && formatDate(role.validTo, language),
      inscriptionYear: role.inscriptionYear,
      position: role.position,
      contractType: role.contractType,
      graduatedOn: role.graduatedOn && formatDate(role.graduatedOn, language),
      enrollmentTerm: role.enrollmentTerm,
      mobile: role.mobile && maskContact(role.mobile),
      email: role.email && maskContact(role.email),
      differences: record?.firstName ? differences(person, record, language) : [],
      recordKeeper: keeperOf(role),
    }
  })
}

/** Where one source says something else than the person's joined facts: mostly a mistake in one. */
function differences(person: Person, record: SourceRecord, language: Language) {
  const factsOf = (facts: Person | SourceRecord) => ({
    fullName: `${facts.firstName[language]} ${facts.lastName[language]}`,
    ...ownFacts(facts, language),
  })
  const joined = factsOf(person)
  const held = factsOf(record)
  return (Object.keys(held) as (keyof typeof held)[]).flatMap((name) => {
    const value = held[name]
    return value === undefined || value === joined[name] ? [] : [{ name, value: String(value) }]
  })
}

function countryName(code: string, language: Language): string {
  const names = new Intl.DisplayNames(language === 'el' ? 'el-GR' : 'en-GB', { type: 'region' })
  return names.of(code) ?? code
}
