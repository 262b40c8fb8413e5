import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { personKey } from '../../src/academicid/person-key.ts'
import { sharedRegistry } from '../../src/academicid/shared-registry.ts'
import { type RegistryProcess, startRegistryProcess } from '../support/academicid-server.ts'
import { studentRow, syntheticAmka } from '../support/registrant.ts'
import { type Institution, openInstitution } from './institutions.ts'

const birthDate = '2004-06-01'
const newKey = () => randomBytes(32)
const hex = (...keys: Buffer[]) => keys.map((key) => key.toString('hex')).join(',')
const student = (username: string, amka = syntheticAmka(birthDate)) =>
  studentRow({ username, amka, birthDate, sourceId: `S-${username}` })

interface Status {
  allocated: number
  waiting: number
  conflicts: number
  sharedKeys: string[]
}

describe('The shared key of a registry is changed (two institutions, the phases of the manual)', () => {
  let registry: RegistryProcess
  let athens: Institution
  let patras: Institution
  let registryToken: string
  before(async () => {
    registry = await startRegistryProcess()
    registryToken = await registry.addToken('test')
    athens = openInstitution('athens.example.gr')
    patras = openInstitution('patras.example.gr')
    for (const [name, institution] of Object.entries({ athens, patras })) {
      institution.set({
        ACADEMICID_URL: registry.url,
        ACADEMICID_TOKEN: await registry.addToken(name),
      })
    }
  })
  after(async () => {
    athens?.close()
    patras?.close()
    await registry?.stop()
  })

  const [oldKey, nextKey] = [newKey(), newKey()]
  const idUnder = async (key: Buffer, amka: string) =>
    (
      await sharedRegistry({ url: registry.url, token: registryToken }).get(
        personKey(key, 'GR', amka),
      )
    )?.academicId

  const allocate = (institution: Institution) => institution.run('allocate', '--all')

  it('keeps every id through every phase, also of people who move between two phases', async () => {
    const amkas: Record<string, string> = {}
    const ids: Record<string, string> = {}
    const enter = async (institution: Institution, name: string, moves?: string) => {
      const amka = moves === undefined ? syntheticAmka(birthDate) : (amkas[moves] as string)
      await institution.activate(student(name, amka))
      assert.equal((await allocate(institution)).code, 0)
      amkas[name] = amka
      const id = (await idUnder(oldKey, amka)) ?? (await idUnder(nextKey, amka))
      assert.ok(id, `${name} has no id`)
      ids[name] = id
      if (moves !== undefined) assert.equal(id, ids[moves], `${name} got a second id`)
    }

    // Before: one key.
    athens.set({ ACADEMICID_SHARED_KEYS: hex(oldKey) })
    patras.set({ ACADEMICID_SHARED_KEYS: hex(oldKey) })
    await enter(athens, 'anna1')
    await enter(athens, 'anna2')

    // Phase 1: the new key is known behind the old one, first at Patras.
    patras.set({ ACADEMICID_SHARED_KEYS: hex(oldKey, nextKey) })
    await enter(patras, 'petros1', 'anna1')
    await enter(patras, 'petros2')
    await enter(athens, 'anna3', 'petros2')
    athens.set({ ACADEMICID_SHARED_KEYS: hex(oldKey, nextKey) })

    // Phase 2: the new key is in use, first at Athens.
    athens.set({ ACADEMICID_SHARED_KEYS: hex(nextKey, oldKey) })
    await enter(athens, 'anna4')
    await enter(patras, 'petros3', 'anna4')
    await enter(patras, 'petros4')
    patras.set({ ACADEMICID_SHARED_KEYS: hex(nextKey, oldKey) })

    // Too early: people would not be found any more, so nothing starts.
    athens.set({ ACADEMICID_SHARED_KEYS: hex(nextKey) })
    const refused = await athens.run('status')
    assert.equal(refused.code, 1)
    assert.match(refused.output, /ACADEMICID_SHARED_KEYS: .*fingerprint.*rekey/s)
    assert.ok(!refused.output.includes(nextKey.toString('hex')))
    athens.set({ ACADEMICID_SHARED_KEYS: hex(nextKey, oldKey) })

    // Phase 3: everybody is registered under the new key. Twice is as good as once.
    for (const institution of [athens, patras, athens]) {
      const done = await institution.json<{ isComplete: boolean }>('rekey')
      assert.equal(done.isComplete, true)
    }
    for (const [name, amka] of Object.entries(amkas)) {
      assert.equal(await idUnder(nextKey, amka), ids[name], name)
    }

    // Phase 4: the old key goes, first at Athens.
    athens.set({ ACADEMICID_SHARED_KEYS: hex(nextKey) })
    await enter(athens, 'anna5', 'petros4')
    patras.set({ ACADEMICID_SHARED_KEYS: hex(nextKey) })
    await enter(patras, 'petros5', 'anna2')
    for (const institution of [athens, patras]) {
      const report = await institution.json<Record<string, number>>('sync')
      assert.deepEqual([report.changed, report.missing, report.conflict], [0, 0, 0])
      const { conflicts } = await institution.json<Status>('status')
      assert.equal(conflicts, 0)
    }
  })

  it('is refused with a key that nobody is registered under', async () => {
    athens.set({ ACADEMICID_SHARED_KEYS: hex(newKey()) })
    const { code, output } = await athens.run('status')
    assert.equal(code, 1)
    assert.match(output, /would get a second AcademicID/)
    athens.set({ ACADEMICID_SHARED_KEYS: hex(nextKey) })
  })
})

