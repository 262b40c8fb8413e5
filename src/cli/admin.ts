import { userInfo } from 'node:os'
import { accountStanding } from '../people/account.ts'
import { grantAdminRight, listAdministrators, revokeAdminRight } from '../people/admin-right.ts'
import { findAccountByUsername, normalizeUsername } from '../people/people-store.ts'
import { athensTime } from './activation-texts.ts'
import { fail, readArguments, usageError } from './arguments.ts'
import type { CliContext } from './cli-context.ts'
import { print, printJson } from './service-input.ts'

const usage = `Usage: propylaia admin grant USERNAME
       propylaia admin revoke USERNAME
       propylaia admin list [--json]

Who may use the pages under /admin. The right belongs to the account and counts from the next request
on; it can be given and taken here alone. It says nothing about the account's own state: a disabled
administrator does not sign in.
`

type Needs = Pick<CliContext, 'audit' | 'now'>

/** `admin grant|revoke|list`: see the usage above. */
export async function adminCommand(context: Needs, args: string[]): Promise<number> {
  const parsed = readArguments(args, { json: { type: 'boolean', default: false } }, usage)
  if (typeof parsed === 'number') return parsed
  const [action, given, ...more] = parsed.positionals
  const { json } = parsed.values
  if (action === 'list' && given === undefined) return list(context, json)
  if ((action !== 'grant' && action !== 'revoke') || given === undefined || more.length > 0) {
    return usageError('expected: admin grant USERNAME, admin revoke USERNAME or admin list', usage)
  }
  const account = await findAccountByUsername(normalizeUsername(given))
  if (!account) return fail(`there is no account "${given}"`)
  const { _id: personId, username } = account
  const by = operator()
  const isDone =
    action === 'grant'
      ? await grantAdminRight(personId, by, context.now())
      : await revokeAdminRight(personId)
  if (!isDone) {
    return fail(
      `${username} ${action === 'grant' ? 'has the right already' : 'does not have the right'}`,
    )
  }
  context.audit.record({
    event: `admin.${action}`,
    result: 'success',
    personId,
    username,
    details: { by },
  })
  if (json) printJson({ username, admin: action === 'grant' })
  else
    print([`${username}: ${action === 'grant' ? 'administrator' : 'no longer an administrator'}`])
  return 0
}

async function list({ now }: Needs, json: boolean): Promise<number> {
  const found = (await listAdministrators()).map((account) => ({
    username: account.username,
    since: account.adminRight?.since,
    by: account.adminRight?.by,
    standing: accountStanding(account, now()),
  }))
  if (json) printJson(found)
  else if (found.length === 0)
    print(['nobody; give the right with: propylaia admin grant USERNAME'])
  else {
    print(
      found.map(
        ({ username, since, by, standing }) =>
          `${username.padEnd(20)} ${since ? athensTime(since) : ''}  by ${by}${standing === 'active' ? '' : `  (account ${standing})`}`,
      ),
    )
  }
  return 0
}

/** The user of the operating system: what the machine knows of who types. */
export function operator(): string {
  try {
    return `${userInfo().username} (command line)`
  } catch {
    // A user id without a name, as containers have.
    return 'command line'
  }
}
