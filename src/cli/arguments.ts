import { type ParseArgsConfig, parseArgs } from 'node:util'

/**
 * Reads a command's arguments; says on standard error what is wrong with them, or prints the usage
 * when asked.
 *
 * @returns the arguments, or the exit code: 0 for --help, 2 for wrong usage
 */
export function readArguments<const T extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: T,
  usage: string,
) {
  try {
    const parsed = parseArgs({
      args,
      options: { ...options, help: { type: 'boolean' } },
      allowPositionals: true,
    })
    if (!(parsed.values as { help?: boolean }).help) return parsed
    process.stdout.write(usage)
    return 0
  } catch (error) {
    return usageError((error as Error).message, usage)
  }
}

/** @returns exit code 2 */
export function usageError(problem: string, usage: string): 2 {
  process.stderr.write(`propylaia: ${problem}\n\n${usage}`)
  return 2
}

/** Says why the command did not do it. @returns the process's exit code */
export function fail(problem: string): 1 {
  process.stderr.write(`propylaia: ${problem}\n`)
  return 1
}
