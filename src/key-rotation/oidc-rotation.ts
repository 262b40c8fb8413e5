import type { AppContext } from '../context.ts'
import { IdpError } from '../errors.ts'
import { retireKey, stageKey } from '../keys/key-life.ts'
import { type KeyRecord, listKeys, rotationSchedule } from '../keys/key-records.ts'
import { type PromotionContext, promoteKey } from './promotion.ts'
import { retireDate } from './promotion-date.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000
/** Who did it, in the audit log and in a key's history. */
const by = rotationSchedule
/** Somebody who takes a staged key back wants peace for some time. Milliseconds. */
const afterDiscardMs = 7 * dayMs

/**
 * Rotates the OpenID Connect keys that are old enough: stages the next key, promotes it once it is
 * safe, retires the former one once nothing signed by it is in use. Each call does what is due now,
 * so it can be repeated and cut off anywhere. What an administrator did stands: a key that they
 * staged is the next one, one that they promoted begins its life then, and after they took one back
 * nothing is staged for a week.
 */
export async function rotateOidcKeys(
  context: PromotionContext & Pick<AppContext, 'log'>,
): Promise<void> {
  const keys = (await listKeys()).filter(({ use }) => use === 'oidc')
  await retireOld(context, keys)
  const { oidcKeyRotationDays } = context.config
  if (oidcKeyRotationDays === 0) return
  for (const active of keys.filter(({ state }) => state === 'active')) {
    const sameSlot = keys.filter(({ algorithm }) => algorithm === active.algorithm)
    const dueAt = (active.activatedAt ?? active.createdAt).getTime() + oidcKeyRotationDays * dayMs
    await rotate(context, active, sameSlot, new Date(dueAt))
  }
}

async function rotate(
  context: PromotionContext & Pick<AppContext, 'log'>,
  active: KeyRecord,
  sameSlot: readonly KeyRecord[],
  dueAt: Date,
): Promise<void> {
  const now = context.now()
  const next = sameSlot.find(({ state }) => state === 'staged')
  if (next) {
    if (now < dueAt) return
    try {
      await promoteKey(context, next.kid, { by })
      context.log.info({ kid: next.kid }, 'another OpenID Connect key signs from now on')
    } catch (error) {
      // Its time comes; the next look tries again.
      if (!(error instanceof IdpError && error.code === 'KEY_PROMOTION_TOO_EARLY')) throw error
    }
    return
  }
  // Early enough that it is safe on the day.
  const stageAt = dueAt.getTime() - context.config.oidcJwksCacheHours * hourMs
  if (now.getTime() < stageAt || sameSlot.some((key) => wasTakenBack(key, now))) return
  if (active.keptBy === 'signer') {
    context.log.warn(
      { kid: active.kid },
      'an OpenID Connect key is old, and its successor must be made in the key signer: propylaia keys stage',
    )
    return
  }
  const staged = await stageKey(context, { use: 'oidc', type: active.type, by })
  context.log.info({ kid: staged.kid }, 'the next OpenID Connect key is published')
}

function wasTakenBack({ history }: KeyRecord, now: Date): boolean {
  return history.some(
    (step) =>
      step.event === 'key.discarded' &&
      step.by !== by &&
      now.getTime() - step.at.getTime() < afterDiscardMs,
  )
}

async function retireOld(context: PromotionContext, keys: readonly KeyRecord[]): Promise<void> {
  for (const { kid, state, retiringAt } of keys) {
    if (state !== 'retiring' || !retiringAt) continue
    if (retireDate(retiringAt, context.config) > context.now()) continue
    await retireKey(context, kid, { by })
  }
}
