import { randomUUID } from 'node:crypto'
import { Types } from 'mongoose'
import type { AppContext } from '../context.ts'
import { type Carrier, outboxOnly, type Parcel } from './carrier.ts'
import { holdMs, openDelivery, type Schedule } from './delivery.ts'
import type { MessageRecord } from './message-model.ts'
import { addMessage, findStates } from './message-store.ts'
import type { DeliveryState, MessageChannel, Messages, OutgoingMessage } from './messages.ts'
import { giveUpAt } from './retry.ts'

/** A person's page waits this long for the first try. Milliseconds. */
const pageMs = 5000

/** Running tries may end while the server stops. Milliseconds. */
const closeMs = 3000

/** Messages, and what only the process that runs them may do. */
export interface MessageService extends Messages {
  /**
   * For servers only: from now on takes up messages that a process left when it ended, and says in
   * the log what this installation cannot send.
   */
  start(): void
  /** Resolves when no try is running. */
  settled(): Promise<void>
}

const settings: Record<MessageChannel, { env: string; without: string }> = {
  email: { env: 'SMTP_URL', without: 'no mail is sent' },
  sms: { env: 'SMS_GATEWAY_URL', without: 'no SMS is sent' },
}

/**
 * Mail and SMS of this installation. Outside production, in a trial or test, a channel without its
 * setting only pretends: the message is recorded as sent, and /dev/outbox shows it.
 *
 * @param options.schedule timers, for tests that move the clock
 * @param options.smsTimeoutMs how long the gateway may take, instead of 10 seconds
 */
export async function openMessages(
  context: Pick<AppContext, 'config' | 'institution' | 'log' | 'now' | 'audit'>,
  options: { readonly schedule?: Schedule; readonly smsTimeoutMs?: number } = {},
): Promise<MessageService> {
  const { config, log, now } = context
  const schedule = options.schedule ?? scheduleUnheld
  const pretends = !config.isProduction && (config.devPages || config.environment === 'test')
  const carriers: Record<MessageChannel, Carrier | undefined> = {
    email: (await openMail(context)) ?? (pretends ? outboxOnly : undefined),
    sms: (await openSms(context, options.smsTimeoutMs)) ?? (pretends ? outboxOnly : undefined),
  }
  const channels = { email: carriers.email !== undefined, sms: carriers.sms !== undefined }
  const holder = randomUUID()
  const delivery = openDelivery(
    context,
    { email: carriers.email ?? noWay('email'), sms: carriers.sms ?? noWay('sms') },
    { holder, keepsText: config.devPages, schedule, closeMs },
  )

  function recordOf(message: OutgoingMessage): MessageRecord {
    const createdAt = now()
    const { code, ...facts } = message
    const showsText = config.devPages
    return {
      ...facts,
      _id: new Types.ObjectId().toHexString(),
      state: 'waiting',
      tries: 0,
      createdAt,
      giveUpAt: giveUpAt(createdAt, message.validUntil),
      hasCode: code !== undefined,
      holder,
      heldUntil: new Date(createdAt.getTime() + holdMs),
      subject: code === undefined || showsText ? message.subject : undefined,
      text: code === undefined || showsText ? message.text : undefined,
      code: showsText ? code : undefined,
    }
  }

  return {
    channels,
    async send(message) {
      const record = recordOf(message)
      await addMessage(record)
      const { _id: id, to, language, reference, createdAt } = record
      const { subject, text, code } = message
      const parcel: Parcel = { id, to, language, subject, text, reference, createdAt }
      const first = delivery.begin(record, parcel, code)
      let cancel: (() => void) | undefined
      const enough = new Promise<DeliveryState>((resolve) => {
        cancel = schedule(() => resolve('waiting'), pageMs)
      })
      const state = await Promise.race([first, enough])
      cancel?.()
      return { id, state }
    },
    async deliveries(ids) {
      const records = await findStates(ids)
      return new Map(records.map((record) => [record._id, stateOf(record, now())] as const))
    },
    start() {
      for (const channel of ['email', 'sms'] as const) {
        const { env, without } = settings[channel]
        if (!channels[channel]) log.warn(`${env} is not set: ${without} (docs/operation.md)`)
      }
      if (!channels.email && !channels.sms) {
        log.warn('nobody can be sent a PIN, so nobody can activate an account with one')
      }
      if (config.smsGatewayUrl && isOpenRoad(config.smsGatewayUrl)) {
        log.warn('SMS_GATEWAY_URL is plain http: PINs and the token cross the network readably')
      }
      delivery.start()
    },
    settled: () => delivery.settled(),
    close: () => delivery.close(),
  }
}

async function openMail({
  config,
  institution,
}: Pick<AppContext, 'config' | 'institution'>): Promise<Carrier | undefined> {
  if (!config.smtpUrl) return undefined
  // Loaded when it is used: commands need not wait for it.
  const { openMailServer } = await import('./mail.ts')
  return openMailServer(config.smtpUrl, institution)
}

async function openSms(
  { config, now }: Pick<AppContext, 'config' | 'now'>,
  timeoutMs: number | undefined,
): Promise<Carrier | undefined> {
  if (!config.smsGatewayUrl) return undefined
  const { openSmsGateway } = await import('./sms-gateway.ts')
  const gateway = { url: config.smsGatewayUrl, token: config.smsGatewayToken }
  return openSmsGateway(gateway, { timeoutMs, now })
}

/** Refuses, so that a message for a channel that is not there is recorded and shown to admins. */
function noWay(channel: MessageChannel): Carrier {
  return {
    turns: 1,
    carry: async () => ({ result: 'refused', reason: `${settings[channel].env} is not set` }),
    close() {},
  }
}

/** A message whose process is gone with its text has failed, before anybody writes that down. */
function stateOf(
  record: Pick<MessageRecord, 'state' | 'hasCode' | 'heldUntil'>,
  now: Date,
): DeliveryState {
  const isLost = record.state === 'waiting' && record.hasCode && record.heldUntil <= now
  return isLost ? 'failed' : record.state
}

function isOpenRoad(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !/^(localhost|127\..*|\[::1\])$/.test(hostname)
}

/** Waiting messages keep no process alive. */
const scheduleUnheld: Schedule = (callback, ms) => {
  const timer = setTimeout(callback, ms).unref()
  return () => clearTimeout(timer)
}
