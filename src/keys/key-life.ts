import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { isDuplicateKey } from '../store/duplicate-key.ts'
import { bumpVersion } from '../store/versions.ts'
import { findKey, type KeyRecord, readRecords } from './key-records.ts'
import { newKeyRecord } from './key-ring.ts'
import { slotOf } from './key-states.ts'
import { neededSeconds } from './signed-lifetimes.ts'
import type { KeyState, KeyType, KeyUse } from './signing-key.ts'
import { SigningKeyModel, type SigningKeyRecord } from './signing-key-model.ts'

/** What the steps in a key's life need. */
export type KeysContext = Pick<AppContext, 'config' | 'audit' | 'now' | 'keys' | 'keyVault'>

/** Who does it: an administrator's username, or for commands the user of the operating system. */
interface Actor {
  readonly by: string
}

/** A record before it has its place among the others. */
export type NewKey = Omit<SigningKeyRecord, 'generation' | 'state'>

const triesAgainstOthers = 5
/** What a step meets when somebody else took one in between. */
const raceCodes: ReadonlySet<string> = new Set(['KEY_CHANGED_MEANWHILE', 'KEY_STATE_WRONG'])

/**
 * Makes a key that is published but does not sign yet.
 *
 * @param wanted.type the one of the settings when not given
 * @param wanted.certificateDays how long its certificate is valid; SAML only
 * @throws {IdpError} KEY_STATE_WRONG
 */
export async function stageKey(
  context: KeysContext,
  wanted: Actor & { use: KeyUse; type?: KeyType; certificateDays?: number },
): Promise<KeyRecord> {
  const { use, by, certificateDays } = wanted
  const type = wanted.type ?? settledType(context, use)
  checkPurpose(use, type)
  const now = context.now()
  const made = await newKeyRecord(context.config, context.keyVault, {
    use,
    type,
    now,
    certificateDays,
  })
  return addStaged(context, made, 'key.staged', by)
}

/** Opening what others encrypt needs RSA here, whatever signs. */
export function checkPurpose(use: KeyUse, type: KeyType): void {
  if (use === 'saml-encryption' && type === 'ec-p256') {
    throw wrongState('a key for saml-encryption must be RSA, got ec-p256')
  }
}

function settledType({ config }: KeysContext, use: KeyUse): KeyType {
  if (use === 'saml') return config.samlKeyType
  if (use === 'oidc') return config.oidcKeyType
  return config.samlEncryptionKeyType === 'none' ? 'rsa-3072' : config.samlEncryptionKeyType
}

/** Puts a new key among the others. @throws {IdpError} KEY_STATE_WRONG when it was there before */
export async function addStaged(
  context: KeysContext,
  made: NewKey,
  event: 'key.staged' | 'key.imported',
  by: string,
): Promise<KeyRecord> {
  const { _id: kid, use, type } = made
  const now = context.now()
  for (let tries = 1; ; tries += 1) {
    const records = await readRecords()
    const same = records.find((record) => record._id === kid)
    if (same) {
      throw wrongState(
        `this key is here already, as ${kid} (${same.use}, ${same.state}); a key is never used again`,
      )
    }
    const generations = records.filter((record) => record.use === use)
    const generation = 1 + Math.max(0, ...generations.map((record) => record.generation))
    try {
      await SigningKeyModel.create({
        ...made,
        generation,
        state: 'staged',
        stagedAt: now,
        history: [{ event, at: now, by }],
      })
      break
    } catch (error) {
      if (!isDuplicateKey(error) || tries === triesAgainstOthers) throw error
    }
  }
  await announce(context, { event, kid, use, by, details: { type } })
  return findKey(kid)
}

/**
 * Makes a staged key the one that signs, and the one that did so retiring. No matter where it is cut
 * off, one key signs and no more (key-states.ts). How long the key has been staged is not asked here.
 *
 * @throws {IdpError} KEY_UNKNOWN, KEY_STATE_WRONG, KEY_CHANGED_MEANWHILE
 */
export async function activateKey(
  context: KeysContext,
  kid: string,
  { by }: Actor,
): Promise<KeyRecord> {
  const key = await demand(kid, ['staged'], 'activate')
  const now = context.now()
  const records = (await readRecords()).filter(({ use }) => use === key.use)
  const activation = 1 + Math.max(0, ...records.map((record) => record.activation ?? 0))
  let written: unknown
  try {
    written = await SigningKeyModel.findOneAndUpdate(
      { _id: kid, state: 'staged' },
      {
        $set: { state: 'active', activatedAt: now, activation },
        $push: { history: { event: 'key.activated', at: now, by } },
      },
    )
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
  }
  if (!written) throw changedMeanwhile(kid)
  await settle(context, key.use, by)
  await announce(context, { event: 'key.activated', kid, use: key.use, by })
  return findKey(kid)
}

/** Writes down as retiring what counts as such since another key became active. */
async function settle(context: KeysContext, use: KeyUse, by: string): Promise<void> {
  const now = context.now()
  for (const record of await readRecords()) {
    if (record.use !== use || record.state !== 'retiring' || record.retiringAt) continue
    const written = await SigningKeyModel.updateOne(
      { _id: record._id, state: 'active' },
      {
        $set: { state: 'retiring', retiringAt: now },
        $push: { history: { event: 'key.retiring', at: now, by } },
      },
    )
    if (written.modifiedCount === 0) continue
    const { _id: kid } = record
    context.audit.record({ event: 'key.retiring', result: 'success', details: { kid, use, by } })
  }
}

/**
 * Takes a retiring key out of metadata or JWKS and erases its private half.
 *
 * @param options.force although something that it signed may still be on its way
 * @throws {IdpError} KEY_UNKNOWN, KEY_STATE_WRONG, KEY_STILL_NEEDED with the time from which it goes
 */
