import { readFileSync } from 'node:fs'

const page = readFileSync(
  new URL('../../../docs/registering-a-service.md', import.meta.url),
  'utf8',
)

/** The n-th fenced block of that language under that heading of docs/registering-a-service.md. */
export function pastedLines(heading: string, language: string, index = 0): string {
  const start = page.indexOf(`### ${heading}\n`)
  if (start < 0) throw new Error(`docs/registering-a-service.md has no "### ${heading}"`)
  const rest = page.slice(start + 4)
  const end = rest.search(/\n###? /)
  const section = end < 0 ? rest : rest.slice(0, end)
  const blocks = [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)].filter(
    ([, found]) => found === language,
  )
  const block = blocks[index]?.[2]
  if (block === undefined) throw new Error(`"${heading}" has no ${language} block ${index}`)
  return block
}

/** With the hosts and folders of the test in place of the page's. */
export function replaced(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce((all, [from, to]) => all.replaceAll(from, to), text)
}
