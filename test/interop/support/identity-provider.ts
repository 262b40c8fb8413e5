import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { certificatePem } from '../../../src/keys/certificate.ts'
import { freePortRange } from '../../support/free-ports.ts'
import { answersWith, startDaemon } from './daemon.ts'

const entry = fileURLToPath(new URL('../../../bin/propylaia.js', import.meta.url))
/** The demo services take the three ports after ours. */
const portsTaken = 4

interface ListedKey {
  readonly use: string
  readonly state: string
  readonly certificateSha256?: string
}

export interface RunningIdentityProvider {
  /** Scheme, host and port; also the OpenID Connect issuer. */
  readonly baseUrl: string
  /** Our SAML entityID, which is where the metadata is unless the settings have another. */
  readonly entityId: string
  /** The settings it runs with, for a test that opens its store beside it. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Runs `propylaia …` on the store of the running server. @returns its standard output */
  cli(...args: string[]): Promise<string>
  /** The certificate that signs our SAML metadata, PEM, checked against what the command line says. */
  certificate(): Promise<string>
  logs(): string
  stop(): Promise<void>
}

/**
 * `propylaia serve` with the demo institution, as a process of its own with all data in a new folder.
 *
 * @param settings environment variables beside those every test needs
 */
export async function startIdentityProvider(
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningIdentityProvider> {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-interop-idp-'))
  const port = await freePortRange(portsTaken)
  const baseUrl = `http://127.0.0.1:${port}`
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'test',
    DEMO: 'true',
    PORT: String(port),
    BASE_URL: baseUrl,
    DATA_DIR: join(folder, 'data'),
    CERTS_DIR: join(folder, 'certs'),
    METADATA_DIR: join(folder, 'metadata'),
    SAML_KEY_TYPE: 'rsa-2048',
    LOG_LEVEL: 'info',
    ...settings,
  }
  const daemon = await startDaemon({
    name: 'propylaia',
    command: process.execPath,
    args: [entry, 'serve'],
    env,
    outputFile: join(folder, 'propylaia.log'),
    isReady: () => answersWith(`${baseUrl}/health/ready`, 200),
  }).catch((error) => {
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  const run = promisify(execFile)
  const metadataUrl = `${baseUrl}/saml/metadata`
  const cli = async (...args: string[]) =>
    (await run(process.execPath, [entry, ...args], { env })).stdout
  return {
    baseUrl,
    entityId: settings.SAML_ENTITY_ID ?? metadataUrl,
    environment: env,
    cli,
    async certificate() {
      const keys: ListedKey[] = JSON.parse(await cli('keys', 'list', '--json'))
      const active = keys.find(({ use, state }) => use === 'saml' && state === 'active')
      const metadata = await (await fetch(metadataUrl)).text()
      for (const [, base64 = ''] of metadata.matchAll(/X509Certificate>([^<]+)</g)) {
        const { fingerprint256 } = new X509Certificate(Buffer.from(base64, 'base64'))
        if (fingerprint256.replaceAll(':', '').toLowerCase() === active?.certificateSha256) {
          return certificatePem(base64.replace(/\s/g, ''))
        }
      }
      throw new Error('the metadata lacks the certificate of the active SAML key')
    },
    logs: daemon.logs,
    async stop() {
      await daemon.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
