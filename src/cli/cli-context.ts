import type { Store } from 'express-session'
import type { AppContext } from '../context.ts'

/** What a command works with: the same store as the server, whether it runs or not. */
export interface CliContext
  extends Pick<
    AppContext,
    'config' | 'institution' | 'secrets' | 'keys' | 'audit' | 'messages' | 'log' | 'now'
  > {
  /** For commands that end people's sign-ins. */
  readonly sessionStore: Store
}

/** A command: its arguments after the name, its exit code (0 done, 1 failed, 2 wrong usage). */
export type Command = (context: CliContext, args: string[]) => Promise<number>
