import {
  isRecord,
  isText,
  listOf,
  localizedText,
  matching,
  oneOf,
  partOf,
  text,
} from '../../shape-check.ts'
import { attributeByName } from '../attribute-table.ts'

const affiliations = ['faculty', 'staff', 'employee', 'student', 'alum', 'affiliate', 'member']

const attributeName = matching(
  (value) => isText(value) && attributeByName(value) !== undefined,
  'a name in docs/attributes.md',
)

const trueOrFalse = matching((value) => typeof value === 'boolean', 'true or false')

/** Lower case, as URL parsing gives it; a name of one label would be everybody below it. */
const hostName = matching(
  (value) => isText(value) && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(value),
  'a host name in lower case, such as eudoxus.gr',
)

const presetFile = partOf(
  {
    id: matching(
      (value) =>
        isText(value) &&
        /^[a-z0-9][a-z0-9-]{0,63}$/.test(value) &&
        value !== 'none' &&
        value !== 'default',
      'lower-case letters, digits and "-", other than "none" and "default"',
    ),
    name: localizedText,
    about: localizedText,
    basis: text,
    hosts: listOf(hostName, 0),
    disclosure: oneOf(['ask', 'inform', 'silent']),
    legalGround: partOf(
      {
        basis: oneOf([
          'consent',
          'contract',
          'legal-obligation',
          'public-task',
          'legitimate-interests',
        ]),
        text: localizedText,
      },
      ['basis', 'text'],
    ),
    forms: partOf({
      names: oneOf(['el', 'en']),
      uniqueCode: oneOf(['gr', 'esi']),
      uniqueId: oneOf(['terena', 'schac']),
      codeRoles: listOf(oneOf(['student', 'faculty', 'staff', 'affiliate']), 1),
    }),
    sensitive: listOf(attributeName, 0),
    attributes: listOf(
      partOf(
        {
          name: attributeName,
          isRequired: trueOrFalse,
          why: localizedText,
          onlyFor: listOf(oneOf(affiliations), 1),
        },
        ['name', 'isRequired', 'why'],
      ),
      0,
    ),
  },
  ['id', 'name', 'about', 'basis', 'hosts', 'disclosure', 'legalGround', 'attributes'],
)

/** What is wrong with one preset file, each problem with its field's name. */
export function findPresetProblems(parsed: unknown): string[] {
  if (!isRecord(parsed)) return ['must hold one JSON object']
  // The file's own object has no name to put before its fields.
  const shape = presetFile(parsed, '').map((problem) => problem.replace(/^\./, ''))
  return shape.length > 0 ? shape : findAttributeProblems(parsed as unknown as Checked)
}

interface Checked {
  readonly sensitive?: readonly string[]
  readonly attributes: readonly { readonly name: string }[]
}

function findAttributeProblems({ sensitive = [], attributes }: Checked): string[] {
  const seen = new Set<string>()
  return attributes.flatMap(({ name }, index) => {
    const field = `attributes[${index}].name`
    const problems: string[] = []
    if (seen.has(name)) problems.push(`${field}: "${name}" is there twice`)
    seen.add(name)
    if (attributeByName(name)?.sensitivity === 'sensitive' && !sensitive.includes(name)) {
      problems.push(
        `${field}: "${name}" is sensitive; a file that means to release it names it in "sensitive" too`,
      )
    }
    return problems
  })
}
