import { prepareNextKey, rewrapStore } from '../keys/rewrap.ts'
import { operator } from './admin.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia keys rewrap [--prepare] [--new-key FILE] [--json]

Seals everything anew under a new master key while servers run. The former key stays in certs/ as
master.key.previous: keep it with the backups made under it, then remove it. Cut off anywhere, run it
again. With MASTER_KEY its first key takes over.

  --prepare        only lays the new key ready as certs/master.key.next. With several machines copy
                   that file into certs/ of each, then run "keys rewrap" on every one
  --new-key FILE   a key made elsewhere (32 bytes as base64url, mode 0600)
`

/** `keys rewrap`: see the usage above. */
export async function rewrapCommand(context: CliContext, args: string[]): Promise<number> {
  const options = {
    json: { type: 'boolean' },
    prepare: { type: 'boolean' },
    'new-key': { type: 'string' },
  } as const
  const read = readArguments(args, options, usage)
  if (typeof read === 'number') return read
  const { values, positionals } = read
  if (positionals.length > 0) return usageError(`what is "${positionals[0]}"?`, usage)
  const { masterKeys } = context.keyVault
  const by = operator()
  if (values.prepare || values['new-key'] !== undefined) {
    const { file, id } = prepareNextKey(masterKeys, values['new-key'])
    if (values.prepare) {
      if (values.json) printJson({ outcome: 'prepared', file, id })
      else {
        print([
          `The next master key (${id}) lies ready in ${file}.`,
          'Copy it into certs/ of every machine, mode 0600, then run "propylaia keys rewrap" on each.',
        ])
      }
      return 0
    }
  }
  const report = await rewrapStore(masterKeys)
  const { outcome, from, to, resealed } = report
  context.audit.record({
    event: 'key.rewrapped',
    result: 'success',
    details: { by, from, to, resealed },
  })
  if (values.json) printJson(report)
  else {
    print([
      outcome === 'rotated'
        ? `The master key is ${to} now; ${resealed} records were sealed anew.`
        : `The rotation begun before is finished; ${resealed} records were sealed anew under ${to}.`,
      masterKeys.source === 'CERTS_DIR'
        ? `Back up ${masterKeys.files.current}. ${masterKeys.files.previous} opens older backups: keep it with them, not here.`
        : 'The other keys in MASTER_KEY open older backups: keep them with those, and take them out here.',
    ])
  }
  return 0
}
