import { join } from 'node:path'
import { presentHours, presentValues } from '../key-rotation/present.ts'
import type { Rehearsal, RehearsedService } from '../key-rotation/rehearsal.ts'
import { viewsDir } from '../web/render.ts'
import { loadTranslations, type Translate } from '../web/translate.ts'
import { athensTime } from './activation-texts.ts'

let loaded: Translate | undefined

/** The console's own sentences: command line and page say the same. */
function sentences(): Translate {
  loaded ??= loadTranslations(join(viewsDir, 'admin'), { strict: false }).en
  return loaded
}

/** A rehearsal as lines for a terminal. */
export function rehearsalLines({ key, promotion, services, at }: Rehearsal): string[] {
  return [
    `${key.kid}  ${key.use}  ${key.type}  published ${athensTime(promotion.stagedAt)}`,
    promotion.safeAt <= at
      ? `may sign: the time has passed since ${athensTime(promotion.safeAt)}`
      : `may sign from ${athensTime(promotion.safeAt)} on, which is after`,
    ...(promotion.safeAt <= at ? [] : waitLines(promotion.parts)),
    '',
    ...services.flatMap(serviceLines),
    ...(services.length === 0 ? ['no service depends on this key'] : [countLine(services)]),
  ]
}

/** What a promotion waits for, a line each. */
export function waitLines(parts: Rehearsal['promotion']['parts']): string[] {
  const t = sentences()
  return parts.map(({ name, hours }) => {
    const { key, values } = presentHours(hours)
    return `  ${t(`admin.keys.part.${name}`, { time: t(key, values) })}`
  })
}

/** One service: verdict, name and id, then why, and whom to write to. */
export function serviceLines(service: RehearsedService): string[] {
  const t = sentences()
  const { state, kind, id, name, until, evidence, contacts, services } = service
  const verdict = t(`admin.keys.verdict.${state}`).padEnd(11)
  const title = kind === 'federation' ? `federation ${id}` : `${name.en}  ${id}`
  const size = services === undefined ? '' : `  (${services} services)`
  return [
    `${verdict}  ${title}${size}${until ? `  until ${athensTime(until)}` : ''}`,
    ...evidence.map(
      ({ key, values }) => `             ${t(key, presentValues(values, athensTime))}`,
    ),
    ...(contacts.length === 0 || state === 'ready'
      ? []
      : [`             ${contacts.map(({ email }) => email).join(', ')}`]),
  ]
}

function countLine(services: readonly RehearsedService[]): string {
  const count = (state: string) => services.filter((one) => one.state === state).length
  return `would break: ${count('breaks')}, wait: ${count('waits')}, unknown: ${count('unknown')}, ready: ${count('ready')}`
}

/** For --json. */
export function rehearsalFacts({ key, promotion, services, at }: Rehearsal) {
  const { kid, use, type, state } = key
  return {
    key: { kid, use, type, state },
    stagedAt: promotion.stagedAt,
    safeAt: promotion.safeAt,
    parts: promotion.parts,
    isSafe: promotion.safeAt <= at,
    services: services.map(({ evidence, ...service }) => ({
      ...service,
      evidence: evidence.map(({ key: code, values }) => ({
        code: code.replace('admin.keys.evidence.', ''),
        ...values,
      })),
    })),
  }
}
