import { findAccountByUsername, normalizeUsername } from '../people/people-store.ts'
import { withdrawNationalNumber } from '../people/withdraw-number.ts'
import { fail, readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'

const usage = `Usage: propylaia account withdraw-number USERNAME COUNTRY --reason TEXT [--json]

Takes away the national number (GR: the AMKA, else the country of a social security number) that the
person gave at activation and that turned out not to be theirs. Whoever it belongs to can then give it.
A number that a source record names is corrected in the source and imported. account show lists the
numbers, masked. The AcademicID is not touched: docs/academicid.md, "A number that was wrong".
`

const meanings = {
  claimed:
    'Nobody had confirmed it, so it went to no service and led to no AcademicID: nothing changes there.',
  confirmed:
    'The national registry had confirmed it: if the AcademicID came by it, the AcademicID registry still knows the number under that id (docs/academicid.md, "A number that was wrong").',
} as const

/** `account withdraw-number`: see the usage above. */
export async function withdrawNumberCommand(
  context: Pick<CliContext, 'audit'>,
  args: string[],
): Promise<number> {
  const options = { json: { type: 'boolean', default: false }, reason: { type: 'string' } } as const
  const parsed = readArguments(args, options, usage)
  if (typeof parsed === 'number') return parsed
  const { values, positionals } = parsed
  const [given, country = '', ...more] = positionals
  const { reason = '' } = values
  if (given === undefined || !/^[A-Z]{2}$/.test(country) || more.length > 0 || !reason.trim()) {
    return usageError('expected: USERNAME, COUNTRY as two capital letters, --reason TEXT', usage)
  }
  const username = normalizeUsername(given)
  const account = await findAccountByUsername(username)
  if (!account) return fail(`there is no account "${username}"`)
  const withdrawal = await withdrawNationalNumber(account._id, country)
  if (withdrawal.outcome === 'none') return fail(`"${username}" has no number of ${country}`)
  if (withdrawal.outcome === 'named') {
    const { sources } = withdrawal
    return fail(
      `a source names this number (${sources.join(', ')}): correct it there and import the record`,
    )
  }
  const { wasClaimed } = withdrawal
  context.audit.record({
    event: 'account.number-withdrawn',
    result: 'success',
    personId: account._id,
    username,
    details: { by: 'command line', country, wasClaimed, reason },
  })
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ username, country, withdrawn: true, wasClaimed })}\n`
      : `${username}: the number of ${country} is withdrawn\n${meanings[wasClaimed ? 'claimed' : 'confirmed']}\n`,
  )
  return 0
}
