import type { ExportPart, ExportParts, ExportSource } from './export-parts.ts'

/** Whoever reads exports relies on these; the version rises when a field changes its meaning or goes. */
export const exportFormat = { format: 'propylaia-personal-data', version: 1 } as const

/** Everything held about a person as one JSON document, written as it is read. */
export async function* writeExport(
  source: ExportSource,
  parts: ExportParts,
): AsyncGenerator<string> {
  const { institution, config, now } = source.context
  const head = {
    ...exportFormat,
    createdAt: now(),
    institution: { name: institution.name, domain: config.scope },
  }
  yield `{${membersOf(head)}`
  for (const [name, part] of Object.entries(parts)) {
    yield `,\n${JSON.stringify(name)}: `
    yield* writePart(part, source)
  }
  yield '\n}\n'
}

function membersOf(head: object): string {
  return Object.entries(head)
    .map(([name, value]) => `\n${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(',')
}

async function* writePart(part: ExportPart, source: ExportSource): AsyncGenerator<string> {
  const content = part(source)
  if (!isList(content)) return yield JSON.stringify(await content, null, 2)
  let separator = '['
  for await (const entry of content) {
    yield `${separator}\n${JSON.stringify(entry)}`
    separator = ','
  }
  yield separator === '[' ? '[]' : '\n]'
}

function isList(content: object): content is AsyncIterable<unknown> {
  return Symbol.asyncIterator in content
}
