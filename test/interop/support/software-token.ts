import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { program } from './programs.ts'

const pin = '734912'
const tokenLabel = 'propylaia'
const signer = fileURLToPath(new URL('../../../src/keys/pkcs11-signer.ts', import.meta.url))

export interface SoftwareToken {
  /** KEY_SIGNER_COMMAND for it. */
  readonly signerCommand: string
  /** What SoftHSM needs in the environment of whoever uses it. */
  readonly environment: Readonly<Record<string, string>>
  /** Makes a key pair inside the token; nothing of its private half ever comes out. */
  generate(label: string, kind: 'rsa:2048' | 'EC:prime256v1', id: string): void
}

/** A PKCS#11 token of SoftHSM, with all its files in `folder`. */
export function makeSoftwareToken(folder: string): SoftwareToken {
  const tokens = join(folder, 'tokens')
  mkdirSync(tokens)
  const configuration = join(folder, 'softhsm2.conf')
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\n`)
  const pinFile = join(folder, 'pin')
  writeFileSync(pinFile, `${pin}\n`, { mode: 0o600 })
  const environment = { SOFTHSM2_CONF: configuration }
  const env = { PATH: process.env.PATH, ...environment }
  const library = program('softhsm2')
  execFileSync(
    'softhsm2-util',
    ['--init-token', '--free', '--label', tokenLabel, '--pin', pin, '--so-pin', '10203040'],
    { env, stdio: 'pipe' },
  )
  return {
    environment,
    signerCommand: `"${process.execPath}" --disable-warning=ExperimentalWarning "${signer}" --module "${library}" --token-label ${tokenLabel} --pin-file "${pinFile}"`,
    generate(label, kind, id) {
      execFileSync(
        program('pkcs11-tool'),
        [
          ...['--module', library, '--token-label', tokenLabel, '--login', '--pin', pin],
          ...['--keypairgen', '--key-type', kind, '--label', label, '--id', id],
        ],
        { env, stdio: 'pipe' },
      )
    },
  }
}
