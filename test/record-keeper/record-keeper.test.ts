import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Institution } from '../../src/institution.ts'
import { roleChoices } from '../../src/people/role-choice.ts'
import { recordKeeperFor } from '../../src/record-keeper/record-keeper.ts'
import { viewsDir } from '../../src/web/render.ts'
import { loadTranslations } from '../../src/web/translate.ts'

const translations = loadTranslations(viewsDir, { strict: true })
const technicalContact = { givenName: 'NOC', email: 'noc@uni.example.gr' }

const keepers: Institution['recordKeepers'] = {
  student: { name: { el: 'Γραμματείες', en: 'Secretariats' }, phone: '+30 210 000 0001' },
  departments: {
    INF: {
      name: { el: 'Γραμματεία Πληροφορικής', en: 'Secretariat' },
      email: 'inf@uni.example.gr',
    },
  },
}

function keeperOf(
  role: (typeof roleChoices)[number],
  departmentCode?: string,
  recordKeepers?: Institution['recordKeepers'],
) {
  const institution = { technicalContact, ...(recordKeepers && { recordKeepers }) }
  return recordKeeperFor(institution, role, departmentCode, 'el', translations.el)
}

describe('whom somebody asks to correct their record', () => {
  it("is their department's Secretariat for a student, when the institution names it", () => {
    assert.deepEqual(keeperOf('student', 'INF', keepers), {
      name: 'Γραμματεία Πληροφορικής',
      email: 'inf@uni.example.gr',
    })
  })

  it("is the role's office when the department is unknown or has no entry", () => {
    const office = { name: 'Γραμματείες', phone: '+30 210 000 0001' }
    for (const departmentCode of [undefined, 'MATH', 'constructor', '__proto__', '']) {
      assert.deepEqual(keeperOf('student', departmentCode, keepers), office)
    }
  })

  it('is never a Secretariat for staff, whatever their department', () => {
    assert.deepEqual(keeperOf('staff', 'INF', keepers), { name: 'Διεύθυνση Προσωπικού' })
  })

  it('is named in general when the institution names nobody', () => {
    assert.deepEqual(
      roleChoices.map((role) => keeperOf(role, 'INF')),
      [
        { name: 'Γραμματεία του Τμήματός σας' },
        { name: 'Διεύθυνση Προσωπικού' },
        { name: 'Κέντρο Διαχείρισης Δικτύου', email: 'noc@uni.example.gr' },
      ],
    )
  })

  it("speaks the page's language", () => {
    const institution = { technicalContact, ...(keepers && { recordKeepers: keepers }) }
    const ask = (role: 'student' | 'staff') =>
      recordKeeperFor(institution, role, undefined, 'en', translations.en).name
    assert.deepEqual([ask('student'), ask('staff')], ['Secretariats', 'Human Resources'])
  })
})
