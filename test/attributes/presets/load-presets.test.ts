import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { attributeByName } from '../../../src/attributes/attribute-table.ts'
import { loadPresets } from '../../../src/attributes/presets/load-presets.ts'
import { openPresets } from '../../../src/attributes/presets/open-presets.ts'
import { ConfigError } from '../../../src/config.ts'
import { presetWith } from './preset-support.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A folder of preset files, by name. */
function folderOf(files: Record<string, unknown>): string {
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-presets-'))
  folders.push(folder)
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    writeFileSync(join(folder, name), text)
  }
  return folder
}

function problemsOf(files: Record<string, unknown>): readonly string[] {
  const folder = folderOf(files)
  try {
    loadPresets(folder)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map((problem) => problem.replace(`PRESETS_DIR ${folder}/`, ''))
  }
  return []
}

const national = 'eudoxus academic-id transfers iky atlas apella okeanos diavlos'.split(' ')
const own = ['eclass', 'e-secretariat', 'webmail', 'vpn']

describe('presets: those that come with the program', () => {
  const presets = loadPresets()

  it('are the national services and the usual ones of an institution', () => {
    assert.deepEqual(presets.map(({ id }) => id).sort(), [...national, ...own].sort())
  })

  it('inform people before data goes to national services, and have their hosts', () => {
    for (const { id, disclosure, hosts } of presets) {
      const isNational = national.includes(id)
      assert.equal(disclosure, isNational ? 'inform' : 'silent', id)
      assert.equal(hosts.length > 0, isNational, id)
    }
  })

  it('name no sensitive attribute', () => {
    for (const { id, attributes } of presets) {
      for (const { name } of attributes) {
        assert.notEqual(attributeByName(name)?.sensitivity, 'sensitive', `${id}: ${name}`)
      }
    }
  })

  it('say that somebody must confirm the legal ground, and where no list is public', () => {
    for (const { id, basis } of presets) assert.match(basis, /must confirm/, id)
    for (const id of ['eudoxus', 'academic-id', 'transfers', 'iky', 'diavlos']) {
      assert.match(presets.find((preset) => preset.id === id)!.basis, /^No list/)
    }
  })
})

describe('presets: the institution’s own', () => {
  it('add to ours, and replace the one of the same id', () => {
    const mine = presetWith(['mail'], { id: 'eudoxus', hosts: ['eudoxus.gr'] })
    const presets = loadPresets(folderOf({ 'a.json': presetWith(['uid']), 'b.json': mine }))
    assert.equal(presets.length, national.length + own.length + 1)
    assert.deepEqual(
      presets.find(({ id }) => id === 'eudoxus'),
      mine,
    )
  })

  it('may release a national number only when the file says so twice', () => {
    const [first, ...more] = problemsOf({ 'a.json': presetWith(['schGrAcPersonSSN']) })
    assert.match(first!, /^a\.json: attributes\[0\]\.name: "schGrAcPersonSSN" is sensitive/)
    assert.deepEqual(more, [])
    const sensitive = ['schGrAcPersonSSN']
    assert.deepEqual(problemsOf({ 'a.json': presetWith(sensitive, { sensitive }) }), [])
  })

  const wrong: Record<string, [unknown, RegExp]> = {
    'an unknown attribute': [
      presetWith(['email']),
      /^a\.json: attributes\[0\]\.name: must be a name in docs\/attributes\.md, got "email"$/,
    ],
    'an attribute named twice': [presetWith(['mail', 'mail']), /attributes\[1\]\.name: "mail" is/],
    'a text in one language': [
      { ...presetWith([]), about: { el: 'Κάτι' } },
      /^a\.json: about\.en: must be a text, got nothing$/,
    ],
    'no reason for an attribute': [
      { ...presetWith([]), attributes: [{ name: 'mail', isRequired: true }] },
      /^a\.json: attributes\[0\]\.why: /,
    ],
    'no legal ground': [
      { ...presetWith([]), legalGround: undefined },
      /^a\.json: legalGround: must be an object, got nothing$/,
    ],
    'a misspelt field': [{ ...presetWith([]), attribute: [] }, /^a\.json: attribute: no such/],
    'the reserved id': [presetWith([], { id: 'none' }), /^a\.json: id: must be /],
    'a host that is everybody’s': [presetWith([], { hosts: ['gr'] }), /^a\.json: hosts\[0\]: /],
    'a host with a scheme': [presetWith([], { hosts: ['https://a.gr'] }), /^a\.json: hosts\[0\]: /],
    'an unknown form': [
      presetWith([], { forms: { names: 'fr' as 'el' } }),
      /^a\.json: forms\.names: must be "el" or "en", got "fr"$/,
    ],
    'no JSON': ['{', /^a\.json: cannot be read: /],
    'a list': [[], /^a\.json: must hold one JSON object$/],
  }
  for (const [what, [content, expected]] of Object.entries(wrong)) {
    it(`with ${what} stop the start, and the message names file and field`, () => {
      const problems = problemsOf({ 'a.json': content })
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0]!, expected)
    })
  }

  it('may not share an id or a host: which one holds would hang on the order of files', () => {
    const preset = presetWith([])
    const [sameId] = problemsOf({ 'a.json': preset, 'b.json': preset })
    assert.match(sameId!, /^b\.json: id: "books" is the id of .*a\.json too$/)
    const [sameHost] = problemsOf({ 'a.json': presetWith([], { hosts: ['eudoxus.gr'] }) })
    assert.match(sameHost!, /hosts: "eudoxus\.gr" is a host of .*eudoxus\.json too$/)
  })

  it('report all mistakes together, and a folder that is not there', () => {
    const files = { 'a.json': presetWith(['x']), 'b.json': presetWith(['y'], { id: 'b' }) }
    assert.equal(problemsOf(files).length, 2)
    assert.throws(() => loadPresets('/nonexistent'), {
      message: /^PRESETS_DIR: cannot read \/nonexistent/,
    })
  })
})

describe('docs/releasing-attributes.md', () => {
  const docs = readFileSync(
    new URL('../../../docs/releasing-attributes.md', import.meta.url),
    'utf8',
  )

  it('names every preset with the hosts that it applies at', () => {
    for (const { id, hosts } of loadPresets()) {
      const row = docs.split('\n').find((line) => line.startsWith(`| \`${id}\` |`))
      assert.ok(row, id)
      const where = row.split('|')[2]!.trim()
      assert.equal(where, hosts.length > 0 ? hosts.join(', ') : 'nothing, it is chosen', id)
    }
  })

  it('shows a preset of one’s own that works', () => {
    const example = /```json\n([\s\S]*?)```/.exec(docs)?.[1] ?? ''
    assert.deepEqual(problemsOf({ 'library.json': example }), [])
  })
})

describe('presets: chosen in the institution file', () => {
  const choose = (id: string) =>
    openPresets({ presetsDir: undefined }, { release: { presets: { 'https://sp.example/': id } } })

  it('must be there', () => {
    assert.throws(() => choose('eudoxos'), {
      message:
        /^INSTITUTION_FILE release\.presets\.https:\/\/sp\.example\/: there is no preset "eudoxos", expected one of none, academic-id/,
    })
    assert.doesNotThrow(() => choose('eudoxus'))
    assert.doesNotThrow(() => choose('none'))
  })
})