export async function retireKey(
  context: KeysContext,
  kid: string,
  options: Actor & { force?: boolean },
): Promise<KeyRecord> {
  const { by, force = false } = options
  const found = await findKey(kid)
  // What an activation left undone when it was cut off: from now on the key has a time.
  if (found.state === 'retiring' && !found.retiringAt) await settle(context, found.use, by)
  const key = await demand(kid, ['retiring'], 'retire')
  const until = retirableFrom(context, key)
  if (!force && context.now() < until) {
    throw new IdpError(
      'KEY_STILL_NEEDED',
      `${kid} can be retired from ${until.toISOString()} on: until then a service may have yet to ` +
        `${key.use === 'saml-encryption' ? 'learn that it must not encrypt for it' : 'check something it signed'}`,
      { status: 409 },
    )
  }
  return end(context, key, { event: 'key.retired', by, force })
}

/** From when on a retiring key can go without harm. */
export function retirableFrom(
  { config }: Pick<KeysContext, 'config'>,
  key: Pick<KeyRecord, 'use' | 'retiringAt' | 'activatedAt' | 'createdAt'>,
): Date {
  const since = key.retiringAt ?? key.activatedAt ?? key.createdAt
  return new Date(since.getTime() + neededSeconds(key.use, config) * 1000)
}

/**
 * Takes back a staged key that never signed. It stays on record: its kid is never used again.
 *
 * @throws {IdpError} KEY_UNKNOWN, KEY_STATE_WRONG
 */
export async function discardKey(
  context: KeysContext,
  kid: string,
  { by }: Actor,
): Promise<KeyRecord> {
  const key = await demand(kid, ['staged'], 'discard')
  return end(context, key, { event: 'key.discarded', by })
}

/**
 * Ends a key at once, for one that others may have: it leaves metadata and JWKS, and its private
 * half is erased. If it was the one that signs, or becomes it in this moment, the newest staged key
 * takes over before; without a staged key one is made.
 *
 * @throws {IdpError} KEY_UNKNOWN, KEY_STATE_WRONG (revoked before), KEY_CHANGED_MEANWHILE
 */
export async function revokeKey(
  context: KeysContext,
  kid: string,
  options: Actor & { reason: string },
): Promise<{ revoked: KeyRecord; successor?: KeyRecord }> {
  const { by, reason } = options
  let successor: KeyRecord | undefined
  for (let tries = 1; ; tries += 1) {
    const key = await findKey(kid)
    if (key.revokedAt) throw wrongState(`${kid} was revoked at ${key.revokedAt.toISOString()}`)
    try {
      if (key.state === 'active') {
        successor = await succeed(context, key, options)
        continue
      }
      return { revoked: await end(context, key, { event: 'key.revoked', by, reason }), successor }
    } catch (error) {
      // Somebody promotes it, or takes its successor, in this moment: it ends all the same.
      const isRace = error instanceof IdpError && raceCodes.has(error.code)
      if (!isRace || tries >= triesAgainstOthers) throw error
    }
  }
}

async function succeed(context: KeysContext, key: KeyRecord, { by }: Actor): Promise<KeyRecord> {
  const staged = (await readRecords()).filter(
    (record) => record.state === 'staged' && slotOf(record) === slotOf(key),
  )
  const [next] = staged
  if (next) return activateKey(context, next._id, { by })
  const made = await stageKey(context, { use: key.use, type: key.type, by })
  return activateKey(context, made.kid, { by })
}

async function end(
  context: KeysContext,
  key: KeyRecord,
  step: Actor & {
    event: 'key.retired' | 'key.discarded' | 'key.revoked'
    reason?: string
    force?: boolean
  },
): Promise<KeyRecord> {
  const { event, by, reason, force } = step
  const { kid, use } = key
  // Nothing would sign any more.
  if (key.state === 'active') throw changedMeanwhile(kid)
  const now = context.now()
  const written = await SigningKeyModel.findOneAndUpdate(
    // What counts as retiring may be written as active still.
    { _id: kid, state: key.state === 'retiring' ? { $in: ['retiring', 'active'] } : key.state },
    {
      $set: {
        state: 'retired',
        retiredAt: key.retiredAt ?? now,
        ...(event === 'key.revoked' ? { revokedAt: now, revokedReason: reason } : {}),
      },
      $unset: { sealedPrivateKey: 1, masterKeyId: 1 },
      $push: { history: { event, at: now, by } },
    },
  )
  if (!written) throw changedMeanwhile(kid)
  const details = { ...(reason ? { reason } : {}), ...(force ? { forced: true } : {}) }
  await announce(context, { event, kid, use, by, details })
  return findKey(kid)
}

async function demand(
  kid: string,
  states: readonly KeyState[],
  action: string,
): Promise<KeyRecord> {
  const key = await findKey(kid)
  if (states.includes(key.state)) return key
  throw wrongState(`${kid} is ${key.state}; to ${action} a key it must be ${states.join(' or ')}`)
}

/** Audits a step and lets every worker know. */
async function announce(
  context: KeysContext,
  step: {
    event: string
    kid: string
    use: KeyUse
    by: string
    details?: Record<string, string | boolean>
  },
): Promise<void> {
  const { event, kid, use, by, details } = step
  context.audit.record({ event, result: 'success', details: { kid, use, by, ...details } })
  await bumpVersion('keys')
  await context.keys.reload()
}

function wrongState(message: string): IdpError {
  return new IdpError('KEY_STATE_WRONG', message, { status: 409 })
}

function changedMeanwhile(kid: string): IdpError {
  return new IdpError(
    'KEY_CHANGED_MEANWHILE',
    `${kid} was changed by somebody else meanwhile; look again: npx propylaia keys list`,
    { status: 409 },
  )
}
