import type { AdministratorsExplanation, ExplainedLine } from './release-explanation.ts'

/** What `release explain` prints for people. */
export function explanationLines(explained: AdministratorsExplanation): readonly string[] {
  const { attributes, legalGround, preset, presetBy } = explained
  const facts: [string, string | undefined][] = [
    ['service', `${explained.name} (${explained.service}), ${explained.protocol}`],
    [
      'state',
      explained.state === 'approved' ? undefined : `${explained.state}: nobody can sign in`,
    ],
    [
      'person',
      `${explained.username} (${explained.standing}${explained.standing === 'active' ? '' : ': nothing goes until it is active'})`,
    ],
    ['preset', preset ? `${preset} (${explained.presetName}), by ${presetBy}` : 'none'],
    ['categories', explained.categories?.join(', ')],
    ['disclosure', explained.disclosure],
    [
      'ground',
      legalGround &&
        (legalGround.basis ? `${legalGround.basis}: ${legalGround.text}` : legalGround.text),
    ],
  ]
  return [
    ...facts.flatMap(([name, text]) => (text ? [`${name.padEnd(12)} ${text}`] : [])),
    ...section('Goes', attributes, 'goes', goingLines),
    ...section('Would go, but there is no value', attributes, 'missing', missingLines),
    ...section('Does not go', attributes, 'refused', ({ name, reason }) => [row(name, reason)]),
    ...(attributes.some(({ outcome }) => outcome !== 'refused')
      ? []
      : ['', 'It gets nothing beyond that somebody signed in.']),
    ...needs(explained),
  ]
}

function section(
  title: string,
  attributes: readonly ExplainedLine[],
  outcome: ExplainedLine['outcome'],
  lines: (line: ExplainedLine) => readonly string[],
): readonly string[] {
  const chosen = attributes.filter((line) => line.outcome === outcome)
  return chosen.length > 0 ? ['', title, ...chosen.flatMap(lines)] : []
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(30)} ${text}`
}

function goingLines({ name, values, reason, why }: ExplainedLine): readonly string[] {
  return [
    ...values.map((value, index) => row(index === 0 ? name : '', value)),
    row('', `because: ${reason}${why ? `. ${why}` : ''}`),
  ]
}

function missingLines({ name, isRequired, reason, missing }: ExplainedLine): readonly string[] {
  const lacking = missing.map(({ text }) => text).join(', ')
  return [
    row(name, `${isRequired ? 'required' : 'optional'}, because: ${reason}`),
    ...(lacking ? [row('', `not on record: ${lacking}`)] : []),
  ]
}

/** What the service needs and nobody has put on record: once for each fact. */
function needs({ name, presetName, attributes }: AdministratorsExplanation): readonly string[] {
  const lacking = new Map(
    attributes
      .filter(({ isRequired }) => isRequired)
      .flatMap(({ missing }) => missing.map((fact) => [fact.fact, fact] as const)),
  )
  const lines = [...lacking.values()].map(({ fact, text, ask }) => {
    const unasked =
      fact === 'academicId' ? 'nobody, it comes by itself' : 'nobody, this is no student'
    const whom = ask ? [ask.name, ask.email, ask.phone].filter(Boolean).join(', ') : unasked
    return `${presetName ?? name} needs: ${text}. Ask: ${whom}`
  })
  return lines.length > 0 ? ['', ...lines] : []
}
