import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

/** What holds for every page of ours, whatever its data. */
export function checkMarkup(html: string, language: string) {
  assert.match(html, new RegExp(`^<!doctype html>\\s*<html lang="${language}">`))
  assert.match(html, /<title>[^<]+ · [^<]+<\/title>/)
  assert.equal(html.match(/<h1[ >]/g)?.length, 1, 'one h1')
  assert.equal(html.match(/<main[ >]/g)?.length, 1, 'one main')
  assert.ok(!/undefined|\[object|NaN|\{\w+\}/.test(html), 'a value is missing')
  assert.ok(
    !/ style=| on[a-z]+=(?!alert)|<style|javascript:/i.test(
      html.replaceAll('onerror=alert(1)', ''),
    ),
    'inline style or script',
  )
  assert.ok(!html.includes('<img src=x'), 'markup was let in')

  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)
  assert.equal(new Set(ids).size, ids.length, 'ids are unique')
  for (const [, names] of html.matchAll(
    / (?:aria-labelledby|aria-describedby|aria-controls|for)="([^"]+)"/g,
  )) {
    for (const id of names!.split(' ')) assert.ok(ids.includes(id), `nothing has the id ${id}`)
  }
  for (const [input] of html.matchAll(/<input (?!type="hidden")[^>]*>/g)) {
    const id = / id="([^"]+)"/.exec(input)?.[1] ?? /id="([^"]+)"/.exec(input)?.[1]
    assert.ok(html.includes(`<label for="${id}"`), `${input} has no label`)
  }
  for (const [image] of html.matchAll(/<img [^>]*>/g)) assert.match(image, / alt="/)
  for (const [form] of html.matchAll(/<form [^>]*method="post"[^>]*>.*?<\/form>/gs)) {
    // A form that leads to a service must not take our token there.
    if (/^<form [^>]*action="https:/.test(form)) assert.doesNotMatch(form, /name="(_csrf|xsrf)"/)
    else assert.match(form, /name="(_csrf|xsrf)"/, 'a form without a token')
  }
  for (const tag of ['div', 'p', 'ul', 'section', 'form', 'span', 'dl', 'a', 'b', 'li']) {
    const opened = html.match(new RegExp(`<${tag}[ >]`, 'g'))?.length ?? 0
    const closed = html.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0
    assert.equal(opened, closed, `<${tag}> is opened ${opened} and closed ${closed} times`)
  }
}

/**
 * Every sample of every view in both languages, hostile words among them.
 *
 * @param what the pages are of, for the report
 * @param samples data by view
 * @param clean takes out what `checkMarkup` would misread, such as sentences that a script fills in
 */
export function testPages(
  what: string,
  samples: Readonly<Record<string, readonly object[]>>,
  show: (view: string, data: object, language: string) => Promise<string>,
  clean: (html: string) => string = (html) => html,
) {
  for (const language of ['el', 'en']) {
    describe(`${what} (${language})`, () => {
      for (const [view, cases] of Object.entries(samples)) {
        for (const [index, data] of cases.entries()) {
          it(`${view} ${index + 1} is sound HTML and shows hostile words as text`, async () => {
            const html = await show(view, data, language)
            checkMarkup(clean(html), language)
            assert.ok(!html.includes('<script>alert'), 'markup was let in')
          })
        }
      }
    })
  }
}
