import { rehearse } from '../key-rotation/rehearsal.ts'
import { listKeys } from '../keys/key-records.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { ProgressBar } from './progress-bar.ts'
import { rehearsalFacts, rehearsalLines } from './rehearsal-texts.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia keys rehearse [KID] [--live] [--json]

Plays the promotion of a staged key, of all that are staged when no KID is given: from when it may
sign, and for every approved service whether it would still accept us, and how we know. Nothing is
changed.

  --live   also asks services that can be told of a logout, by three messages about a person who does
           not exist; nobody is signed out. The result is kept and shown from then on.
`

const options = {
  json: { type: 'boolean', default: false },
  live: { type: 'boolean', default: false },
} as const

/** `keys rehearse`: see the usage above. Its exit code is 1 when a service would break. */
export async function rehearseCommand(context: CliContext, args: string[]): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const [given, ...more] = parsed.positionals
  if (more.length > 0) return usageError(`what is "${more[0]}"?`, usage)
  const kids = given === undefined ? await stagedKids() : [given]
  if (kids.length === 0) {
    process.stderr.write(
      'propylaia: no key is staged; make one with: propylaia keys stage --use saml\n',
    )
    return 1
  }
  const { json, live } = parsed.values
  const rehearsals = []
  for (const kid of kids) {
    let bar: ProgressBar | undefined
    try {
      const onProgress = (done: number, of: number) => {
        bar ??= new ProgressBar('asking services', of)
        bar.at(done)
      }
      rehearsals.push(await rehearse(context, kid, { live, onProgress }))
    } finally {
      bar?.stop()
    }
  }
  if (json)
    printJson(given === undefined ? rehearsals.map(rehearsalFacts) : rehearsalFacts(rehearsals[0]!))
  else print(rehearsals.flatMap((rehearsal) => [...rehearsalLines(rehearsal), '']))
  const isBreaking = rehearsals.some(({ services }) =>
    services.some(({ state }) => state === 'breaks'),
  )
  return isBreaking ? 1 : 0
}

async function stagedKids(): Promise<string[]> {
  return (await listKeys())
    .filter(({ use, state }) => state === 'staged' && use !== 'saml-encryption')
    .map(({ kid }) => kid)
}
