import { join } from 'node:path'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { readConfig } from '../../src/config.ts'
import type { AppContext } from '../../src/context.ts'
import { loadInstitution } from '../../src/institution.ts'
import type { Schedule } from '../../src/messages/delivery.ts'
import type { OutgoingMessage } from '../../src/messages/messages.ts'
import { type MessageService, openMessages } from '../../src/messages/open-messages.ts'

export const institution = loadInstitution(join(import.meta.dirname, '../../demo/institution.json'))

/** A clock that only the test moves, and the timers that hang on it. */
export class TestClock {
  #now = new Date('2026-11-21T10:00:00Z').getTime()
  #timers: { at: number; callback: () => void }[] = []

  readonly now = () => new Date(this.#now)

  readonly schedule: Schedule = (callback, ms) => {
    const timer = { at: this.#now + ms, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Runs what falls due in that time, in order, each piece of work to its end. */
  async advance(ms: number, ...services: MessageService[]): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      for (const service of services) await service.settled()
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#timers = this.#timers.filter((timer) => timer !== due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = end
  }
}

export interface TestMessages {
  readonly messages: MessageService
  readonly clock: TestClock
  readonly audited: AuditEvent[]
  readonly logged: { level: string; facts: unknown; text?: string }[]
  advance(ms: number): Promise<void>
}

/** Messages of one process; several with one clock are several processes at the same store. */
export async function openTestMessages(
  environment: Record<string, string> = {},
  clock = new TestClock(),
): Promise<TestMessages> {
  const audited: AuditEvent[] = []
  const logged: TestMessages['logged'] = []
  const record = (level: string) => (facts: unknown, text?: string) =>
    void logged.push({ level, facts, text })
  const context = {
    config: readConfig({ NODE_ENV: 'test', ...environment }),
    institution,
    log: { warn: record('warn'), error: record('error'), info: record('info') },
    now: clock.now,
    audit: { record: (event: AuditEvent) => audited.push(event), close: async () => {} },
  } as unknown as AppContext
  const messages = await openMessages(context, { schedule: clock.schedule, smsTimeoutMs: 500 })
  return { messages, clock, audited, logged, advance: (ms) => clock.advance(ms, messages) }
}

/** Synthetic, as every number and address here. */
export const pinBySms: OutgoingMessage = {
  channel: 'sms',
  to: '+306900000042',
  kind: 'activation-pin',
  language: 'el',
  text: 'Ο κωδικός PIN σας είναι 482093.',
  code: '482093',
  reference: 'K7F-2QX',
  personId: 'p1',
}

export const noticeBySms: OutgoingMessage = {
  channel: 'sms',
  to: '+306900000042',
  kind: 'activation-done',
  language: 'el',
  text: 'Ο λογαριασμός σας ενεργοποιήθηκε.',
  reference: 'K7F-2QX',
}

export const pinByMail: OutgoingMessage = {
  channel: 'email',
  to: 'dimitra@example.org',
  kind: 'activation-pin',
  language: 'el',
  subject: 'Κωδικός PIN για την ενεργοποίηση του λογαριασμού σας',
  text: 'Ο κωδικός PIN σας είναι 482093.\n\nΙσχύει για 15 λεπτά.',
  code: '482093',
  reference: 'K7F-2QX',
}

export const noticeByMail: OutgoingMessage = {
  channel: 'email',
  to: 'dimitra@example.org',
  kind: 'activation-done',
  language: 'en',
  subject: 'Your account is active',
  text: 'Your account is active.',
}
