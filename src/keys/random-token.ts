import { randomBytes } from 'node:crypto'

/** 128 random bits for a cookie or a link: 22 characters of base64url. */
export function randomToken(): string {
  return randomBytes(16).toString('base64url')
}
