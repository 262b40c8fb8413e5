import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { freePortRange } from './free-ports.ts'
import { type StartedProcess, startPropylaia, waitForOutput } from './server-process.ts'

/** Debian's package; CHROMIUM names another one. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export const phone = { width: 360, height: 740 }
export const desktop = { width: 1180, height: 800 }

export async function openBrowser(): Promise<Browser> {
  assert.ok(
    existsSync(executablePath),
    `no browser at ${executablePath}: install Debian's package "chromium" or set CHROMIUM`,
  )
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** The demo as `npm start` runs it, on ports of its own. */
export interface DemoSite {
  readonly home: string
  readonly samlService: string
  readonly oidcService: string
  readonly casService: string
  /** Runs `propylaia …` on the same data. @returns what it printed; it must end well */
  command(...args: string[]): Promise<string>
  close(): Promise<void>
}

export async function startDemoSite(): Promise<DemoSite> {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-browser-'))
  const port = await freePortRange(4)
  const settings = {
    PORT: String(port),
    DATA_DIR: join(folder, 'data'),
    CERTS_DIR: join(folder, 'certs'),
    METADATA_DIR: join(folder, 'metadata'),
    SAML_KEY_TYPE: 'rsa-2048',
  }
  const server: StartedProcess = startPropylaia(['serve'], settings)
  await waitForOutput(server, 'Ready in')
  return {
    home: `http://localhost:${port}`,
    samlService: `http://localhost:${port + 1}`,
    oidcService: `http://localhost:${port + 2}`,
    casService: `http://localhost:${port + 3}`,
    async command(...args) {
      const run = startPropylaia(args, settings)
      assert.equal(await run.exited, 0, run.output())
      return run.output()
    },
    async close() {
      server.child.kill('SIGTERM')
      await server.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** In a `describe`: the demo and a browser for the tests in it, closed afterwards. */
export function useDemoSite(take: (opened: { site: DemoSite; browser: Browser }) => void): void {
  let site: DemoSite | undefined
  let browser: Browser | undefined
  before(async () => {
    site = await startDemoSite()
    browser = await openBrowser()
    take({ site, browser })
  })
  after(async () => {
    await browser?.close()
    await site?.close()
  })
}

/** Runs with a fresh browser profile and fails on anything the browser's console complains about. */
export async function withPage(
  browser: Browser,
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext(options)
  const complaints: string[] = []
  context.on('page', (page) => {
    page.on('console', (message) => {
      // A refused form is a 4xx page, which the console reports as such.
      if (message.type() === 'error' && !/status of (4\d\d|503)/.test(message.text()))
        complaints.push(`${page.url()}: ${message.text()}`)
    })
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error}`))
  })
  try {
    await use(await context.newPage())
    assert.deepEqual(complaints, [])
  } finally {
    await context.close()
  }
}

export async function signIn(
  page: Page,
  { username, password }: { username: string; password: string },
): Promise<void> {
  await page.fill('input[name=username]', username)
  await page.fill('input[name=password]', password)
  await page.press('input[name=password]', 'Enter')
}

/** Opens a demo service by the first button or link that signs in there. */
export async function openService(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.locator('a[href="/login"]').first().click()
}

/** Reads what the service will get, and goes on, for this once: others walk as the same person. */
export async function agreeToRelease(page: Page): Promise<void> {
  await page.waitForURL(/\/consent\?flow=/)
  await assertNoSidewaysScrolling(page)
  await page.locator('#remember').uncheck()
  await page.locator('button[name=decision][value=agree]').click()
}

/** Without script the page that carries the SAML answer waits for a click. */
export async function continueByHand(page: Page, javaScriptEnabled: boolean): Promise<void> {
  if (!javaScriptEnabled) await page.locator('form button').first().click()
}

export async function assertNoSidewaysScrolling(page: Page): Promise<void> {
  const { width, wide } = (await page.evaluate(`(() => {
    const root = document.documentElement
    const width = root.clientWidth
    if (root.scrollWidth <= width) return { width, wide: [] }
    const elements = [...document.body.querySelectorAll('*')]
    const wide = elements.filter((element) => element.getBoundingClientRect().right > width + 0.5)
    const names = wide.map(({ tagName, className }) => tagName + '.' + className)
    return { width, wide: names.length > 0 ? names : ['something'] }
  })()`)) as { width: number; wide: string[] }
  assert.deepEqual(wide, [], `${page.url()} is wider than its screen of ${width} px`)
}

/** Moves on by Tab until the element has the focus. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await page.evaluate(`document.activeElement?.matches(${JSON.stringify(selector)})`)) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`the keyboard does not come to ${selector} on ${page.url()}`)
}
