import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { openRegistryFile, type ReadRow } from '../../src/people/registry-reader.ts'

const folder = mkdtempSync(join(tmpdir(), 'propylaia-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

async function read(content: string | Buffer, name = 'file.csv') {
  const path = join(folder, name)
  writeFileSync(path, content)
  const file = await openRegistryFile(path)
  const rows: ReadRow[] = []
  for await (const row of file.rows) rows.push(row)
  return { rows, file }
}

const expected = [
  { line: 2, row: { source: 'sis', sourceId: '1', role: 'student', lastNameEl: 'Άλφα' } },
  { line: 3, row: { source: 'sis', sourceId: '2', role: 'staff', lastNameEl: '' } },
]
const csv = 'source,sourceId,role,lastNameEl\nsis,1,student,Άλφα\nsis,2,staff,\n'

describe('registry files', () => {
  it('are CSV with or without BOM, with any line end and delimiter a spreadsheet writes', async () => {
    for (const text of [
      csv,
      `\ufeff${csv}`,
      csv.replaceAll('\n', '\r\n'),
      csv.replaceAll(',', ';'),
      csv.replaceAll(',', '\t'),
      csv.trimEnd(),
    ]) {
      assert.deepEqual((await read(text)).rows, expected)
    }
  })

  it('are JSON Lines with the same names, by extension or content', async () => {
    const lines =
      '{"source":"sis","sourceId":1,"role":"student","lastNameEl":"Άλφα"}\n\n{"source":"sis","sourceId":"2","role":"staff","lastNameEl":null}\n'
    for (const name of ['file.jsonl', 'file.txt']) {
      const { rows } = await read(`\ufeff${lines}`, name)
      assert.deepEqual(rows, [
        expected[0] && { ...expected[0], line: 1 },
        { line: 3, row: { source: 'sis', sourceId: '2', role: 'staff' } },
      ])
    }
  })

  it('may quote values, with delimiters and quotes inside', async () => {
    const { rows } = await read(
      'source,"sourceId",role,departmentNameEl\nsis,1,"student","Α, ""Β"""\n',
    )
    assert.equal(rows[0]?.row?.departmentNameEl, 'Α, "Β"')
  })

  it('may have empty lines and rows of delimiters only', async () => {
    const { rows } = await read('source,sourceId,role\n\n,,\nsis,1,student\n\n')
    assert.deepEqual(
      rows.map(({ line }) => line),
      [4],
    )
  })

  it('name their unknown columns', async () => {
    const { file } = await read(csv.replace('lastNameEl', 'lastnameel'))
    assert.deepEqual([...file.unknownColumns], ['lastnameel'])
  })

  it('report rows that cannot be read, with their line, and go on', async () => {
    const { rows } = await read(
      'source,sourceId,role\nsis,1\nsis,2,student,x,y\nsis,"3"x,student\nsis,4,student\n',
    )
    assert.deepEqual(
      rows.map(({ line, unreadable }) => [line, unreadable]),
      [
        [2, 'CSV_FIELD_COUNT'],
        [3, 'CSV_FIELD_COUNT'],
        [4, 'CSV_QUOTES'],
        [5, undefined],
      ],
    )
    const json = await read('{"source":"a"\n[1]\n{"source":{}}\n{"source":"a"}\n', 'bad.jsonl')
    assert.deepEqual(
      json.rows.map(({ unreadable }) => unreadable),
      ['JSON_INVALID', 'JSON_NOT_AN_OBJECT', 'JSON_VALUE_NOT_TEXT', undefined],
    )
  })

  it('are refused as a whole when empty, not UTF-8, without the key columns, or not there', async () => {
    const fileError = { name: 'RegistryFileError' }
    await assert.rejects(read(''), fileError)
    await assert.rejects(read('source,role\nsis,student\n'), { message: /lacks sourceId/ })
    await assert.rejects(read('source,sourceId,role,role\n'), { message: /"role" twice/ })
    await assert.rejects(read(Buffer.from(`\ufeff${csv}`, 'utf16le')), { message: /UTF-8/ })
    await assert.rejects(openRegistryFile(join(folder, 'missing.csv')), fileError)
  })

  it('lose only the row whose quote is not closed, or that breaks inside quotes', async () => {
    const { rows } = await read(
      'source,sourceId,role\nsis,"1,student\nsis,"2\n2",student\nsis,3,student\n',
    )
    assert.deepEqual(
      rows.map(({ unreadable }) => unreadable),
      ['CSV_QUOTES', 'CSV_QUOTES', 'CSV_QUOTES', undefined],
    )
  })

  it('are refused when a line never ends', async () => {
    await assert.rejects(read(`source,sourceId,role\n${'x'.repeat(200_000)}`), {
      name: 'RegistryFileError',
      message: /longer/,
    })
  })
})
