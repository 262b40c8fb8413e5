import assert from 'node:assert/strict'
import type { Browser, Page } from './browser.ts'
import { environmentOf } from './service-site.ts'
import { applicationUrl, type SpApplication } from './shibboleth-config.ts'

/** Behind the module: asks for a sign-in, then shows the environment. */
export function protectedPage(application: SpApplication): string {
  return `${applicationUrl(application)}/protected/`
}

/** Open to everybody; shows the session when there is one. */
export function openPage(application: SpApplication): string {
  return `${applicationUrl(application)}/open/`
}

/** The address at the service that starts a sign-in with these wishes. */
export function login(application: SpApplication, wishes: Record<string, string>): string {
  const query = new URLSearchParams({ target: protectedPage(application), ...wishes })
  return `${applicationUrl(application)}/Shibboleth.sso/Login?${query}`
}

export function assertSignedIn(page: Page): void {
  assert.equal(page.status, 200, `${page.url}:\n${page.text}`)
  assert.ok(environmentOf(page).Shib_Session_ID, `no session at ${page.url}:\n${page.text}`)
}

export function assertNoSession(page: Page): void {
  assert.equal(page.status, 200)
  assert.equal(environmentOf(page).Shib_Session_ID, undefined)
}

/** The Response that went by last, XML. */
export function lastResponse(browser: Browser): string {
  const message = browser.posted.findLast(({ fields }) => fields.has('SAMLResponse'))
  return Buffer.from(message?.fields.get('SAMLResponse') ?? '', 'base64').toString()
}
