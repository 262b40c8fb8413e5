import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { demoAccounts } from '../../demo/people.ts'
import { freePortRange } from '../support/free-ports.ts'
import { type StartedProcess, startPropylaia, waitForOutput } from '../support/server-process.ts'

/** Debian's package; CHROMIUM names another one. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const phone = { width: 360, height: 740 }
const desktop = { width: 1180, height: 800 }

const student = accountIn('active')

function accountIn(state: string) {
  const account = demoAccounts.find((candidate) => candidate.state === state)
  assert.ok(account, `the demo has no ${state} account`)
  return account
}

describe('A student with a browser', () => {
  let folder: string
  let server: StartedProcess
  let browser: Browser
  let home: string
  let samlService: string
  let oidcService: string

  before(async () => {
    assert.ok(
      existsSync(executablePath),
      `no browser at ${executablePath}: install Debian's package "chromium" or set CHROMIUM`,
    )
    folder = mkdtempSync(join(tmpdir(), 'propylaia-browser-'))
    const port = await freePortRange(3)
    home = `http://localhost:${port}`
    samlService = `http://localhost:${port + 1}`
    oidcService = `http://localhost:${port + 2}`
    server = startPropylaia(['serve'], {
      PORT: String(port),
      DATA_DIR: join(folder, 'data'),
      CERTS_DIR: join(folder, 'certs'),
      METADATA_DIR: join(folder, 'metadata'),
      SAML_KEY_TYPE: 'rsa-2048',
    })
    await waitForOutput(server, 'Ready in')
    browser = await chromium.launch({
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
  })
  after(async () => {
    await browser?.close()
    server?.child.kill('SIGTERM')
    await server?.exited
    rmSync(folder, { recursive: true, force: true })
  })

  /** Runs with a fresh browser profile and fails on anything the browser's console complains about. */
  async function withPage(options: BrowserContextOptions, use: (page: Page) => Promise<void>) {
    const context = await browser.newContext(options)
    const complaints: string[] = []
    const page = await context.newPage()
    page.on('console', (message) => {
      // A refused sign-in is a 4xx page, which the console reports as such.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
        complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    try {
      await use(page)
      assert.deepEqual(complaints, [])
    } finally {
      await context.close()
    }
  }

  async function signIn(
    page: Page,
    { username, password }: { username: string; password: string },
  ) {
    await page.fill('input[name=username]', username)
    await page.fill('input[name=password]', password)
    await page.press('input[name=password]', 'Enter')
  }

  /** Opens a demo service by the first button or link that signs in there. */
  async function openService(page: Page, url: string) {
    await page.goto(url)
    await page.locator('a[href="/login"]').first().click()
  }

  /** Without script the page that carries the SAML answer waits for a click. */
  async function continueByHand(page: Page, javaScriptEnabled: boolean) {
    if (!javaScriptEnabled) await page.locator('form button').first().click()
  }

  for (const javaScriptEnabled of [true, false]) {
    for (const [language, locale] of [
      ['Greek', 'el-GR'],
      ['English', 'en-GB'],
    ] as const) {
      for (const [device, viewport] of [
        ['phone', phone],
        ['desktop', desktop],
      ] as const) {
        it(`reaches both services with one sign-in (${language}, ${device}, JavaScript ${javaScriptEnabled ? 'on' : 'off'})`, async () => {
          await withPage({ viewport, locale, javaScriptEnabled }, async (page) => {
            await openService(page, samlService)
            assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2))
            await assertNoSidewaysScrolling(page)
            await signIn(page, student)
            await continueByHand(page, javaScriptEnabled)
            await page.waitForURL(`${samlService}/**`)
            const samlText = await page.locator('main').innerText()
            assert.match(samlText, new RegExp(`${student.username}@uni\\.example\\.gr`))
            await assertNoSidewaysScrolling(page)

            await openService(page, oidcService)
            await page.waitForURL(`${oidcService}/**`)
            assert.match(await page.locator('main').innerText(), /student@uni\.example\.gr/)

            await page.goto(home)
            assert.match(await page.locator('main').innerText(), new RegExp(student.username))
            await assertNoSidewaysScrolling(page)
          })
        })
      }
    }
  }

  it('is told alike about a wrong password, and can go on with the username kept', async () => {
    await withPage({ viewport: phone, locale: 'el-GR' }, async (page) => {
      await page.goto(`${home}/login`)
      await signIn(page, { ...student, password: 'λάθος' })
      assert.match(
        await page.locator('main').innerText(),
        /Το όνομα χρήστη ή ο κωδικός δεν είναι σωστά/,
      )
      assert.equal(await page.inputValue('input[name=username]'), student.username)
      assert.equal(await page.inputValue('input[name=password]'), '')
      await page.fill('input[name=password]', student.password)
      await page.press('input[name=password]', 'Enter')
      await page.waitForURL(`${home}/`)
    })
  })

  it('switches the language on any page, and the choice stays', async () => {
    await withPage({ locale: 'el-GR' }, async (page) => {
      await page.goto(`${home}/login`)
      assert.equal(await page.getAttribute('html', 'lang'), 'el')
      await page.getByRole('link', { name: /EN/ }).first().click()
      assert.equal(await page.getAttribute('html', 'lang'), 'en')
      await page.goto(`${home}/`)
      assert.equal(await page.getAttribute('html', 'lang'), 'en')
    })
  })

  it('finishes two services opened in two tabs, whichever is signed in first', async () => {
    const context = await browser.newContext({ locale: 'el-GR' })
    try {
      const [first, second] = [await context.newPage(), await context.newPage()]
      await openService(first, samlService)
      await openService(second, oidcService)
      await second.waitForURL(/\/login\?flow=/)
      await signIn(second, student)
      await second.waitForURL(`${oidcService}/**`)
      await signIn(first, student)
      await first.waitForURL(`${samlService}/**`)
      assert.match(await first.locator('main').innerText(), new RegExp(student.username))
    } finally {
      await context.close()
    }
  })

  for (const state of ['pending', 'locked', 'disabled', 'expired']) {
    it(`with a ${state} account gets in nowhere and reads what to do`, async () => {
      await withPage({ viewport: phone, locale: 'el-GR' }, async (page) => {
        await openService(page, samlService)
        await signIn(page, accountIn(state))
        assert.match(await page.locator('main').innerText(), /help@uni\.example\.gr/)
        await page.goto(home)
        assert.doesNotMatch(
          await page.locator('main').innerText(),
          new RegExp(accountIn(state).username),
        )
        await openService(page, oidcService)
        await page.waitForURL(/\/login\?flow=/)
      })
    })
  }

  it('signs out, and the next service asks again', async () => {
    await withPage({ locale: 'en-GB' }, async (page) => {
      await page.goto(`${home}/login`)
      await signIn(page, student)
      await page.waitForURL(`${home}/`)
      await page.goto(`${home}/logout`)
      await page.locator('main form button').click()
      await openService(page, samlService)
      await page.waitForURL(/\/login\?flow=/)
    })
  })

  it('goes through the sign-in by keyboard alone', async () => {
    await withPage({ locale: 'el-GR' }, async (page) => {
      await page.goto(`${home}/login`)
      for (let presses = 0; presses < 20; presses += 1) {
        if ((await page.evaluate('document.activeElement?.getAttribute("name")')) === 'username')
          break
        await page.keyboard.press('Tab')
      }
      await page.keyboard.type(student.username)
      await page.keyboard.press('Tab')
      await page.keyboard.type(student.password)
      await page.keyboard.press('Enter')
      await page.waitForURL(`${home}/`)
    })
  })

  async function assertNoSidewaysScrolling(page: Page) {
    const [scrollWidth, width] = (await page.evaluate(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    )) as [number, number]
    assert.ok(
      scrollWidth <= width,
      `${page.url()} is ${scrollWidth} px wide on a screen of ${width} px`,
    )
  }
})
