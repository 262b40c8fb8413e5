import { join } from 'node:path'
import { presentValues } from '../key-rotation/present.ts'
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
  const t = sentences()
  return [
    `${key.kid}  ${key.use}  ${key.type}  published ${athensTime(promotion.stagedAt)}`,
    promotion.safeAt <= at
      ? `may sign: the time has passed since ${athensTime(promotion.safeAt)}`
      : `may sign from ${athensTime(promotion.safeAt)} on, which is after`,
    ...(promotion.safeAt <= at
      ? []
      : promotion.parts.map(
          ({ name, hours }) => `  ${t(`admin.keys.part.${name}`, { count: hours })}`,
        )),
    '',
    ...services.flatMap(serviceLines),
    ...(services.length === 0 ? ['no service depends on this key'] : [countLine(services)]),
  ]
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
  return `${count('breaks')} would break, ${count('waits')} wait, ${count('unknown')} unknown, ${count('ready')} ready`
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
