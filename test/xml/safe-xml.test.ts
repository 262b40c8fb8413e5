import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  attributeOf,
  childElement,
  childElements,
  decodeXml,
  lineOf,
  parseXml,
  textOf,
  XmlError,
} from '../../src/xml/safe-xml.ts'

const refuses = (text: string, pattern: RegExp, options = {}) =>
  assert.throws(
    () => parseXml(text, options),
    (error) => {
      assert.ok(error instanceof XmlError, String(error))
      assert.match(error.message, pattern)
      return true
    },
  )

describe('parseXml: what it reads', () => {
  it('gives elements, attributes, text, CDATA and the built-in entities', () => {
    const document = parseXml(
      '<?xml version="1.0" encoding="UTF-8"?>\n<!-- note -->\n' +
        '<a xmlns="urn:a" x="1&amp;2"><b>&lt;α&#x3B2;&gt;</b><b><![CDATA[<c>]]></b></a>\n',
    )
    const root = document.documentElement
    assert.equal(attributeOf(root, 'x'), '1&2')
    assert.equal(attributeOf(root, 'y'), undefined)
    assert.deepEqual(childElements(root, 'urn:a', 'b').map(textOf), ['<αβ>', '<c>'])
    assert.equal(childElement(root, 'urn:other', 'b'), undefined)
  })

  it('does not cut text at a comment', () => {
    const document = parseXml('<a>admin@uni.example.gr<!-- -->.evil.example</a>')
    assert.equal(textOf(document.documentElement), 'admin@uni.example.gr.evil.example')
  })

  it('takes a byte order mark, and keeps U+0085 and U+2028 as XML 1.0 does', () => {
    const document = parseXml('\uFEFF<a>x\u0085y\u2028z\r\nw</a>')
    assert.equal(document.documentElement.textContent, 'x\u0085y\u2028z\nw')
  })

  it('keeps the line of every element when asked', () => {
    const document = parseXml('<a>\n\n  <b/>\n</a>', { lines: true })
    assert.equal(lineOf(document.documentElement.getElementsByTagName('b').item(0)!), 3)
  })

  it('finds children of a namespace whatever the prefix', () => {
    const document = parseXml('<q:a xmlns:q="urn:a"><b xmlns="urn:a"/><q:b/><b/></q:a>')
    assert.equal(childElements(document.documentElement, 'urn:a', 'b').length, 2)
    assert.equal(childElements(document.documentElement, 'urn:a', '*').length, 2)
  })
})

