import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { describe, it } from 'node:test'
import { viewsDir } from '../../src/web/render.ts'
import { createTranslate, loadMessages, type Message } from '../../src/web/translate.ts'

const el = loadMessages(viewsDir, 'el')
const en = loadMessages(viewsDir, 'en')

function filesUnder(folder: string, extension: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && extname(entry.name) === extension)
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
}

const views = filesUnder(viewsDir, '.njk').join('\n')
const code = filesUnder(join(viewsDir, '../src'), '.ts').join('\n')

function placeholders(message: Message): string[] {
  const texts = typeof message === 'string' ? [message] : Object.values(message)
  const names = texts.flatMap((text) => text.match(/\{\w+\}/g) ?? [])
  return [...new Set(names)].sort()
}

describe('texts', () => {
  it('have the same keys in both languages', () => {
    assert.deepEqual([...el.keys()].sort(), [...en.keys()].sort())
  })

  it('have the same placeholders in both languages', () => {
    for (const [key, message] of el) {
      assert.deepEqual(placeholders(message), placeholders(en.get(key)!), key)
    }
  })

  it('have every plural form that their language needs', () => {
    for (const [language, messages] of [
      ['el', el],
      ['en', en],
    ] as const) {
      const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories
      for (const [key, message] of messages) {
        if (typeof message === 'string') continue
        assert.deepEqual(Object.keys(message).sort(), [...needed].sort(), `${language} ${key}`)
      }
    }
  })

  it('are Greek in Greek: no sentence was left in English', () => {
    for (const [key, message] of el) assert.match(JSON.stringify(message), /[Α-Ωα-ωά-ώ]/, key)
  })

  it('exist for every key that a view or the code names', () => {
    const named = [...views.matchAll(/\bt(?:Markup)?\('([\w.-]+)'\s*[,)]/g)].map(([, key]) => key!)
    assert.ok(named.length > 80)
    for (const key of named) assert.ok(el.has(key), key)
  })

  it('are all used', () => {
    // A key may be put together: t('standing.' ~ standing ~ '.title'), `activation.error.amka${key}`.
    const prefixes = [
      ...`${views}\n${code}`.matchAll(/['`]([a-zA-Z]+\.[\w.]*)(?:'\s*~|\$\{)/g),
    ].map(([, prefix]) => prefix!)
    for (const key of el.keys()) {
      const isNamed = views.includes(`'${key}'`) || code.includes(`'${key}'`)
      const isBuilt = prefixes.some((prefix) => key.startsWith(prefix))
      // A message goes by the name of its three texts.
      const isPartOfMessage =
        key.startsWith('messages.') && code.includes(`'${key.slice(0, key.lastIndexOf('.'))}'`)
      assert.ok(isNamed || isBuilt || isPartOfMessage, `${key} is used nowhere`)
    }
  })
})

describe('t', () => {
  const messages = new Map<string, Message>([
    ['hello', 'Hello {name}, {name}!'],
    ['wait', { one: '1 minute', other: '{count} minutes' }],
  ])

  it('puts named values into the sentence', () => {
    const t = createTranslate(messages, 'en', { strict: true })
    assert.equal(t('hello', { name: '$& {name}' }), 'Hello $& {name}, $& {name}!')
  })

  it('chooses the plural form by count', () => {
    const t = createTranslate(messages, 'en', { strict: true })
    assert.equal(t('wait', { count: 1 }), '1 minute')
    assert.equal(t('wait', { count: 0 }), '0 minutes')
    assert.equal(t('wait', { count: 5 }), '5 minutes')
  })

  it('throws for a missing key or value when strict, and still shows a page when not', () => {
    const strict = createTranslate(messages, 'en', { strict: true })
    assert.throws(() => strict('nothing'), /no text for "nothing"/)
    assert.throws(() => strict('hello'), /needs a value for \{name\}/)
    const lenient = createTranslate(messages, 'en', { strict: false })
    assert.equal(lenient('nothing'), 'nothing')
    assert.equal(lenient('hello'), 'Hello , !')
  })
})
