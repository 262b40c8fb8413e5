import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../../bin/node-flags.js'
import type { TestApp } from './app.ts'
import { freePortRange } from './free-ports.ts'
import { startStoreProxy, type WriteCommand } from './store-proxy.ts'

const main = fileURLToPath(new URL('../../src/cli/cli.ts', import.meta.url))

export type Moment = 'before' | 'after'

export interface DoomedServer {
  readonly baseUrl: string
  /**
   * Does something with the server, which dies (SIGKILL) at the `index`-th write that it causes,
   * before that write reaches the store or after it.
   *
   * @returns the write at which it died; undefined when everything was through before
   */
  dieAt(index: number, moment: Moment, act: () => Promise<void>): Promise<WriteCommand | undefined>
}

export interface DoomedServers {
  /** A server of its own process on the app's store. */
  start(): Promise<DoomedServer>
  close(): Promise<void>
}

/** Servers to be killed: their store, the app's, lies behind a proxy that sees every write. */
export async function openDoomedServers(
  app: TestApp,
  environment: Record<string, string> = {},
): Promise<DoomedServers> {
  const proxy = await startStoreProxy(app.runtime.store.uri)
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-crash-'))

  async function run(): Promise<{
    child: ChildProcess
    exited: Promise<unknown>
    baseUrl: string
  }> {
    const port = await freePortRange(1)
    const baseUrl = `http://127.0.0.1:${port}`
    const child = spawn(process.execPath, [...nodeFlags, main, 'serve'], {
      env: {
        PATH: process.env.PATH ?? '',
        HOST: '127.0.0.1',
        PORT: String(port),
        BASE_URL: baseUrl,
        DEMO: 'false',
        DEV_PAGES: 'true',
        LOG_LEVEL: 'fatal',
        MONGODB_URI: proxy.uri,
        CERTS_DIR: app.context.config.certsDir,
        METADATA_DIR: app.context.config.metadataDir,
        DATA_DIR: join(folder, 'data'),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    let output = ''
    for await (const chunk of child.stdout) {
      output += chunk
      if (output.includes('Ready in')) break
    }
    return { child, exited, baseUrl }
  }

  return {
    async start() {
      const { child, exited, baseUrl } = await run()
      return {
        baseUrl,
        async dieAt(index, moment, act) {
          let seen = 0
          let fatal: WriteCommand | undefined
          const look = (command: WriteCommand): boolean => {
            if (fatal) return false
            seen += 1
            if (seen < index) return true
            fatal = command
            child.kill('SIGKILL')
            return false
          }
          if (moment === 'before') proxy.beforeWrite = look
          else proxy.afterWrite = look
          try {
            await act()
          } catch (error) {
            // The connection breaks when the server dies.
            if (!fatal) throw error
          } finally {
            proxy.beforeWrite = () => true
            proxy.afterWrite = () => true
            child.kill('SIGKILL')
            await exited
          }
          return fatal
        },
      }
    },
    async close() {
      await proxy.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
