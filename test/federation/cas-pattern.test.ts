import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  bySpecificity,
  CasPatternError,
  cleanUrl,
  matchesCasPattern,
  overlaps,
  parseCasPattern,
} from '../../src/federation/cas-pattern.ts'

function matches(pattern: string, address: string): boolean {
  const url = cleanUrl(address)
  return url !== undefined && matchesCasPattern(parseCasPattern(pattern), url)
}

describe('The address pattern of a CAS service', () => {
  it('is kept in one form', () => {
    for (const [given, text] of [
      ['https://eclass.uni.example.gr', 'https://eclass.uni.example.gr/'],
      ['HTTPS://EClass.Uni.Example.gr:443/*', 'https://eclass.uni.example.gr/'],
      ['https://eclass.uni.example.gr/modules/', 'https://eclass.uni.example.gr/modules'],
      ['https://eclass.uni.example.gr/modules/**', 'https://eclass.uni.example.gr/modules'],
      ['https://*.uni.example.gr', 'https://*.uni.example.gr/'],
      ['https://πανεπιστήμιο.gr/', 'https://xn--jxafmqbrdvbd8am.gr/'],
      ['http://localhost:8080/app', 'http://localhost:8080/app'],
      ['http://[::1]:8080/app', 'http://[::1]:8080/app'],
    ] as const) {
      assert.equal(parseCasPattern(given).text, text)
      assert.deepEqual(parseCasPattern(text), parseCasPattern(given))
    }
  })

  it('is refused when it could be more than somebody means', () => {
    for (const given of [
      '',
      '*',
      'https://',
      'https://*',
      'https://*/',
      'https://*.gr/',
      'https://*.edu.gr/',
      'https://*.co.uk',
      'https://*.*.uni.gr/',
      'https://a.*.gr/',
      'https://eclass*.uni.gr/',
      'https://eclass.uni.gr/*/x',
      'https://eclass.uni.gr/a?b=c',
      'https://eclass.uni.gr/#x',
      'https://user@eclass.uni.gr/',
      'https://user:pw@eclass.uni.gr/',
      'https://eclass.uni.gr./',
      'https://eclass.uni.gr/a/../b',
      'https://eclass.uni.gr/%2e%2e/b',
      'https://eclass.uni.gr\\x',
      'https:eclass.uni.gr',
      'https://ecl ass.uni.gr/',
      '^https://.*',
      'https://(a|b).uni.gr/',
      'http://eclass.uni.gr/',
      'http://*.localhost/',
      'ftp://eclass.uni.gr/',
      'eclass.uni.gr',
      '*.uni.gr',
      'https://*.127.0.0.1/',
      'https://uni.example.gr/%61pp',
      'https://uni.example.gr//app',
      'https://uni.example.gr/app;v=1',
      'https://uni.example.gr/%7Euser',
    ]) {
      assert.throws(() => parseCasPattern(given), CasPatternError, given)
    }
  })

  it('takes no host with characters that no name in DNS has, which some parsers end the host at', () => {
    for (const host of [
      'eclass.uni.example.gr;jsessionid=.evil.example.gr',
      'a=b.evil.example.gr',
      'a,b.evil.example.gr',
      "a'b.evil.example.gr",
      'a%2eb.evil.example.gr',
      'a..evil.example.gr',
    ]) {
      assert.equal(cleanUrl(`https://${host}/`), undefined, host)
      assert.throws(() => parseCasPattern(`https://${host}/`), CasPatternError, host)
    }
    assert.ok(cleanUrl('https://my_host-1.example.gr/'))
    assert.ok(cleanUrl('http://[::1]:8080/'))
  })

  it('matches its host and what lies at or below its path', () => {
    const pattern = 'https://uni.example.gr/app'
    for (const address of [
      'https://uni.example.gr/app',
      'https://uni.example.gr/app/',
      'https://uni.example.gr/app?next=/other',
      'https://uni.example.gr/app/deep/page.php?x=https://evil.example/',
      'HTTPS://UNI.EXAMPLE.GR:443/app/x',
      'https://uni.example.gr/app/a%2Fb',
    ]) {
      assert.ok(matches(pattern, address), address)
    }
  })

  it('matches no address that only looks like it', () => {
    const pattern = 'https://uni.example.gr/app'
    for (const address of [
      'https://uni.example.gr/apple',
      'https://uni.example.gr/APP',
      'https://uni.example.gr/',
      'https://uni.example.gr/other?x=/app',
      'http://uni.example.gr/app',
      'https://uni.example.gr:8443/app',
      'https://uni.example.gr.evil.example/app',
      'https://evil-uni.example.gr/app',
      'https://sub.uni.example.gr/app',
      'https://uni.example.gr@evil.example/app',
      'https://evil.example/https://uni.example.gr/app',
      'https://evil.example#https://uni.example.gr/app',
      'https://uni.example.gr./app',
      'https://uni.example.gr/app#fragment',
      'https://uni.example.gr/app/../other',
      'https://uni.example.gr/app/%2e%2e/other',
      'https://uni.example.gr/app/%2E%2E%2Fother',
      'https://uni.example.gr/app/%252e%252e/other',
      'https://uni.example.gr/app/..%2fother',
      'https://uni.example.gr/app/..%5cother',
      'https://uni.example.gr/app/..;/other',
      'https://uni.example.gr/app/.%2e/other',
      'https://uni.example.gr/app/./x',
      'https://uni.example.gr\\@evil.example/app',
      'https:\\\\uni.example.gr/app',
      'https:/uni.example.gr/app',
      'https:uni.example.gr/app',
      '//uni.example.gr/app',
      ' https://uni.example.gr/app',
      'https://uni.example.gr/a\tpp',
      'https://uni.example.gr/app\r\nX: y',
      'java\nscript:alert(1)',
      'javascript://uni.example.gr/app',
      '',
    ]) {
      assert.ok(!matches(pattern, address), JSON.stringify(address))
    }
  })

  it('with *. matches whole labels below, and not the host itself', () => {
    const pattern = 'https://*.uni.example.gr/'
    assert.ok(matches(pattern, 'https://a.uni.example.gr/'))
    assert.ok(matches(pattern, 'https://a.b.uni.example.gr/x'))
    for (const host of ['uni.example.gr', 'xuni.example.gr', 'a.uni.example.gr.evil.example']) {
      assert.ok(!matches(pattern, `https://${host}/`), host)
    }
  })

  it('knows which one is closer, and what two have in common', () => {
    const texts = [
      'https://*.example.gr/',
      'https://*.uni.example.gr/',
      'https://a.uni.example.gr/',
      'https://a.uni.example.gr/app',
    ]
    const sorted = texts.map(parseCasPattern).sort(bySpecificity)
    assert.deepEqual(
      sorted.map(({ text }) => text),
      texts.toReversed(),
    )
    const common = (a: string, b: string) => overlaps(parseCasPattern(a), parseCasPattern(b))
    assert.ok(common('https://*.uni.example.gr/', 'https://a.uni.example.gr/app'))
    assert.ok(common('https://a.example.gr/app', 'https://a.example.gr/app/x'))
    assert.ok(!common('https://a.example.gr/app', 'https://a.example.gr/apple'))
    assert.ok(!common('https://a.example.gr/', 'https://b.example.gr/'))
    assert.ok(!common('https://*.a.example.gr/', 'https://a.example.gr/'))
  })
})

