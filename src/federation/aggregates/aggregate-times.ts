import type { XmlStream } from '../../xml/xml-stream.ts'
import { invalid, notCurrent } from './aggregate-problems.ts'
import { attributeOf } from './enveloped-signature.ts'
import { readDurationSeconds, readInstant } from './metadata-times.ts'

/** What a group or entity says of time, the groups around it included. */
export interface Times {
  readonly validUntil: Date
  readonly cacheDurationSeconds: number | undefined
}

export interface ValidityLimits {
  readonly now: Date
  /** Either way, for validUntil (saml2int SDP-G01). */
  readonly clockSkewMs: number
  /** How far ahead the root's validUntil may be (saml2int SDP-MD03). */
  readonly maxValidityMs: number
}

/**
 * At the start tag of a group or entity: the earlier validUntil and the shorter cacheDuration of it
 * and of what is around it.
 *
 * @throws {IdpError} METADATA_INVALID for times that cannot be read: they must not count as none
 */
export function readTimes(stream: XmlStream, around: Times | undefined): Times {
  const until = attributeOf(stream, 'validUntil')
  const validUntil = until === undefined ? undefined : readInstant(until)
  if (until !== undefined && !validUntil) {
    throw invalid(
      `validUntil="${until.slice(0, 80)}", expected a time such as 2030-01-31T00:00:00Z`,
    )
  }
  const duration = attributeOf(stream, 'cacheDuration')
  const seconds = duration === undefined ? undefined : readDurationSeconds(duration)
  if (duration !== undefined && seconds === undefined) {
    throw invalid(`cacheDuration="${duration.slice(0, 80)}", expected a duration such as PT6H`)
  }
  const earliest = [validUntil, around?.validUntil].filter((one) => one !== undefined)
  const shortest = [seconds, around?.cacheDurationSeconds].filter((one) => one !== undefined)
  return {
    validUntil: new Date(Math.min(...earliest.map((one) => one.getTime()))),
    cacheDurationSeconds: shortest.length > 0 ? Math.min(...shortest) : undefined,
  }
}

/**
 * At the root's start tag.
 *
 * @throws {IdpError} METADATA_NOT_CURRENT
 */
export function checkValidity(
  stream: XmlStream,
  { validUntil }: Times,
  { now, clockSkewMs, maxValidityMs }: ValidityLimits,
): void {
  if (attributeOf(stream, 'validUntil') === undefined) {
    throw notCurrent('the root has no validUntil: old metadata could be passed off as new')
  }
  const aheadMs = validUntil.getTime() - now.getTime()
  if (aheadMs <= -clockSkewMs) {
    throw notCurrent(`it was valid until ${validUntil.toISOString()} only`)
  }
  if (aheadMs > maxValidityMs + clockSkewMs) {
    const days = Math.floor(maxValidityMs / 86_400_000)
    throw notCurrent(`it says validUntil ${validUntil.toISOString()}, more than ${days} days ahead`)
  }
}
