import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { certificatePem, selfSignedCertificate } from '../../../src/keys/certificate.ts'
import { attributeMapXml } from './attribute-map.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { program } from './programs.ts'
import { type SpApplication, type SpFiles, shibbolethXml } from './shibboleth-config.ts'

/** Names the log file of a log4j configuration; everything else is as Debian has it, but for paths. */
function loggerConfiguration(file: string): string {
  return `log4j.rootCategory=INFO, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.fileName=${file}
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d{%H:%M:%S} %p %c %x: %m%n
`
}

/** What the person reads when a sign-in failed: the service provider's own words, one a line. */
const errorTemplate = `errorType: <shibmlp errorType/>
errorText: <shibmlp errorText/>
statusCode: <shibmlp statusCode/>
statusCode2: <shibmlp statusCode2/>
`

/** Writes every file that shibd and mod_shib read, keys included, into `files.folder`. */
export function writeShibbolethFiles(applications: readonly SpApplication[], files: SpFiles): void {
  const { folder } = files
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = selfSignedCertificate({
    privateKey,
    publicKey,
    commonName: 'sp.interop.example',
    notBefore: new Date(),
    days: 30,
  })
  const write = (name: string, text: string, mode = 0o644) =>
    writeFileSync(join(folder, name), text, { mode })
  write('sp-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
  write('sp-cert.pem', certificatePem(certificate))
  write('shibd.logger', loggerConfiguration(join(folder, 'shibd.log')))
  write('native.logger', loggerConfiguration(join(folder, 'native.log')))
  write('attribute-map.xml', attributeMapXml())
  write('error.txt', errorTemplate)
  write('shibboleth2.xml', shibbolethXml(applications, files))
}

/** shibd in the foreground. Ready when it listens on its socket, which is after it read our metadata. */
export function startShibd(folder: string): Promise<Daemon> {
  return startDaemon({
    name: 'shibd',
    command: program('shibd'),
    args: ['-f', '-F', '-c', join(folder, 'shibboleth2.xml'), '-p', join(folder, 'shibd.pid')],
    outputFile: join(folder, 'shibd.out'),
    otherLogFiles: [join(folder, 'shibd.log')],
    isReady: () => listens(join(folder, 'shibd.sock')),
  })
}

function listens(socketFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketFile)
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.end()
      resolve(true)
    })
  })
}
