import type { AppContext } from '../context.ts'

/** What a command works with: the same store as the server, whether it runs or not. */
export type CliContext = Pick<
  AppContext,
  | 'config'
  | 'institution'
  | 'secrets'
  | 'keys'
  | 'keyVault'
  | 'audit'
  | 'messages'
  | 'academicIds'
  | 'amkaRegistry'
  | 'sessionStore'
  | 'log'
  | 'now'
>

/** A command: its arguments after the name, its exit code (0 done, 1 failed, 2 wrong usage). */
export type Command = (context: CliContext, args: string[]) => Promise<number>
