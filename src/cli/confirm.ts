import { createInterface } from 'node:readline/promises'

/**
 * Asks on the terminal; only the whole word counts.
 *
 * @returns undefined when nobody can be asked: standard input is no terminal
 */
export async function confirm(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY) return undefined
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await lines.question(`${question} Type yes to go on: `)).trim().toLowerCase() === 'yes'
  } finally {
    lines.close()
  }
}
