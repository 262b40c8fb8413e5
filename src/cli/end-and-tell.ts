import { nameService } from '../federation/describe-service.ts'
import { endEverywhere } from '../sso/end-everywhere.ts'
import type { EndedSession, LogoutOutcome } from '../sso/logout-channels.ts'
import { tellServices } from '../sso/tell-services.ts'
import type { CliContext } from './cli-context.ts'
import { forTerminal } from './terminal-text.ts'

const reasons: Record<Exclude<LogoutOutcome, 'done'>, string> = {
  failed: 'answered, but not that its session is over',
  'no-answer': 'did not answer',
  impossible: 'has no way to be told without the browser',
}

/**
 * Ends every sign-in of a person and waits, at most 5 seconds, until the services have been told: the
 * process that would go on telling them ends with the command.
 *
 * @returns `lines` for the terminal: what was told, and each service that keeps its own session;
 *   `services` for programs: the outcome at each
 */
export async function endAndTell(
  context: CliContext,
  personId: string,
): Promise<{
  sessions: number
  services: { protocol: string; id: string; outcome: LogoutOutcome }[]
  lines: string[]
}> {
  let ended: readonly EndedSession[] = []
  const { sessions } = await endEverywhere(context, personId, {
    tell(those) {
      ended = those.map((session) => ({ ...session, isByAdministrator: true }))
    },
  })
  const told = await tellServices(context, ended)
  const done = told.filter(({ outcome }) => outcome === 'done').length
  const lines = done === 0 ? [] : [`  ${done} services ended their sessions too\n`]
  for (const { service, outcome } of told) {
    if (outcome === 'done') continue
    const name = await nameService(service.id, 'en')
    lines.push(`  still signed in at ${forTerminal(name)}: it ${reasons[outcome]}\n`)
  }
  const services = told.map(({ service: { protocol, id }, outcome }) => ({ protocol, id, outcome }))
  return { sessions, services, lines }
}
