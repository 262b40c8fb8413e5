/** SDP-G02 of the saml2int profile: strings that we produce have at most 256 characters. */
export const maxValueLength = 256

/** What XML 1.0 cannot carry at all; half a surrogate pair among it. */
const illegalInXml = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

/** Whether a value may go out, over any protocol: the same person has equal values everywhere. */
export function isUsableValue(value: string): boolean {
  return value.trim() !== '' && value.length <= maxValueLength && !illegalInXml.test(value)
}

/** A list of the value when there is one. */
export function list(value: string | undefined): readonly string[] {
  return value ? [value] : []
}

/** Without empty and repeated values, in order. */
export function distinct(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value): value is string => Boolean(value)))]
}

/**
 * A URN of parts that clients split on ":" and index by position. Nothing when a part lacks or
 * itself holds a ":", because every later part would then be read as another one.
 */
export function urn(prefix: string, ...parts: readonly (string | undefined)[]): string | undefined {
  return parts.every(isUrnPart) ? `${prefix}:${parts.join(':')}` : undefined
}

export function isUrnPart(part: string | undefined): part is string {
  return part !== undefined && part !== '' && !/[:\s]/.test(part)
}
