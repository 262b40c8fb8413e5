import { generateKeyPairSync } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerError } from 'smtp-server'
import { selfSignedCertificate } from '../../src/keys/certificate.ts'

/**
 * What the server does with the next messages. greylist: every recipient gets 451; refuse: 550;
 * hang: no answer to the recipient; no-starttls: plain only; cut: the connection ends at the recipient.
 */
export type MailBehaviour = 'accept' | 'greylist' | 'refuse' | 'hang' | 'no-starttls' | 'cut'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Header fields by lower-case name, unfolded and decoded. */
  readonly headers: Readonly<Record<string, string>>
  readonly subject: string
  /** The body as its reader sees it. */
  readonly text: string
  readonly raw: string
  /** It came over TLS. */
  readonly isEncrypted: boolean
}

export interface MailServer {
  /** For SMTP_URL: STARTTLS, its self-signed certificate taken, time-outs of two seconds. */
  readonly url: string
  /** The same for who verifies certificates. */
  readonly strictUrl: string
  readonly messages: ReceivedMail[]
  /** Recipients that were asked for, accepted or not. */
  readonly recipients: string[]
  behave(behaviour: MailBehaviour): void
  close(): Promise<void>
}

/**
 * A real SMTP server on loopback.
 *
 * @param options.implicitTls TLS from the first byte, for smtps URLs
 * @param options.login the user and password that it asks for
 */
export async function startMailServer(
  options: { implicitTls?: boolean; login?: { user: string; password: string } } = {},
): Promise<MailServer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = selfSignedCertificate({
    privateKey,
    publicKey,
    commonName: 'localhost',
    notBefore: new Date(Date.now() - 3_600_000),
    days: 1,
  })
  const messages: ReceivedMail[] = []
  const recipients: string[] = []
  let behaviour: MailBehaviour = 'accept'
  const server = new SMTPServer({
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
    secure: options.implicitTls ?? false,
    authOptional: options.login === undefined,
    onAuth({ username, password }, _session, callback) {
      const { login } = options
      const isRight = login && username === login.user && password === login.password
      if (isRight) callback(null, { user: login.user })
      else callback(reply(535, 'Authentication credentials invalid'))
    },
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onConnect(session, callback) {
      if (behaviour === 'no-starttls') {
        ;(session as { disabledCommands?: string[] }).disabledCommands = ['STARTTLS']
      }
      callback()
    },
    onRcptTo(address, _session, callback) {
      recipients.push(address.address)
      if (behaviour === 'hang') return
      if (behaviour === 'greylist') {
        return callback(reply(451, `Greylisted <${address.address}>, try again later`))
      }
      if (behaviour === 'refuse') {
        return callback(reply(550, `<${address.address}>: no such mailbox`))
      }
      if (behaviour === 'cut') return void [...connections(server)].map((one) => one.close())
      callback()
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const to = rcptTo.map(({ address }) => address)
        messages.push(readMail(Buffer.concat(chunks), from, to, session.secure))
        callback()
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  const login = options.login
    ? `${encodeURIComponent(options.login.user)}:${encodeURIComponent(options.login.password)}@`
    : ''
  const base = `${options.implicitTls ? 'smtps' : 'smtp'}://${login}127.0.0.1:${port}`
  const times = 'connectionTimeout=2000&greetingTimeout=2000&socketTimeout=2000'
  return {
    url: `${base}/?tls.rejectUnauthorized=false&${times}`,
    strictUrl: `${base}/?${times}`,
    messages,
    recipients,
    behave(next) {
      behaviour = next
    },
    close() {
      for (const connection of connections(server)) connection.close()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function connections(server: SMTPServer): Set<{ close(): void }> {
  return (server as unknown as { connections: Set<{ close(): void }> }).connections
}

function reply(responseCode: number, text: string): SMTPServerError {
  return Object.assign(new Error(text), { responseCode })
}

function readMail(
  source: Buffer,
  from: string,
  to: readonly string[],
  isEncrypted: boolean,
): ReceivedMail {
  const raw = source.toString('utf8')
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const headers: Record<string, string> = {}
  for (const field of head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const colon = field.indexOf(':')
    headers[field.slice(0, colon).toLowerCase()] = decodeWords(field.slice(colon + 1).trim())
  }
  const text = decodeBody(rest.join('\r\n\r\n'), headers['content-transfer-encoding'] ?? '7bit')
  return { from, to, headers, subject: headers.subject ?? '', text, raw, isEncrypted }
}

/** RFC 2047, UTF-8 only. */
function decodeWords(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, encoding: string, word: string) =>
      encoding.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('latin1')
        : word.replaceAll('_', ' ').replace(/=([0-9a-f]{2})/gi, fromHex),
    )
    .replace(/[\x80-\xff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'))
}

function decodeBody(body: string, encoding: string): string {
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString('utf8')
      : encoding === 'quoted-printable'
        ? Buffer.from(
            body.replace(/=\r\n/g, '').replace(/=([0-9a-f]{2})/gi, fromHex),
            'latin1',
          ).toString('utf8')
        : body
  return text.replaceAll('\r\n', '\n').trimEnd()
}

function fromHex(_: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}
