import type { FederationRecord } from '../federation/aggregates/federation-model.ts'

/** A federation as `--json` shows it. */
export function factsOf(record: FederationRecord) {
  const { _id: name, source, current, lastAttempt, failures, nextRefreshAt, addedAt } = record
  return {
    name,
    source,
    addedAt: addedAt.toISOString(),
    current: current && {
      acceptedAt: current.acceptedAt.toISOString(),
      validUntil: current.validUntil.toISOString(),
      entities: current.takenCount,
      ofAll: current.entityCount,
      leftOut: current.leftOut,
    },
    lastAttempt: lastAttempt && { ...lastAttempt, at: lastAttempt.at.toISOString() },
    failures,
    nextRefreshAt: nextRefreshAt.toISOString(),
  }
}

/** A federation in lines for a person. */
export function linesOf(record: FederationRecord): string[] {
  const { _id: name, source, current, lastAttempt, failures, nextRefreshAt } = record
  const where = source.kind === 'file' ? source.file : source.url
  if (source.kind === 'mdq') {
    const line = `${name}  ${where}  asked entity by entity (MDQ)`
    const trouble =
      lastAttempt && `  last trouble ${lastAttempt.at.toISOString()}: ${lastAttempt.problem}`
    return trouble ? [line, trouble] : [line]
  }
  const state = current
    ? `${current.takenCount} of ${current.entityCount} entities, valid until ${current.validUntil.toISOString()}`
    : 'no metadata yet'
  const lines = [`${name}  ${where}`, `  ${state}`]
  if (current && current.leftOut.length > 0) {
    lines.push(`  left out, too large or past their own end: ${current.leftOut.join(' ')}`)
  }
  if (lastAttempt?.result === 'failed') {
    lines.push(
      `  THE LAST REFRESH FAILED (${lastAttempt.at.toISOString()}, ${failures} in a row): ${lastAttempt.problem ?? lastAttempt.code}`,
    )
  } else if (lastAttempt) lines.push(`  refreshed ${lastAttempt.at.toISOString()}`)
  lines.push(`  next refresh ${nextRefreshAt.toISOString()}`)
  return lines
}
