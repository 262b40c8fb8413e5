import { after, afterEach } from 'node:test'

/** Once, when the tests of the file are over and one of them failed: what the programs logged. */
export function showLogsOnFailure(
  sources: () => readonly ({ logs(): string } | undefined)[],
): void {
  let hasFailure = false
  afterEach((context) => {
    if ('passed' in context && !context.passed) hasFailure = true
  })
  after(() => {
    if (hasFailure) for (const source of sources()) console.error(source?.logs() ?? '')
  })
}