describe('An institution moves from its own registry to a shared one', () => {
  let registry: RegistryProcess
  let athens: Institution
  before(async () => {
    registry = await startRegistryProcess()
    athens = openInstitution('athens.example.gr')
  })
  after(async () => {
    athens?.close()
    await registry?.stop()
  })

  it('and everybody keeps the id, as the manual says it', async () => {
    const sharedKey = newKey()
    const rows = [student('maria1'), student('maria2'), { ...student('maria3'), amka: '' }]
    for (const row of rows) await athens.activate(row)
    await athens.json('allocate', '--all')
    const file = athens.file('ids.jsonl')
    const early = await athens.run('export', file)
    assert.equal(early.code, 1)
    assert.match(early.output, /ACADEMICID_SHARED_KEYS is not set/)

    // 1. The shared key, still with the own registry: the old secret goes on counting.
    athens.set({ ACADEMICID_SHARED_KEYS: hex(sharedKey) })
    const { sharedKeys } = await athens.json<Status>('status')
    assert.equal(sharedKeys.length, 2)
    // Too early for the shared registry.
    const token = await registry.addToken('athens')
    athens.set({ ACADEMICID_URL: registry.url, ACADEMICID_TOKEN: token })
    assert.match((await athens.run('status')).output, /rekey/)
    athens.set({ ACADEMICID_URL: undefined, ACADEMICID_TOKEN: undefined })

    // 2. Everybody under the shared key.  3. Export, import.
    await athens.json('rekey')
    const exported = await athens.json<{ keys: number }>('export', file)
    assert.equal(exported.keys, 3)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const text = readFileSync(file, 'utf8')
    for (const { amka } of rows) assert.ok(!amka || !text.includes(amka))
    assert.equal((await athens.run('export', file)).code, 1)
    const imported = await registry.run('import', file, '--json')
    assert.equal(imported.code, 0, imported.output)
    assert.equal(JSON.parse(imported.output).imported, 3)
    const again = JSON.parse((await registry.run('import', file, '--json')).output)
    assert.deepEqual([again.imported, again.unchanged], [0, 3])

    // 4. The shared registry.
    athens.set({ ACADEMICID_URL: registry.url, ACADEMICID_TOKEN: token })
    const report = await athens.json<Record<string, number>>('sync')
    assert.deepEqual([report.unchanged, report.changed, report.missing], [3, 0, 0])
    // Somebody whose AMKA comes only now keeps the id too.
    await athens.importRows({ ...(rows[2] as object), amka: syntheticAmka(birthDate) })
    await athens.json('allocate', '--all')
    const { conflicts, waiting } = await athens.json<Status>('status')
    assert.deepEqual([conflicts, waiting], [0, 0])
  })

  it('takes along no number that leads to somebody else’s id', async () => {
    const lamia = openInstitution('lamia.example.gr')
    const sharedKey = newKey()
    const [right, wrong] = ['DE-2004-77', 'DE-2004-78']
    const german = (ssn: string) => ({ ssnCountry: 'DE', ssn })
    const [nina, otto] = [student('nina1'), student('otto1', '')]
    try {
      await lamia.activate(nina)
      await lamia.activate({ ...otto, ...german(wrong) })
      await lamia.json('allocate', '--all')
      // The number that was wrong for Otto comes into Nina's record.
      await lamia.importRows({ ...otto, ...german(right) })
      await lamia.importRows({ ...nina, ...german(wrong) })
      await lamia.run('allocate', '--all')
      assert.equal((await lamia.json<Status>('status')).conflicts, 1)

      lamia.set({ ACADEMICID_SHARED_KEYS: hex(sharedKey) })
      await lamia.run('rekey')
      const file = lamia.file('ids.jsonl')
      assert.equal((await lamia.json<{ keys: number }>('export', file)).keys, 2)
      assert.ok(!readFileSync(file, 'utf8').includes(personKey(sharedKey, 'DE', wrong)))
    } finally {
      lamia.close()
    }
  })

  it('says which lines the shared registry has otherwise, and changes no id there', async () => {
    const file = athens.file('others.jsonl')
    const [first] = readFileSync(athens.file('ids.jsonl'), 'utf8').split('\n')
    const { key, academicId } = JSON.parse(first as string)
    const lines = [
      JSON.stringify({ key, academicId: 'ab'.repeat(16) }),
      '{"key":"short"}',
      JSON.stringify({ key: newKey().toString('base64url'), academicId: 'cd'.repeat(16) }),
    ]
    writeFileSync(file, lines.join('\n'))
    const { code, output } = await registry.run('import', file, '--json')
    assert.equal(code, 1)
    const report = JSON.parse(output)
    assert.deepEqual(report.problems, [
      { line: 2, reason: 'MALFORMED' },
      { line: 1, reason: 'CONFLICT' },
    ])
    assert.equal(report.imported, 1)
    // The other id is nowhere in the registry, so there is nothing to merge.
    const { output: text } = await registry.run('import', file)
    assert.match(text, /line 1: the key has another id already, which stays.*sync.*\(CONFLICT\)/)
    const token = await registry.addToken('test')
    const found = await sharedRegistry({ url: registry.url, token }).get(key)
    assert.equal(found?.academicId, academicId)
  })
})
