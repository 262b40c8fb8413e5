/** An xs:dateTime in UTC, as SAML demands (Core 1.3.3); undefined for anything else. */
export function readInstant(text: string): Date | undefined {
  const match =
    /^\s*(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?\s*$/.exec(text) ?? undefined
  if (!match) return undefined
  // Without a zone it is UTC here; Date would take it as this machine's.
  const instant = new Date(`${match[1]}${(match[2] ?? '').slice(0, 4)}${match[3] ?? 'Z'}`)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

/** An xs:duration in seconds, a year as 365 days and a month as 30; undefined for anything else. */
export function readDurationSeconds(text: string): number | undefined {
  const match =
    /^\s*P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,10})(?:\.\d+)?S)?)?\s*$/.exec(
      text,
    )
  if (!match || /[PT]\s*$/.test(text)) return undefined
  const [, years, months, days, hours, minutes, seconds] = match.map((one) => Number(one ?? 0))
  return (years! * 365 + months! * 30 + days!) * 86_400 + hours! * 3600 + minutes! * 60 + seconds!
}
