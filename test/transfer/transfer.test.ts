import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import { ActivationWalk } from '../support/activation-walk.ts'
import type { HttpClient } from '../support/http-client.ts'
import { studentRow, syntheticAmka } from '../support/registrant.ts'
import { type Federation, startFederation, type University } from './institutions.ts'
import { nationalService } from './national-service.ts'

describe('A student moves to another university (real processes, one AcademicID registry)', () => {
  let federation: Federation
  let athens: University
  let patras: University
  const folder = mkdtempSync(join(tmpdir(), 'propylaia-transfer-service-'))

  before(async () => {
    federation = await startFederation('athens.example.gr', 'patras.example.gr')
    ;[athens, patras] = federation.universities as [University, University]
    const metadata = join(folder, 'national-service.xml')
    writeFileSync(metadata, nationalService.metadata)
    for (const university of federation.universities) {
      await university.run('sp', 'add', metadata, '--approve')
    }
  })
  after(async () => {
    await federation?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Secretariat's record, then the pages of the activation; the browser is signed in afterwards. */
  async function activateAt(university: University, row: RegistryRow): Promise<HttpClient> {
    await university.importRows(row)
    const walk = new ActivationWalk(university)
    const page = await walk.activate({ mobile: row.mobile as string })
    assert.equal(page.status, 200, page.body.slice(0, 1000))
    // The id follows by itself; this command comes back when it is there.
    await university.run('academicid', 'allocate', '--all')
    return walk.client
  }

  it('the service knows the person again: same AcademicID, another eduPersonPrincipalName', async () => {
    const amka = syntheticAmka('2006-05-14')
    const before = studentRow({ amka, birthDate: '2006-05-14', username: 'a2024113' })
    const atAthens = await activateAt(athens, before)
    const first = await nationalService.arrive(athens, atAthens)
    assert.match(first.academicId ?? '', /^[0-9a-f]{32}$/)
    assert.equal(first.principalName, 'a2024113@athens.example.gr')
    assert.deepEqual(first.scopedAffiliations, [
      'member@athens.example.gr',
      'student@athens.example.gr',
    ])

    // The transfer: Athens strikes her off, Patras enters her with a username of its own.
    await athens.importRows({ ...before, status: 'ended' })
    const moved = studentRow({ amka, birthDate: '2006-05-14', username: 'up1099' })
    const atPatras = await activateAt(patras, moved)
    const second = await nationalService.arrive(patras, atPatras)
    assert.equal(second.academicId, first.academicId)
    assert.equal(second.principalName, 'up1099@patras.example.gr')
    assert.deepEqual(second.scopedAffiliations, [
      'member@patras.example.gr',
      'student@patras.example.gr',
    ])

    // Her session at Athens still runs, but she is no student there any more.
    const left = await nationalService.arrive(athens, atAthens)
    assert.equal(left.academicId, first.academicId)
    assert.equal(left.principalName, 'a2024113@athens.example.gr')
    assert.deepEqual(left.scopedAffiliations, [])
  })

  it('a number of another country carries the id too, and the AMKA that is issued later joins it', async () => {
    const birthDate = '2003-11-02'
    const foreign = { ssnCountry: 'DE', ssn: 'SYNTHETIC65110203' }
    const erasmus = studentRow({
      ...foreign,
      amka: '',
      birthDate,
      username: 'exchange7',
      citizenship: 'DE',
    })
    const first = await nationalService.arrive(athens, await activateAt(athens, erasmus))

    const amka = syntheticAmka(birthDate)
    const enrolled = studentRow({ ...foreign, amka, birthDate, username: 'up2207' })
    const second = await nationalService.arrive(patras, await activateAt(patras, enrolled))
    assert.equal(second.academicId, first.academicId)

    // A third record elsewhere knows the AMKA alone.
    await athens.importRows({ ...erasmus, amka })
    await athens.run('academicid', 'allocate', '--all')
    const { conflicts } = await athens.json<{ conflicts: number }>('academicid', 'status')
    assert.equal(conflicts, 0)
  })

  it('two people never get the same id', async () => {
    const rows = ['2005-01-20', '2005-01-20'].map((birthDate, index) =>
      studentRow({ birthDate, username: `twin${index}` }),
    )
    const ids: (string | undefined)[] = []
    for (const row of rows) {
      ids.push((await nationalService.arrive(athens, await activateAt(athens, row))).academicId)
    }
    assert.ok(ids[0] && ids[1])
    assert.notEqual(ids[0], ids[1])
  })
})
