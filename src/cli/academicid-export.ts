import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { settledAccounts, walkAccounts } from '../academicid/account-walk.ts'
import { exportedIds } from '../academicid/export.ts'
import { keyFingerprint } from '../academicid/person-key.ts'
import { accounts } from '../people/people-store.ts'
import type { AcademicIdNeeds } from './academicid.ts'
import { academicIdUsage as usage } from './academicid-usage.ts'
import { usageError } from './arguments.ts'
import { ProgressBar } from './progress-bar.ts'

/** `academicid export FILE`: see the usage. */
export async function exportCommand(
  context: AcademicIdNeeds,
  { json }: { json: boolean },
  [file]: string[],
): Promise<number> {
  if (file === undefined) return usageError('expected: academicid export FILE', usage)
  const [sharedKey] = context.config.academicIdSharedKeys
  if (!sharedKey) {
    process.stderr.write(
      'propylaia: ACADEMICID_SHARED_KEYS is not set: what is exported under a secret of this institution alone means nothing to another registry. Nothing was written.\n',
    )
    return 1
  }
  // Whoever has this file and the shared key can tell who has which id.
  const output = createWriteStream(file, { flags: 'wx', mode: 0o600 })
  try {
    await once(output, 'open')
  } catch (error) {
    process.stderr.write(`propylaia: "${file}" cannot be made: ${(error as Error).message}\n`)
    return 1
  }
  const total = await accounts().countDocuments(settledAccounts)
  const bar = new ProgressBar('Exporting', total)
  const allocation = { ...context, ...context.academicIds }
  let keys = 0
  const stopped = await walkAccounts(settledAccounts, async (account) => {
    for (const entry of await exportedIds(allocation, account)) {
      keys += 1
      if (!output.write(`${JSON.stringify(entry)}\n`)) await drained(output)
    }
    bar.step()
  }).finally(() => bar.stop())
  output.end()
  await finished(output)
  if (stopped !== undefined) {
    // Half a file would pass for a whole one.
    await rm(file)
    process.stderr.write(
      `propylaia: the AcademicID registry does not answer: ${stopped}. Nothing was written.\n`,
    )
    return 1
  }
  const report = { accounts: total, keys, sharedKey: keyFingerprint(sharedKey) }
  context.audit.record({
    event: 'academicid.export',
    result: 'success',
    details: { file, ...report, by: 'command line' },
  })
  process.stdout.write(
    json
      ? `${JSON.stringify(report, null, 2)}\n`
      : `${keys} keys of ${total} people, under the shared key ${report.sharedKey}\n`,
  )
  return 0
}

/** Several walk at the same time and wait for the same event. */
function drained(output: NodeJS.EventEmitter): Promise<unknown> {
  output.setMaxListeners(0)
  return once(output, 'drain')
}