describe('parseXml: what it refuses', () => {
  const cases: [string, string, RegExp][] = [
    ['a document type', '<!DOCTYPE a><a/>', /line 1: a document type/],
    [
      'a document type in lower case',
      '\n<!doctype a [<!ENTITY b "c">]><a>&b;</a>',
      /line 2: a document type/,
    ],
    ['an entity that is not built in', '<a>\n&nbsp;</a>', /line 2: "&nbsp" is no character/],
    ['an ampersand alone', '<a href="x?a=1&b=2"/>', /"&b=2/],
    ['a processing instruction', '<?xml-stylesheet href="a"?><a/>', /XML declaration|processing/],
    ['a processing instruction inside', '<a><?php echo 1 ?></a>', /processing instructions/],
    ['an element left open', '<a><b></b>', /the text ends inside <a>/],
    ['end tags in the wrong order', '<a><b></a></b>', /<\/b> is expected/],
    ['an end tag in another case', '<a></A>', /<\/a> is expected/],
    ['two root elements', '<a/><a/>', /second root/],
    ['text after the root', '<a/>x', /outside the root/],
    ['nothing at all', ' \n', /no XML element/],
    ['an attribute twice', '<a b="1" b="2"/>', /attribute b twice/],
    [
      'an attribute twice under two prefixes',
      '<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="2"/>',
      /attribute b twice/,
    ],
    ['an attribute without quotes', '<a b=1/>', /not written as XML/],
    ['an attribute without value', '<a b/>', /not written as XML/],
    ['"<" in an attribute', '<a b="<c>"/>', /holds "<"/],
    ['a prefix that is not declared', '<p:a/>', /prefix "p" is not declared/],
    ['a prefix that JavaScript objects have', '<constructor:a/>', /not declared|constructor/],
    ['an attribute prefix that is not declared', '<a p:b="1"/>', /prefix "p" is not declared/],
    ['a redeclared xml prefix', '<a xmlns:xml="urn:x"/>', /not allowed/],
    ['the same ID twice', '<a ID="_1"><b ID="_1"/></a>', /ID "_1" occurs twice/],
    ['the same ID under two spellings', '<a ID="_1"><b Id="_1"/></a>', /occurs twice/],
    ['the same ID as xml:id', '<a id="_1"><b xml:id="_1"/></a>', /occurs twice/],
    ['a control character', '<a>\u0001</a>', /U\+0001/],
    ['half a surrogate pair', '<a>\uD800</a>', /U\+D800/],
    ['a reference to a control character', '<a>&#0;</a>', /&#0;/],
    ['a reference beyond Unicode', '<a>&#x110000;</a>', /&#x110000;/],
    ['"]]>" in text', '<a>]]></a>', /"\]\]>"/],
    ['an open comment', '<a><!-- b</a>', /comment/],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-7"?><a/>', /save it as UTF-8/],
    [
      'script as HTML reads it',
      '<script xmlns="http://www.w3.org/1999/xhtml"><b>&lt;</script>',
      /script/,
    ],
  ]
  for (const [name, text, pattern] of cases) it(name, () => refuses(text, pattern))

  it('bytes that are not UTF-8', () => {
    assert.throws(() => decodeXml(Buffer.from([0x3c, 0x61, 0x3e, 0xe1])), /UTF-8/)
    // And one that breaks off leaves nothing to the next.
    assert.equal(decodeXml(Buffer.from('<α/>')), '<α/>')
  })
})

describe('parseXml: limits', () => {
  it('refuses more bytes than allowed, counted as UTF-8', () => {
    assert.ok(parseXml('<a>αα</a>', { maxBytes: 11 }))
    refuses('<a>αα</a>', /larger than 10 bytes/, { maxBytes: 10 })
  })

  it('refuses deep nesting before anything recurses', () => {
    refuses('<a>'.repeat(100_000) + '</a>'.repeat(100_000), /deeper than 32 levels/)
    refuses('<a><b><c/></b></a>', /deeper than 2 levels/, { maxDepth: 2 })
  })

  it('refuses too many elements, attributes, names', () => {
    refuses(`<a>${'<b/>'.repeat(60_000)}</a>`, /more than 50000 elements/)
    refuses(`<a ${Array.from({ length: 100 }, (_, i) => `b${i}=""`).join(' ')}/>`, /64 attributes/)
    refuses(`<a>${Array.from({ length: 600 }, (_, i) => `<b${i}/>`).join('')}</a>`, /element names/)
  })

  it('answers a megabyte of nonsense in well under a second', () => {
    const nonsense = [
      '<'.repeat(1_000_000),
      `<a>${'&amp;'.repeat(200_000)}`,
      `<a ${' '.repeat(1_000_000)}`,
      `<a b="${'x'.repeat(1_000_000)}`,
      `<a>${'</ '.repeat(300_000)}`,
      `<a>${'<b/>'.repeat(49_990)}</a>`,
      `<a>${'<!---->'.repeat(49_000)}</a>`,
      `<a>${']]'.repeat(500_000)}</a>`,
    ]
    const startedAt = performance.now()
    for (const text of nonsense) {
      try {
        parseXml(text)
      } catch (error) {
        assert.ok(error instanceof XmlError, String(error))
      }
    }
    assert.ok(performance.now() - startedAt < 4000)
  })
})
