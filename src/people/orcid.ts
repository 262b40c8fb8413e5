import type { Checked } from './checked.ts'

export type OrcidProblem = 'ORCID_PATTERN' | 'ORCID_CHECK_CHARACTER_WRONG'

/**
 * Checks an ORCID iD, bare or as its address, and brings it to `0000-0002-1825-0097`. Hyphens may
 * lack: some systems store the sixteen characters alone.
 */
export function checkOrcid(text: string): Checked<OrcidProblem> {
  const bare = text.replace(/^https?:\/\/(www\.)?orcid\.org\//i, '').replaceAll('-', '')
  const value = bare.toUpperCase()
  if (!/^[0-9]{15}[0-9X]$/.test(value)) return { reason: 'ORCID_PATTERN' }
  if (orcidCheckCharacter(value.slice(0, 15)) !== value[15]) {
    return { reason: 'ORCID_CHECK_CHARACTER_WRONG' }
  }
  return { value: (value.match(/.{4}/g) as string[]).join('-') }
}

/** ISO/IEC 7064 MOD 11-2: 10 is written X. */
export function orcidCheckCharacter(fifteenDigits: string): string {
  let sum = 0
  for (const digit of fifteenDigits) sum = (sum + Number(digit)) * 2
  const check = (12 - (sum % 11)) % 11
  return check === 10 ? 'X' : String(check)
}

/** The https form, as eduPersonOrcid has it; undefined when it is no ORCID iD. */
export function orcidUrl(orcid: string | undefined): string | undefined {
  const { value } = checkOrcid(orcid ?? '')
  return value === undefined ? undefined : `https://orcid.org/${value}`
}