describe('The address pattern of a CAS service, whatever comes', () => {
  const piece = fc.constantFrom(
    ...[
      'https:',
      'http:',
      '/',
      '//',
      '\\',
      '@',
      ':',
      '.',
      '..',
      ';',
      '?',
      '#',
      '%2e',
      '%2f',
      '%5c',
    ],
    ...[
      '%25',
      'uni.example.gr',
      'evil.example',
      'app',
      'apple',
      '*',
      '443',
      ' ',
      '\t',
      'x',
      '[',
      ']',
    ],
  )
  const address = fc.array(piece, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''))

  it('lets a browser go to its own host and path only', () => {
    const pattern = parseCasPattern('https://uni.example.gr/app')
    const begun = fc.oneof(
      address,
      address.map((rest) => `https://uni.example.gr${rest}`),
      address.map((rest) => `https://uni.example.gr/app${rest}`),
    )
    fc.assert(
      fc.property(begun, (text) => {
        const url = cleanUrl(text)
        if (!url || !matchesCasPattern(pattern, url)) return
        // As a browser reads the very text that it is sent, with the ticket behind it.
        const gone = new URL(`${text}${text.includes('?') ? '&' : '?'}ticket=ST-1`)
        assert.equal(gone.origin, 'https://uni.example.gr')
        assert.match(gone.pathname, /^\/app(\/|$)/)
        assert.equal(gone.searchParams.get('ticket'), 'ST-1')
        // As a server might that decodes once more.
        const decoded = decodeURIComponent(gone.pathname.replace(/%(?![\da-f]{2})/gi, '%25'))
        assert.ok(!decoded.split(/[/\\]/).some((part) => /^\.\.(;|$)/.test(part)), text)
      }),
      { numRuns: 20_000 },
    )
  })

  it('reads itself back the same, or is refused', () => {
    fc.assert(
      fc.property(address, (text) => {
        try {
          const { text: canonical } = parseCasPattern(text)
          assert.equal(parseCasPattern(canonical).text, canonical)
        } catch (error) {
          assert.ok(error instanceof CasPatternError, String(error))
        }
      }),
      { numRuns: 5_000 },
    )
  })
})
