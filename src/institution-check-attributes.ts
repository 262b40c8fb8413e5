import { defaultPrecedence } from './attributes/affiliations.ts'
import { attributeBySamlName } from './attributes/attribute-table.ts'
import { isUrnPart } from './attributes/attribute-values.ts'
import { entityCategoryNames } from './attributes/entity-categories.ts'
import {
  eachOf,
  isRecord,
  listOf,
  localizedText,
  matching,
  oneOf,
  partOf,
  type ShapeCheck,
  text,
  wholeNumber,
} from './shape-check.ts'

/** Stands between the `:` of a URN, whose readers count positions. */
const urnPart = matching(
  (value) => typeof value === 'string' && isUrnPart(value),
  'a text without spaces and colons',
)

const ministryCode = matching(
  (value) => typeof value === 'string' && /^\d{1,10}$/.test(value),
  'a text of digits, the code that the Ministry gives the department',
)

const oid = matching(
  (value) => typeof value === 'string' && /^urn:oid:[0-2](\.(0|[1-9]\d*))+$/.test(value),
  'an OID such as "urn:oid:1.3.6.1.4.1.36215.1.2.7"',
)

const yesOrNo = matching((value) => typeof value === 'boolean', 'true or false')

/** `departments`, by the code in the institution's own systems. */
export const departmentsCheck: ShapeCheck = (value, field) => [
  ...eachOf(partOf({ name: localizedText, ministryCode }, ['name']))(value, field),
  ...keysOf(value)
    .filter((code) => code.includes(':'))
    .map((code) => `${field}: the code "${code}" must have no colon`),
]

export const attributesCheck: ShapeCheck = partOf({
  primaryAffiliation: precedence,
  europeanStudentIdentifier: studentIdentifier,
  linkage,
  schGrAcInscriptionName: newName,
  assurance: partOf({
    identityProofing: oneOf(['low', 'medium', 'high']),
    localEnterprise: yesOrNo,
    usernamesNeverReassigned: yesOrNo,
    affiliationFreshness: oneOf(['1d', '1m']),
  }),
})

export const releaseCheck: ShapeCheck = partOf({
  disclosure: oneOf(['ask', 'inform', 'silent']),
  presets: eachOf(text),
  entityCategories: listOf(oneOf(entityCategoryNames), 0),
  foreignRequests: yesOrNo,
})

/** A Name that the table has would carry one attribute's values as another's. */
function newName(value: unknown, field: string): string[] {
  const problems = oid(value, field)
  if (problems.length > 0) return problems
  const owner = attributeBySamlName(value as string)
  return owner ? [`${field}: must not be "${value}", the Name of ${owner.name}`] : []
}

function precedence(value: unknown, field: string): string[] {
  const problems = listOf(oneOf(defaultPrecedence), 1)(value, field)
  if (problems.length > 0) return problems
  const named = value as string[]
  const twice = named.find((name, index) => named.indexOf(name) !== index)
  return twice === undefined
    ? []
    : [`${field}: must name each affiliation once, has "${twice}" twice`]
}

function studentIdentifier(value: unknown, field: string): string[] {
  const codes = ['registration-number', 'department-and-registration-number', 'academic-id']
  const problems = partOf({ form: oneOf(['institution', 'national']), code: oneOf(codes) }, [
    'form',
    'code',
  ])(value, field)
  if (problems.length > 0) return problems
  const { form, code } = value as { form: string; code: string }
  return form === 'national' && code === 'registration-number'
    ? [
        `${field}.code: must not be "registration-number" with form "national": students of two institutions may have the same one`,
      ]
    : []
}

/** Of two systems that look alike to the reader, the records of one would pass for the other's. */
function linkage(value: unknown, field: string): string[] {
  const problems = eachOf(
    partOf({ category: urnPart, identifier: urnPart, sequence: wholeNumber(1, 999) }, [
      'category',
      'identifier',
    ]),
  )(value, field)
  if (problems.length > 0) return problems
  problems.push(
    ...Object.keys(value as object)
      .filter((source) => !/^[A-Za-z0-9._-]+$/.test(source))
      .map((source) => `${field}: no source of the registry can be called "${source}"`),
  )
  const sources = new Map<string, string>()
  for (const [source, entry] of Object.entries(value as object)) {
    const system = `${entry.category.toLowerCase()}:${entry.sequence ?? 1}`
    const other = sources.get(system)
    if (other !== undefined) {
      problems.push(
        `${field}.${source}.sequence: must differ from that of "${other}", which has the same category`,
      )
    }
    sources.set(system, source)
  }
  return problems
}

function keysOf(value: unknown): string[] {
  return isRecord(value) ? Object.keys(value) : []
}
