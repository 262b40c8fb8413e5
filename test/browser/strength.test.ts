import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page, Request } from 'playwright-core'
import { startTestApp, type TestApp } from '../support/app.ts'
import { accessibilityFaults } from '../support/axe.ts'
import { assertNoSidewaysScrolling, openBrowser, phone, withPage } from '../support/browser.ts'

/** A page with a new password that needs no walk to get to. */
const passwordPage = '/register/code'
const advicePage = '/info/password'
const meter = '[data-strength-meter]'

/** Compressed, for all that is loaded once somebody is about to type. */
const maxBytes = 150_000

describe('Somebody who types a new password', () => {
  let app: TestApp
  let browser: Browser
  before(async () => {
    app = await startTestApp()
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await app?.close()
  })

  const onPage = (
    path: string,
    use: (page: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ) =>
    withPage(browser, { viewport: phone, locale: 'el-GR', ...options }, async (page) => {
      await page.goto(`${app.baseUrl}${path}`)
      await use(page)
    })

  it('reads how strong it is, in words, and what to better', async () => {
    await onPage(passwordPage, async (page) => {
      assert.equal(await page.locator(meter).isVisible(), false)
      await page.fill('#password', 'κωδικός12')
      await assertShown(page, 1, /Αντοχή του κωδικού: Αδύναμος\. Μία γνωστή λέξη ή ένα όνομα/)
      await page.fill('#password', 'xK9#mQ2p')
      await assertShown(page, 2, /Μέτριος\. Είναι σύντομος/)
      await page.fill('#password', 'xK9#mQ2pWz')
      await assertShown(page, 3, /Καλός\. Με μία ακόμη λέξη θα γίνει ισχυρός/)
      await page.fill('#password', 'ομπρέλα-φακές-58-κιθάρα')
      await assertShown(page, 4, /Ισχυρός\. Δύσκολα τον μαντεύει κανείς/)
      await page.fill('#password', '')
      await page.locator(meter).waitFor({ state: 'hidden' })
      assert.equal(await page.locator(meter).getAttribute('data-step'), null)
    })
  })

  it('hears it once the typing pauses, in one sentence with the rules', async () => {
    await onPage(
      passwordPage,
      async (page) => {
        await page.locator('#password').pressSequentially('kwdikos12')
        const status = page.locator('[data-password-status]')
        // Nothing while the letters come.
        assert.equal(await status.textContent(), '')
        await status.filter({ hasText: 'Password strength: Weak.' }).waitFor({ state: 'attached' })
        assert.match((await status.textContent()) ?? '', /^(Rules met: \d of 5|All rules).*guess/)
        assert.equal(await status.getAttribute('role'), 'status')
      },
      { locale: 'en-GB' },
    )
  })

  it('is told when the username is in it, which is typed on the same page', async () => {
    await onPage(passwordPage, async (page) => {
      await page.fill('#password', 'dpapadopoulou7')
      await assertShown(page, 4, /Ισχυρός/)
      await page.fill('#username', 'dpapadopoulou')
      await assertShown(page, 1, /όνομα χρήστη/)
    })
  })

  it('sees a suggestion called strong', async () => {
    await onPage(passwordPage, async (page) => {
      await page.locator('button.suggestion').first().click()
      await assertShown(page, 4, /Ισχυρός/)
    })
  })

  it('sends nothing: after the page only our own files come, none before the field is used', async () => {
    for (const [path, field] of [
      [passwordPage, '#password'],
      [advicePage, '#trial'],
    ] as const) {
      await onPage(path, async (page) => {
        await page.waitForLoadState('networkidle')
        const requests: Request[] = []
        page.context().on('request', (request) => {
          // The browser fetches it when it likes.
          if (!request.url().includes('/favicon')) requests.push(request)
        })
        page.on('websocket', (socket) => assert.fail(`opened ${socket.url()}`))
        await page.focus(field)
        await page.locator(field).pressSequentially('τρία γαϊδούρια 47')
        await page.press(field, 'Tab')
        await assertShown(page, 4, /Ισχυρός/)
        await page.waitForLoadState('networkidle')
        assert.deepEqual(
          requests
            .map((request) => new URL(request.url()).pathname.replace(/\.[\w-]{12}\./, '.'))
            .sort(),
          [
            '/assets/js/password-strength.js',
            '/assets/js/strength-words.js',
            '/assets/js/zxcvbn.js',
          ],
        )
        let bytes = 0
        for (const request of requests) {
          assert.equal(request.method(), 'GET')
          assert.equal(request.postData(), null)
          assert.equal(new URL(request.url()).search, '')
          bytes += (await request.sizes()).responseBodySize
        }
        assert.ok(bytes > 0 && bytes <= maxBytes, `${bytes} bytes are loaded`)
      })
    }
  })

  it('misses nothing but this help when its files do not come', async () => {
    const context = await browser.newContext({ viewport: phone, locale: 'el-GR' })
    const page = await context.newPage()
    const errors: unknown[] = []
    page.on('pageerror', (error) => errors.push(error))
    try {
      await page.route('**/assets/js/zxcvbn.*', (route) => route.abort())
      await page.goto(`${app.baseUrl}${passwordPage}`)
      const refused = page.waitForEvent('requestfailed')
      await page.fill('#password', 'Kastro-83-Thymari')
      await refused
      await page.locator('[data-rule=minLength].met').waitFor()
      assert.equal(await page.locator(meter).isVisible(), false)
      await page.goto(`${app.baseUrl}${advicePage}`)
      await page.fill('#trial', 'Kastro-83-Thymari')
      await page.getByText('Ο έλεγχος δεν μπόρεσε να φορτωθεί.').waitFor()
      // Back on the net, the next letter finds them.
      await page.unroute('**/assets/js/zxcvbn.*')
      assert.deepEqual(errors, [])
    } finally {
      await context.close()
    }
  })

  it('without JavaScript sees neither a meter nor a field that would do nothing', async () => {
    await onPage(
      passwordPage,
      async (page) => {
        await page.fill('#password', 'κωδικός12')
        assert.equal(await page.locator(meter).isVisible(), false)
        await page.goto(`${app.baseUrl}${advicePage}`)
        assert.equal(await page.locator('#trial').isVisible(), false)
        assert.match(await page.locator('main').innerText(), /τρεις ή τέσσερις λέξεις/)
      },
      { javaScriptEnabled: false },
    )
  })

  it('may try one on the page about password safety, and Enter leads nowhere', async () => {
    await onPage(advicePage, async (page) => {
      await page.fill('#trial', 'aaaaaaaa')
      await assertShown(page, 1, /επαναλαμβάνονται/)
      const status = page.locator('[data-strength-status]')
      await status.filter({ hasText: 'Αδύναμος.' }).waitFor({ state: 'attached' })
      await page.press('#trial', 'Enter')
      await page.locator('.strength-trial button.show').click()
      assert.equal(await page.getAttribute('#trial', 'type'), 'text')
      assert.equal(new URL(page.url()).pathname, advicePage)
      assert.equal(await page.inputValue('#trial'), 'aaaaaaaa')
      assert.equal(await page.locator('#trial').getAttribute('value'), null)
    })
  })

  for (const locale of ['el-GR', 'en-GB']) {
    it(`has it accessible at every step, on a narrow screen too (${locale})`, async () => {
      for (const [path, field] of [
        [passwordPage, '#password'],
        [advicePage, '#trial'],
      ] as const) {
        await onPage(
          path,
          async (page) => {
            for (const [at, password] of [
              'aaaaaaaa',
              'xK9#mQ2p',
              'xK9#mQ2pWz',
              'ομπρέλα-φακές-58-κιθάρα',
            ].entries()) {
              await page.fill(field, password)
              await assertShown(page, at + 1, /./)
              assert.deepEqual(await accessibilityFaults(page), [], `${path}, step ${at + 1}`)
            }
            await page.setViewportSize({ width: 320, height: 740 })
            await assertNoSidewaysScrolling(page)
          },
          { locale, bypassCSP: true },
        )
      }
    })
  }

  it('sees the steps without colours: forced colours leave full and empty parts apart', async () => {
    await onPage(
      passwordPage,
      async (page) => {
        await page.fill('#password', 'xK9#mQ2p')
        await assertShown(page, 2, /./)
        const grounds = (await page.evaluate(
          `[...document.querySelectorAll('.strength-bar i')].map((part) => getComputedStyle(part).backgroundColor)`,
        )) as string[]
        assert.equal(new Set(grounds.slice(0, 2)).size, 1)
        assert.equal(new Set(grounds.slice(2)).size, 1)
        assert.notEqual(grounds[0], grounds[3])
      },
      { forcedColors: 'active', reducedMotion: 'reduce' },
    )
  })
})

async function assertShown(page: Page, step: number, sentence: RegExp): Promise<void> {
  const shown = page.locator(`${meter}[data-step="${step}"] > p`).first()
  await shown.filter({ hasText: sentence }).waitFor()
}
