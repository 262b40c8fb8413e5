import { IdpError } from '../errors.ts'
import type { RegistrationRequest } from './request-model.ts'
import { moveRequest, registrationRequests } from './request-store.ts'

/** Of more bytes than metadata have that hold no pictures. */
const largeFrom = 65_536

/** At most that many wait for their contacts, so that together they stay under some 160 MB. */
const maxUnconfirmed = { large: 32, small: 2000 } as const

/** The same of those that wait for an administrator, who could not read more either. */
const maxWaiting = { large: 50, small: 1000 } as const
/** Whoever has a mail domain has any number of mailboxes in it. */
const maxWaitingOf = { mailbox: 25, mailDomain: 100 } as const

/** Of one mailbox: withdrawn ones are worth a look back, no more. */
const maxWithdrawn = 5

const dayMs = 24 * 3_600_000
const withdrawnKeptMs = 30 * dayMs

/** What a request is counted by, kept beside its metadata. */
export function countedBy(
  metadata: string,
  contact: string,
): Pick<RegistrationRequest, 'isLarge' | 'mailbox' | 'mailDomain'> {
  const mailbox = contact.toLowerCase()
  return {
    mailbox,
    mailDomain: mailbox.slice(mailbox.lastIndexOf('@') + 1),
    ...(Buffer.byteLength(metadata) > largeFrom && { isLarge: true }),
  }
}

type Counted = ReturnType<typeof countedBy>

const inState = (state: RegistrationRequest['state'], { isLarge }: Counted) =>
  registrationRequests().countDocuments({ state, isLarge: isLarge ?? { $exists: false } })

/**
 * Whether another request may wait for its contact: whoever has many networks must not fill the
 * store. Large ones, which hardly any service has, shut no others out.
 */
export async function hasRoomToConfirm(counted: Counted): Promise<boolean> {
  const held = await inState('unconfirmed', counted)
  return held < maxUnconfirmed[counted.isLarge ? 'large' : 'small']
}

/**
 * Whether another request may wait for an administrator: a mailbox is easily had, and what was
 * confirmed stays for long. What a service asked for before does not count, because the newer request
 * takes its place (replaceEarlier()).
 *
 * @throws {IdpError} REGISTRATION_TOO_MANY_WAITING (429), REGISTRATION_FULL (503)
 */
export async function assertRoomToWait(counted: Counted, serviceId: string): Promise<void> {
  for (const by of ['mailbox', 'mailDomain'] as const) {
    const held = await registrationRequests().countDocuments({
      state: 'waiting',
      [by]: counted[by],
      serviceId: { $ne: serviceId },
    })
    if (held >= maxWaitingOf[by]) {
      throw new IdpError(
        'REGISTRATION_TOO_MANY_WAITING',
        `${held} requests of ${by} "${counted[by]}" wait already, expected fewer than ${maxWaitingOf[by]}`,
        { status: 429 },
      )
    }
  }
  const size = counted.isLarge ? 'large' : 'small'
  const held = await inState('waiting', counted)
  if (held >= maxWaiting[size]) {
    throw new IdpError(
      'REGISTRATION_FULL',
      `${held} ${size} requests wait already; decide on them: propylaia federation requests`,
      { status: 503 },
    )
  }
}

/**
 * Withdraws what the same mailbox asked for the same service before: an administrator who approved
 * the two in the wrong order would bring the older one back.
 *
 * @returns references of those withdrawn
 */
export async function replaceEarlier(
  { _id, protocol, serviceId, mailbox }: RegistrationRequest,
  now: Date,
): Promise<readonly string[]> {
  const earlier = await registrationRequests()
    .find({ state: 'waiting', protocol, serviceId, mailbox, _id: { $ne: _id } })
    .project<Pick<RegistrationRequest, '_id' | 'state' | 'mailbox'>>({ state: 1, mailbox: 1 })
    .toArray()
  for (const request of earlier) await withdraw(request, now)
  return earlier.map((request) => request._id)
}

/** @throws {IdpError} REGISTRATION_CHANGED_MEANWHILE */
export async function withdraw(
  request: Pick<RegistrationRequest, '_id' | 'state' | 'mailbox'>,
  now: Date,
): Promise<void> {
  const forgottenAt = new Date(now.getTime() + withdrawnKeptMs)
  await moveRequest(request, { state: 'withdrawn', decidedAt: now, forgottenAt })
  const { mailbox } = request
  if (mailbox === undefined) return
  const old = await registrationRequests()
    .find({ state: 'withdrawn', mailbox })
    .project<Pick<RegistrationRequest, '_id'>>({ _id: 1 })
    .sort({ decidedAt: -1 })
    .skip(maxWithdrawn)
    .toArray()
  if (old.length > 0) {
    await registrationRequests().deleteMany({
      _id: { $in: old.map((one) => one._id) },
      state: 'withdrawn',
    })
  }
}
