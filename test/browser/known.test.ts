import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { accessibilityFaults } from '../support/axe.ts'
import {
  assertNoSidewaysScrolling,
  openBrowser,
  phone,
  signIn,
  withPage,
} from '../support/browser.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { syntheticAmka } from '../support/registrant.ts'

describe('The pages about what is known about me, for everybody', () => {
  let app: TestApp
  let browser: Browser
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
    browser = await openBrowser()
  })
  after(async () => {
    await browser?.close()
    await app?.close()
  })

  /** Somebody with two sign-ins elsewhere and a past, signed in on the page too. */
  async function visit(page: Page): Promise<void> {
    const mobile = `+30691${randomInt(1_000_000, 9_999_999)}`
    const { account, person } = await addPerson({
      account: { mobile, activation: { way: 'pin', proven: ['sms'], reference: 'K7F-2QX' } },
      person: {
        nationalNumbers: [
          sealNationalNumber(app.context.secrets, 'GR', syntheticAmka('2007-03-12')),
        ],
      },
    })
    for (let count = 0; count < 2; count++)
      await new AccountWalk(app).signIn(account.username, testPassword)
    const at = (index: number) => new Date(Date.now() - (index + 1) * 3_600_000)
    await AuditModel.insertMany([
      ...Array.from({ length: 30 }, (_, index) => ({
        at: at(index),
        event: 'login',
        result: index % 4 === 3 ? 'failure' : 'success',
        reason: 'wrong-password',
        personId: person._id,
        address: '2001:db8:1:2::3',
        service: 'https://service-with-a-rather-long-name.example/shibboleth',
      })),
      ...['one', 'two'].map((name, index) => ({
        at: at(index),
        event: 'saml.response',
        result: 'success',
        personId: person._id,
        service: `https://${name}.example/a-rather-long-entity-id/shibboleth`,
        details: { attributes: index ? [] : ['displayName', 'mail', 'eduPersonScopedAffiliation'] },
      })),
    ])
    await page.goto(`${app.baseUrl}/login`)
    await signIn(page, { username: account.username, password: testPassword })
    await page.waitForURL(`${app.baseUrl}/`)
  }

  async function press(page: Page, selector: string): Promise<void> {
    await Promise.all([page.waitForEvent('load'), page.locator(selector).first().click()])
  }

  for (const [language, locale] of [
    ['Greek', 'el-GR'],
    ['English', 'en-GB'],
  ] as const) {
    it(`are accessible by axe-core's rules and fit 320 pixels and large text (${language})`, async () => {
      const found: string[] = []
      await withPage(browser, { viewport: phone, locale, bypassCSP: true }, async (page) => {
        await visit(page)
        const look = async (name: string) => {
          assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2), name)
          const faults = await accessibilityFaults(page)
          found.push(...faults.map((fault) => `${name}: ${fault}`))
          await page.setViewportSize({ width: 320, height: 740 })
          await assertNoSidewaysScrolling(page)
          await page.setViewportSize(phone)
          await page.addStyleTag({ content: 'html { font-size: 200% !important }' })
          await assertNoSidewaysScrolling(page)
        }
        for (const path of ['information', 'sign-ins', 'sign-ins/services', 'data']) {
          await page.goto(`${app.baseUrl}/account/${path}`)
          await look(path)
        }
        await page.goto(`${app.baseUrl}/account/data/deletion`)
        await look('deletion')
        await press(page, 'main form button')
        await look('deletion-open')
        await press(page, 'main form button')
        await look('deletion-withdrawn')
        await page.goto(`${app.baseUrl}/account/sign-ins`)
        await press(page, '.entries form button')
        await look('sign-ins-ended')
        await press(page, 'a[href*="before="]')
        await look('sign-ins-earlier')
      })
      assert.deepEqual(found, [])
    })
  }

  it('work without script: ending a sign-in, and taking the file away', async () => {
    const options = { viewport: phone, javaScriptEnabled: false, locale: 'el-GR' }
    await withPage(browser, options, async (page) => {
      await visit(page)
      await page.goto(`${app.baseUrl}/account/sign-ins`)
      assert.equal(await page.locator('.entries form button').count(), 2)
      await press(page, '.entries form button')
      assert.equal(await page.locator('.entries form button').count(), 1)
      await page.goto(`${app.baseUrl}/account/data`)
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.click('a[href="/account/data/export"]'),
      ])
      assert.match(download.suggestedFilename(), /^u[0-9a-f]+-\d{4}-\d\d-\d\d\.json$/)
      const file = JSON.parse(readFileSync(await download.path(), 'utf8'))
      assert.equal(file.format, 'propylaia-personal-data')
    })
  })
})
