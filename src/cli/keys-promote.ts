import { IdpError } from '../errors.ts'
import { checkPromotion, promoteKey } from '../key-rotation/promotion.ts'
import type { Rehearsal } from '../key-rotation/rehearsal.ts'
import { athensTime } from './activation-texts.ts'
import { operator } from './admin.ts'
import { readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { confirm } from './confirm.ts'
import { rehearsalFacts, serviceLines, waitLines } from './rehearsal-texts.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia keys promote KID [--force [--yes]] [--json]

Lets a staged key sign from now on; the one that signed stays published (retiring). Refused as long
as somebody may hold metadata or a JWKS without the key, or while a service is known that would
refuse it: propylaia keys rehearse KID says which and why.

  --force   does it all the same, after naming the services that would break; written to the audit log
  --yes     does not ask
`

const options = {
  json: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
} as const

/** Of a promotion: what a look at the rehearsal explains. */
const refusals: readonly string[] = ['KEY_PROMOTION_TOO_EARLY', 'KEY_PROMOTION_BREAKS']

/** `keys promote`: see the usage above. */
export async function promoteCommand(context: CliContext, args: string[]): Promise<number> {
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const [kid, ...more] = parsed.positionals
  if (kid === undefined || more.length > 0) return usageError('expected: keys promote KID', usage)
  const { json, force, yes } = parsed.values
  const by = operator()
  if (force) {
    const { obstacles, rehearsal } = await checkPromotion(context, kid)
    if (obstacles.length > 0) {
      const atRisk = rehearsal.services.filter(({ state }) => state !== 'ready')
      if (!json) {
        print([
          'These services refuse our answers, or may do so, once this key signs:',
          '',
          ...atRisk.flatMap(serviceLines),
          ...(atRisk.length === 0 ? ['(none is known)'] : []),
          '',
        ])
      }
      const answer = yes ? true : await confirm(`Let ${kid} sign although it is not safe?`)
      if (answer === undefined)
        return usageError('--force asks on a terminal; without one it needs --yes', usage)
      if (!answer) {
        process.stderr.write('propylaia: nothing was changed\n')
        return 1
      }
    }
  }
  try {
    const { key, check } = await promoteKey(context, kid, { by, force })
    const isForced = check.obstacles.length > 0
    if (json)
      printJson({
        kid,
        state: key.state,
        forced: isForced,
        rehearsal: rehearsalFacts(check.rehearsal),
      })
    else
      print([
        `${kid} signs from now on${isForced ? ' (forced)' : ''}; the key before it stays published`,
      ])
    return 0
  } catch (error) {
    if (!(error instanceof IdpError && refusals.includes(error.code))) throw error
    const { rehearsal } = await checkPromotion(context, kid)
    if (json) printJson({ kid, refused: error.code, rehearsal: rehearsalFacts(rehearsal) })
    if (error.code === 'KEY_PROMOTION_TOO_EARLY') process.stderr.write(earlyText(kid, rehearsal))
    else {
      if (!json) print(breakingLines(rehearsal))
      process.stderr.write(
        'propylaia: nothing was changed; have these services read our metadata, or use --force\n',
      )
    }
    return 1
  }
}

function breakingLines({ services }: Rehearsal): string[] {
  const breaking = services.filter(({ state }) => state === 'breaks')
  return [
    'After the promotion these would refuse our answers:',
    '',
    ...breaking.flatMap(serviceLines),
    '',
  ]
}

function earlyText(kid: string, { promotion: { stagedAt, safeAt, parts } }: Rehearsal): string {
  const lines = [
    `propylaia: ${kid} may sign from ${athensTime(safeAt)} on. It was published ${athensTime(stagedAt)}, and older copies may be about for`,
    ...waitLines(parts),
    'Nothing was changed. Promote it then; if it cannot wait, --force names who would break, and asks.',
  ]
  return `${lines.join('\n')}\n`
}
