import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { demoAccounts } from '../../demo/people.ts'
import {
  continueByHand,
  type DemoSite,
  desktop,
  openService,
  phone,
  signIn,
  tabTo,
  useDemoSite,
  withPage,
} from '../support/browser.ts'
import { ConsentGallery } from '../support/consent-gallery.ts'
import { testForEverybody } from '../support/for-everybody.ts'

describe('The pages about what goes to services, for everybody', () => {
  testForEverybody((app, page, look) => new ConsentGallery(app, page, look).all(), 12)
})

describe('Somebody who is asked before data goes', () => {
  let site: DemoSite
  let browser: Browser
  useDemoSite((opened) => {
    site = opened.site
    browser = opened.browser
  })

  const students = demoAccounts.filter(({ state }) => state === 'active')
  const nextStudent = () => {
    const student = students.shift()
    assert.ok(student, 'the demo has no further active account')
    return student
  }

  it('refuses, comes back, agrees and withdraws, without script on a telephone', async () => {
    const student = nextStudent()
    const options = { viewport: phone, locale: 'el-GR', javaScriptEnabled: false }
    await withPage(browser, options, async (page) => {
      await openService(page, site.oidcService)
      await signIn(page, student)
      await page.locator('button[value=disagree]').click()
      await page.waitForURL(`${site.oidcService}/**`)
      assert.doesNotMatch(await page.locator('main').innerText(), /@uni\.example\.gr/)

      await page.goto(`${site.oidcService}/login`)
      await page.locator('button[value=agree]').click()
      await page.waitForURL(`${site.oidcService}/**`)
      assert.match(await page.locator('main').innerText(), /@uni\.example\.gr/)

      await page.goto(`${site.home}/account/consents`)
      await page.locator('form[action="/account/consents/withdraw"] button').click()
      assert.match(await page.locator('[role=status]').innerText(), /Η ανάκληση έγινε/)
      await page.goto(`${site.oidcService}/login`)
      await page.waitForURL(/\/consent\?flow=/)
    })
  })

  it('goes on by keyboard alone, and is not shown the notice again', async () => {
    const student = nextStudent()
    await withPage(browser, { viewport: desktop, locale: 'en-GB' }, async (page) => {
      await openService(page, site.samlService)
      await signIn(page, student)
      await page.waitForURL(/\/consent\?flow=/)
      await tabTo(page, '#remember')
      assert.ok(await page.locator('#remember').isChecked())
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.waitForURL(`${site.samlService}/**`)
      await page.goto(`${site.samlService}/login`)
      await page.waitForURL(`${site.samlService}/**`)
      assert.match(await page.locator('main').innerText(), /@uni\.example\.gr/)
    })
  })

  it('is shown the notice again when it was not to be remembered', async () => {
    const student = nextStudent()
    await withPage(browser, { viewport: phone, locale: 'el-GR' }, async (page) => {
      await openService(page, site.samlService)
      await signIn(page, student)
      await page.locator('#remember').uncheck()
      await page.locator('button[value=agree]').click()
      await continueByHand(page, true)
      await page.waitForURL(`${site.samlService}/**`)
      await page.goto(`${site.samlService}/login`)
      await page.waitForURL(/\/consent\?flow=/)
    })
  })

  it('reads the page in the other language at a click', async () => {
    const student = nextStudent()
    await withPage(browser, { viewport: phone, locale: 'el-GR' }, async (page) => {
      await openService(page, site.oidcService)
      await signIn(page, student)
      await page.waitForURL(/\/consent\?flow=/)
      await page.getByRole('link', { name: 'EN' }).click()
      assert.match(await page.locator('h1').innerText(), /May .* have these facts about you/)
      await page.locator('button[value=agree]').click()
      await page.waitForURL(`${site.oidcService}/**`)
    })
  })
})
