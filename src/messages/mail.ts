import { createTransport, type NodemailerError } from 'nodemailer'
import { parseConnectionUrl } from 'nodemailer/lib/shared'
import SmtpPool from 'nodemailer/lib/smtp-pool'
import type { Institution } from '../institution.ts'
import { type Carrier, isCertificateProblem, type Outcome, type Parcel } from './carrier.ts'

const connectionsAtATime = 5

/** Milliseconds; the URL's own values go first. */
const timeouts = {
  connectionTimeout: 10_000,
  // Some servers keep the greeting back for half a minute, to tell people's servers from spammers'.
  greetingTimeout: 45_000,
  socketTimeout: 60_000,
}

/** One bare address (RFC 5321 4.1.2 without quoted names): no list, no display name, no control characters. */
const mailAddress = /^[^\s\p{Cc}@<>(),;:"[\]\\]{1,64}@[^\s\p{Cc}@<>(),;:"[\]\\]{1,255}$/u

/** For one try in all: a server that answers byte by byte wakes no other time-out. Milliseconds. */
const tryMs = 120_000

/**
 * Mail through the server that SMTP_URL names (nodemailer's URL form).
 *
 * STARTTLS is required, except with smtps (TLS from the first byte) or when the URL itself says
 * `requireTLS=false` or `ignoreTLS=true`; certificates are verified unless it says
 * `tls.rejectUnauthorized=false`. Everything else nodemailer reads from a URL works too, but its
 * logging stays off: that would print messages and passwords.
 */
export function openMailServer(
  url: string,
  institution: Pick<Institution, 'name' | 'mailFrom' | 'helpdesk'>,
): Carrier {
  const asked = parseConnectionUrl(url)
  const mayGoPlain = asked.secure || asked.requireTLS === false || asked.ignoreTLS === true
  const pool = new SmtpPool({
    ...timeouts,
    idleTimeout: 30_000,
    ...asked,
    pool: true,
    maxConnections: connectionsAtATime,
    // Tries are counted here (delivery.ts); once more is for a kept connection that had gone stale.
    maxRequeues: 1,
    requireTLS: !mayGoPlain,
    logger: false,
    debug: false,
    transactionLog: false,
  })
  const transport = createTransport(pool)
  const from = institution.mailFrom ?? institution.helpdesk.email

  async function post(parcel: Parcel): Promise<Outcome> {
    if (!mailAddress.test(parcel.to)) return { result: 'refused', reason: 'not a mail address' }
    const signal = AbortSignal.timeout(tryMs)
    try {
      await transport.sendMail({
        from: { name: institution.name[parcel.language], address: from },
        to: { name: '', address: parcel.to },
        // Set apart from the headers: nothing inside an address can add a recipient.
        envelope: { from, to: [parcel.to] },
        subject: parcel.subject?.replace(/\s+/g, ' ') ?? '',
        text: parcel.text,
        date: parcel.createdAt,
        messageId: `<${parcel.id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
        headers: {
          // RFC 3834: keeps out-of-office answers away; the second is Exchange's word for it.
          'Auto-Submitted': 'auto-generated',
          'X-Auto-Response-Suppress': 'All',
          'Content-Language': parcel.language,
        },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      })
      return { result: 'accepted' }
    } catch (error) {
      if (signal.aborted) return { result: 'retry', reason: 'the mail server took too long' }
      return judge(error as NodemailerError)
    }
  }

  return {
    turns: connectionsAtATime,
    carry: post,
    close: () => pool.close({ force: true }),
  }
}

/** RFC 5321 4.2.1: 4yz is for now, 5yz for good. What never got a reply may do better later. */
function judge(error: NodemailerError): Outcome {
  const code = error.originalCode ?? error.code
  if (error.responseCode !== undefined) {
    const said = `SMTP ${error.response ?? error.responseCode}`
    const reason = error.code === 'ETLS' ? `the mail server refuses STARTTLS: ${said}` : said
    return { result: error.permanent ? 'refused' : 'retry', reason }
  }
  const isOurs = ['EENVELOPE', 'ECONFIG', 'ENOAUTH', 'EMESSAGE'].includes(error.code ?? '')
  return {
    result: isOurs || isCertificateProblem(code) ? 'refused' : 'retry',
    reason: error.message,
  }
}
