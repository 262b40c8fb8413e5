import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const pollEveryMs = 40
const startWithinMs = 60_000
const stopWithinMs = 15_000
/** How much of a log a failure shows. Characters. */
const shownLogLength = 6000

// A test runner that lost its patience: the exit handlers below stop what is running.
process.once('SIGTERM', () => process.exit(1))

export interface Daemon {
  readonly name: string
  /** The end of everything it wrote, for failure messages. */
  logs(): string
  /** Asks it to stop and waits until it is gone. */
  stop(): Promise<void>
}

export interface DaemonOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Takes what it writes to standard output and error. */
  readonly outputFile: string
  readonly otherLogFiles?: readonly string[]
  readonly isReady: () => Promise<boolean> | boolean
  /** For what takes more than a minute to start on a busy machine. */
  readonly readyWithinMs?: number
}

/**
 * Starts a program in the foreground and waits until it is ready.
 *
 * @throws {Error} with its logs when it ends early or is not ready in time
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const output = openSync(options.outputFile, 'a')
  const child = spawn(options.command, options.args, {
    env: options.env ?? process.env,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  child.once('exit', (code, signal) => {
    failure ??= new Error(`${options.name} ended early: ${signal ?? `code ${code}`}`)
  })
  const logs = () =>
    [options.outputFile, ...(options.otherLogFiles ?? [])]
      .filter((file) => existsSync(file))
      .map((file) => `--- ${options.name}: ${file}\n${endOf(file)}`)
      .join('\n')
  // Nothing of ours may outlive the tests, even when they end by an exception.
  const killAtExit = () => child.kill('SIGTERM')
  process.once('exit', killAtExit)
  const stop = async () => {
    await stopChild(child)
    process.removeListener('exit', killAtExit)
  }
  try {
    await waitUntil(
      `${options.name} is ready`,
      () => {
        if (failure) throw failure
        return options.isReady()
      },
      options.readyWithinMs,
    )
  } catch (error) {
    await stop()
    throw new Error(`${(error as Error).message}\n${logs()}`, { cause: error })
  }
  return { name: options.name, logs, stop }
}

/** @throws {Error} when `check` does not hold within that time, a minute unless it says more */
export async function waitUntil(
  what: string,
  check: () => Promise<boolean> | boolean,
  withinMs = startWithinMs,
): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not so after ${withinMs} ms: ${what}`)
    await delay(pollEveryMs)
  }
}

/** Whether something answers there at all with this status. */
export async function answersWith(url: string, status: number): Promise<boolean> {
  try {
    const response = await fetch(url, { redirect: 'manual' })
    await response.arrayBuffer()
    return response.status === status
  } catch {
    return false
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
  await gone
  clearTimeout(force)
}

function endOf(file: string): string {
  const text = readFileSync(file, 'utf8')
  return text.length > shownLogLength ? `…${text.slice(-shownLogLength)}` : text
}
