import { attributesCheck, departmentsCheck, releaseCheck } from './institution-check-attributes.ts'
import { federationCheck, findUnkeptClaims } from './institution-check-federation.ts'
import {
  eachOf,
  isMailAddress,
  isRecord,
  isText,
  listOf,
  localizedText,
  mailAddress,
  matching,
  oneOf,
  partOf,
  type ShapeCheck,
  text,
  webAddress,
  wholeNumber,
} from './shape-check.ts'

const requiredTexts = [
  'name',
  'tagline',
  'description',
  'url',
  'informationUrl',
  'privacyStatementUrl',
  'termsUrl',
  'accessibilityUrl',
] as const

const otherFields: readonly string[] = [
  'helpdesk',
  'technicalContact',
  'securityContact',
  'services',
  'logo',
  'colours',
  'registrationAuthority',
]

const recordKeeper = partOf(
  { name: localizedText, email: mailAddress, phone: text, url: webAddress },
  ['name'],
)

const policyText = partOf(
  {
    version: text,
    sections: listOf(partOf({ title: localizedText, text: localizedText }, ['title', 'text']), 1),
  },
  ['version', 'sections'],
)

const urn = matching(
  (value) => isText(value) && /^urn:[a-z0-9][a-z0-9-]+:\S+$/i.test(value),
  'a URN such as "urn:schac:homeOrganizationType:eu:higherEducationalInstitution"',
)

function homeOrganizationType(value: unknown, field: string): string[] {
  return Array.isArray(value) ? listOf(urn, 1)(value, field) : urn(value, field)
}

/** Each but homeOrganizationType may be absent. */
const optionalParts: Readonly<Record<string, ShapeCheck>> = {
  homeOrganizationType,
  mailFrom: mailAddress,
  recordKeepers: partOf({
    student: recordKeeper,
    staff: recordKeeper,
    affiliate: recordKeeper,
    departments: eachOf(recordKeeper),
  }),
  terms: policyText,
  privacy: policyText,
  passwordRules: partOf({
    minLength: wholeNumber(6, 64),
    minNonAlphabetic: wholeNumber(0, 8),
    maxDigitRun: wholeNumber(2, 10),
    minDifferent: wholeNumber(1, 20),
  }),
  activation: partOf({
    contacts: oneOf(['any', 'exactly-one']),
    taxNumberRequiredFor: listOf(oneOf(['undergraduate', 'postgraduate', 'staff', 'affiliate']), 0),
  }),
  departments: departmentsCheck,
  attributes: attributesCheck,
  release: releaseCheck,
  federation: federationCheck,
}

/** What is missing or wrong in an institution file, each problem with its field's name. */
export function findInstitutionProblems(parsed: unknown): string[] {
  if (!isRecord(parsed)) return ['must hold one JSON object']
  const problems: string[] = []
  for (const field of requiredTexts) {
    const text = parsed[field]
    for (const language of ['el', 'en']) {
      if (!isRecord(text) || !isText(text[language]))
        problems.push(`${field}.${language}: must be a text`)
      else if (
        field.toLowerCase().endsWith('url') &&
        !URL.canParse(text[language] as string, 'https://base.invalid')
      ) {
        problems.push(`${field}.${language}: must be a URL, got "${text[language]}"`)
      }
    }
  }
  for (const field of ['helpdesk', 'technicalContact', 'securityContact']) {
    const contact = parsed[field]
    if (!isRecord(contact) || !isMailAddress(contact.email)) {
      problems.push(`${field}.email: must be a mail address`)
    }
    if (field !== 'helpdesk' && (!isRecord(contact) || !isText(contact.givenName))) {
      problems.push(`${field}.givenName: must be a name`)
    }
  }
  if (parsed.homeOrganizationType === undefined) {
    problems.push(...homeOrganizationType(undefined, 'homeOrganizationType'))
  }
  const { logo, services, colours } = parsed
  if (
    logo !== undefined &&
    !(
      isRecord(logo) &&
      isText(logo.url) &&
      /^(https|data):/.test(logo.url) &&
      isSize(logo.width) &&
      isSize(logo.height)
    )
  ) {
    problems.push('logo: needs url (https: or data:), width and height in pixels')
  }
  if (
    colours !== undefined &&
    !(
      isRecord(colours) &&
      [colours.action, colours.header].every((c) => isText(c) && /^#[0-9a-f]{6}$/i.test(c))
    )
  ) {
    problems.push('colours: needs action and header, each as #rrggbb')
  }
  if (!Array.isArray(services)) problems.push('services: must be a list (it may be empty)')
  else {
    services.forEach((service, index) => {
      const fine =
        isRecord(service) &&
        isText(service.url) &&
        URL.canParse(service.url) &&
        [service.name, service.description].every(
          (text) => isRecord(text) && isText(text.el) && isText(text.en),
        )
      if (!fine)
        problems.push(
          `services[${index}]: needs name {el, en}, description {el, en} and an absolute url`,
        )
    })
  }
  return [...problems, ...findOptionalProblems(parsed), ...findUnkeptClaims(parsed)]
}

function findOptionalProblems(parsed: Record<string, unknown>): string[] {
  const checkedAbove = [...requiredTexts, ...otherFields]
  const problems = Object.entries(parsed).flatMap(([field, value]) => {
    const check = Object.hasOwn(optionalParts, field) ? optionalParts[field] : undefined
    if (check !== undefined) return check(value, field)
    return checkedAbove.includes(field)
      ? []
      : [`${field}: no such field (docs/institution-file.md names them all)`]
  })
  const policies = [
    ['terms', 'termsUrl'],
    ['privacy', 'privacyStatementUrl'],
  ] as const
  return [
    ...problems,
    ...policies.flatMap(([policy, urlField]) =>
      parsed[policy] === undefined ? [] : findHiddenPolicy(policy, urlField, parsed[urlField]),
    ),
  ]
}

/** People would agree to the version of one text while the link shows another. */
function findHiddenPolicy(policy: string, urlField: string, urls: unknown): string[] {
  const page = `/info/${policy}`
  return Object.entries(isRecord(urls) ? urls : {})
    .filter(([, url]) => url !== page && !`${url}`.startsWith(`${page}?`))
    .map(([language, url]) => {
      const where = `${urlField}.${language}`
      return `${where}: must be ${page}, the page of the text in "${policy}", got "${url}"`
    })
}

function isSize(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0
}
