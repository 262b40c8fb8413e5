import { IdpError } from '../../errors.ts'

export function invalid(problem: string): IdpError {
  return new IdpError('METADATA_INVALID', `the metadata: ${problem}`)
}

export function unsigned(problem: string): IdpError {
  return new IdpError('METADATA_SIGNATURE_INVALID', `the metadata's signature: ${problem}`)
}

export function notCurrent(problem: string): IdpError {
  return new IdpError('METADATA_NOT_CURRENT', `the metadata: ${problem}`)
}
