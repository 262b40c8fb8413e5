import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificatePem, selfSignedCertificate } from '../src/keys/certificate.ts'

/** What the demo services keep to themselves: the same at every start. */
export interface DemoKeys {
  /** PKCS #8 PEM. */
  readonly samlPrivateKey: string
  /** PEM. */
  readonly samlCertificate: string
  readonly oidcClientSecret: string
}

/** Reads the demo services' keys from `DATA_DIR/demo`, making them at the first start. */
export function openDemoKeys(dataDir: string): DemoKeys {
  const folder = join(dataDir, 'demo')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const samlPrivateKey = readOrMake(join(folder, 'saml-key.pem'), () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }),
  )
  const samlCertificate = readOrMake(join(folder, 'saml-certificate.pem'), () => {
    const privateKey = createPrivateKey(samlPrivateKey)
    return certificatePem(
      selfSignedCertificate({
        privateKey,
        publicKey: createPublicKey(privateKey),
        commonName: 'e-Secretariat (demo)',
        notBefore: new Date(),
        days: 3650,
      }),
    )
  })
  const oidcClientSecret = readOrMake(join(folder, 'oidc-client-secret'), () =>
    randomBytes(32).toString('base64url'),
  )
  return { samlPrivateKey, samlCertificate, oidcClientSecret }
}

function readOrMake(file: string, make: () => string | Buffer): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const content = make().toString()
  writeFileSync(file, content, { mode: 0o600 })
  return content
}
