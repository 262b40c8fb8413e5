import { hash, randomBytes } from 'node:crypto'
import { type TicketKind, type TicketRecord, tickets } from './ticket-model.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * Length with its prefix. Services need to take no more than 32 characters of a service or proxy
 * ticket and 64 of the others (CAS Protocol 3.1.1 to 3.4.1).
 */
const lengths = { ST: 32, PT: 32, PGT: 64, PGTIOU: 64 } as const

/** A new ticket: its prefix and at least 170 random bits of letters and digits (3.7). */
export function makeTicket(
  kind: keyof typeof lengths,
  random: (bytes: number) => Buffer = randomBytes,
): string {
  const wanted = lengths[kind]
  let ticket = `${kind}-`
  while (ticket.length < wanted) {
    for (const byte of random(wanted)) {
      // 248 is 4 x 62: what is left over would make the first letters likelier.
      if (byte < 248 && ticket.length < wanted) ticket += alphabet[byte % 62]
    }
  }
  return ticket
}

/** Something that could be a ticket of that kind; nothing longer is looked for. */
export function isTicket(text: string, ...kinds: readonly TicketKind[]): boolean {
  const [, kind] = /^(ST|PT|PGT)-[A-Za-z0-9]{1,61}$/.exec(text) ?? []
  return kinds.some((one) => one === kind)
}

const idOf = (ticket: string) => hash('sha256', ticket, 'hex')

/** Keeps a new ticket; facts may be those of another one. @returns its text, which the store does not have */
export async function issueTicket(facts: Omit<TicketRecord, '_id'>): Promise<string> {
  const ticket = makeTicket(facts.kind)
  const record = Object.fromEntries(
    Object.entries({ ...facts, _id: idOf(ticket) }).filter(([, value]) => value !== undefined),
  ) as unknown as TicketRecord
  await tickets().insertOne(record)
  return ticket
}

/**
 * Takes a service or proxy ticket out of the store: whoever comes second finds none, whatever came
 * of the first attempt (CAS Protocol 3.1.1). That it is not too old is looked at after.
 */
export async function takeTicket(ticket: string, now: Date): Promise<TicketRecord | undefined> {
  const record = await tickets().findOneAndDelete({ _id: idOf(ticket) })
  return record && record.kind !== 'PGT' && record.expiresAt > now ? record : undefined
}

/** A proxy-granting ticket, which is good for many. */
export async function findGrantingTicket(
  ticket: string,
  now: Date,
): Promise<TicketRecord | undefined> {
  const record = await tickets().findOne({ _id: idOf(ticket), kind: 'PGT' })
  return record && record.expiresAt > now ? record : undefined
}

/** It was used, so it lasts longer; one that was dropped meanwhile stays so. */
export async function keepGranting(
  { _id }: Pick<TicketRecord, '_id'>,
  expiresAt: Date,
): Promise<void> {
  await tickets().updateOne({ _id }, { $set: { expiresAt } })
}

/** Takes a proxy-granting ticket back that reached nobody. */
export async function dropTicket(ticket: string): Promise<void> {
  await tickets().deleteOne({ _id: idOf(ticket) })
}
