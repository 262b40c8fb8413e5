import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/**
 * What axe-core finds wrong on the page as it is now, light and dark. The page's context needs
 * `bypassCSP`: our pages allow no script but their own.
 */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(`window.axe || eval(${JSON.stringify(axe)})`)
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  const light = await violations(page, { type: 'tag', values: tags })
  // Nothing but colours differs.
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
  const dark = await violations(page, { type: 'rule', values: ['color-contrast'] })
  await page.emulateMedia({ colorScheme: null, reducedMotion: null })
  return [...light, ...dark.map((fault) => `dark: ${fault}`)]
}

async function violations(page: Page, runOnly: { type: 'tag' | 'rule'; values: string[] }) {
  const found = (await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(runOnly)}, resultTypes: ['violations'] })`,
  )) as { violations: { id: string; help: string; nodes: { target: string[] }[] }[] }
  return found.violations.map(
    ({ id, help, nodes }) =>
      `${id} (${help}): ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
  )
}
