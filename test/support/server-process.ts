import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const command = `${root}/bin/propylaia.js`

export interface StartedProcess {
  readonly child: ChildProcess
  /** Everything printed so far, both streams. */
  output(): string
  /** Resolves with the exit code; -1 for a signal. */
  readonly exited: Promise<number>
}

/** Runs `propylaia …` as people do, with these settings and none from outside. */
export function startPropylaia(
  args: readonly string[],
  environment: Record<string, string>,
): StartedProcess {
  const child = spawn(process.execPath, [command, ...args], {
    env: { PATH: process.env.PATH ?? '', HOST: '127.0.0.1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (output += chunk))
  return {
    child,
    output: () => output,
    exited: new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1))),
  }
}

/** Waits until the output holds the text. @throws when the process ends before, with its output */
export async function waitForOutput(started: StartedProcess, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (started.output().includes(text)) resolve()
    }
    started.child.stdout?.on('data', look)
    started.child.stderr?.on('data', look)
    started.exited.then((code) =>
      reject(new Error(`ended with code ${code} before "${text}":\n${started.output()}`)),
    )
    look()
  })
}
