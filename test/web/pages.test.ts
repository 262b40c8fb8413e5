import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import request from 'supertest'
import type { Institution } from '../../src/institution.ts'
import { pagesRoutes } from '../../src/web/pages-routes.ts'
import { createWebApp } from './web-app.ts'

function pages(changes: { [field in keyof Institution]?: Institution[field] | undefined }) {
  const { app } = createWebApp({ institution: changes as Partial<Institution> })
  app.use(pagesRoutes())
  return (path: string, language = 'el') =>
    request(app).get(path).set('Accept-Language', language).set('Accept', 'text/html')
}

const terms = {
  version: '2026-09-01',
  sections: [
    {
      title: { el: 'Ποιος <έχει> λογαριασμό', en: 'Who has an account' },
      text: {
        el: 'Πρώτη παράγραφος\nσε δύο γραμμές.\n\n  \n\nΔεύτερη <script>alert(1)</script>',
        en: 'First.\r\n\r\nSecond.',
      },
    },
  ],
}

describe('the pages with the terms of use and the privacy policy', () => {
  it("show the institution's text with its version, in the person's language", async () => {
    const get = pages({ terms })
    const greek = (await get('/info/terms')).text
    assert.match(greek, /<h1>Όροι Χρήσης<\/h1>/)
    assert.match(greek, /Έκδοση 2026-09-01/)
    assert.match(greek, /<p>Πρώτη παράγραφος\nσε δύο γραμμές\.<\/p>\s*<p>Δεύτερη/)
    const english = (await get('/info/terms', 'en')).text
    assert.match(english, /Version 2026-09-01/)
    assert.match(english, /<h2>Who has an account<\/h2>\s*<p>First\.<\/p>\s*<p>Second\.<\/p>/)
  })

  it('show as text whatever looks like markup', async () => {
    const { text } = await pages({ terms })('/info/terms')
    assert.match(text, /<h2>Ποιος &lt;έχει&gt; λογαριασμό<\/h2>/)
    assert.doesNotMatch(text, /<script>alert/)
  })

  it('show a general text without a version when the institution has none of its own', async () => {
    const get = pages({ terms: undefined, privacy: undefined })
    for (const [path, sentence] of [
      ['/info/terms', /Ο λογαριασμός είναι προσωπικός/],
      ['/info/privacy', /Ποια στοιχεία τηρούμε/],
    ] as const) {
      const { text } = await get(path)
      assert.match(text, sentence)
      assert.doesNotMatch(text, /Έκδοση/)
    }
  })
})
