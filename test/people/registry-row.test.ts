import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import { checkRegistryRow } from '../../src/people/registry-row.ts'
import { makeAmka, studentRow } from './support.ts'

const options = { scope: 'uni.example.gr', today: '2026-10-01' }
const check = (changes: RegistryRow) => checkRegistryRow(studentRow(changes), options)
const recordOf = (changes: RegistryRow) => {
  const checked = check(changes)
  assert.deepEqual(checked.problems, undefined)
  return checked.record!
}

describe('a registry row that is right', () => {
  it('becomes a record with every value in its stored form', () => {
    const amka = makeAmka('2003-05-17', 4321)
    const checked = check({ afm: 'EL 094259216', departmentNameEl: 'Τμήμα Πληροφορικής' })
    assert.deepEqual(checked.record, {
      role: {
        source: 'sis',
        sourceId: '1001',
        role: 'student',
        status: 'active',
        departmentCode: '1201',
        departmentName: { el: 'Τμήμα Πληροφορικής', en: 'Tmima Pliroforikis' },
        mobile: '+306900000001',
        email: 'dimitra@example.org',
      },
      username: 'dpapadopoulou',
      firstName: { el: 'Δήμητρα', en: 'Dimitra' },
      lastName: { el: 'Παπαδοπούλου', en: 'Papadopoulou' },
      birthDate: '2003-05-17',
      gender: 2,
      citizenship: 'GR',
      nationalNumbers: [{ country: 'GR', number: amka }],
      taxNumber: { country: 'GR', number: '094259216' },
    })
  })

  it('may lack username, birth date and number: activation will ask for them', () => {
    const record = recordOf({ username: '', birthDate: '', amka: '', gender: '' })
    assert.equal(record.username, undefined)
    assert.equal(record.birthDate, undefined)
    assert.deepEqual(record.nationalNumbers, [])
    assert.equal(record.gender, 0)
  })

  it('keeps the Latin spelling that the source gives', () => {
    assert.deepEqual(recordOf({ lastNameEn: 'Papadopoulou-Smith' }).lastName, {
      el: 'Παπαδοπούλου',
      en: 'Papadopoulou-Smith',
    })
  })

  it('is without characters that nobody sees, which spreadsheets and web pages leave', () => {
    const record = recordOf({
      firstNameEl: 'Δή\u00adμητρα\u200b',
      mobile: '\u202a+306900000001\u202c',
      registrationNumber: '\u200e2026\u200b0001\u2060',
      username: 'dpapadopoulou\ufeff',
    })
    assert.equal(record.firstName.el, 'Δήμητρα')
    assert.equal(record.role.mobile, '+306900000001')
    assert.equal(record.role.registrationNumber, '20260001')
    assert.equal(record.username, 'dpapadopoulou')
    // The key of the record stays what the source says.
    assert.equal(recordOf({ sourceId: '10\u200b01' }).role.sourceId, '10\u200b01')
  })

  it('has Greek letters where old systems write lookalikes, so that names match', () => {
    const record = recordOf({
      firstNameEl: 'Δή\u00b5ητρα',
      lastNameEl: '\u0384Αννινου-\u0384Ελλη',
      fatherNameEl: '\u03d1ω\u00b5άς',
    })
    assert.deepEqual(record.firstName, { el: 'Δήμητρα', en: 'Dimitra' })
    assert.deepEqual(record.lastName, { el: 'Άννινου-Έλλη', en: 'Anninou-Elli' })
    assert.equal(record.fatherName, 'θωμάς')
  })

  it('of a foreigner may have Latin names only, which then stand for both', () => {
    const record = recordOf({
      citizenship: 'DE',
      amka: '',
      ssnCountry: 'de',
      ssn: '65 170503-M-002',
      firstNameEl: '',
      lastNameEl: '',
      firstNameEn: 'Jürgen',
      lastNameEn: 'Muster',
    })
    assert.deepEqual(record.firstName, { el: 'Jürgen', en: 'Jürgen' })
    assert.deepEqual(record.nationalNumbers, [{ country: 'DE', number: '65170503M002' }])
  })

  it('may name GR as the country of its AMKA, in either column', () => {
    const amka = makeAmka('2003-05-17', 4321)
    const expected = [{ country: 'GR', number: amka }]
    assert.deepEqual(recordOf({ ssnCountry: 'GR' }).nationalNumbers, expected)
    assert.deepEqual(recordOf({ ssnCountry: 'GR', ssn: amka }).nationalNumbers, expected)
    assert.deepEqual(recordOf({ amka: '', ssnCountry: 'GR', ssn: amka }).nationalNumbers, expected)
  })

  it('may carry an AMKA and a number of another country, the European card included', () => {
    const numbers = recordOf({ ssnCountry: 'EU', ssn: '80300000000012345678' }).nationalNumbers
    assert.deepEqual(
      numbers.map(({ country }) => country),
      ['GR', 'EU'],
    )
  })
})

describe('what a registry row adds for services', () => {
  it('is the ORCID iD in one form, however the source writes it', () => {
    for (const orcid of [
      '0000-0002-1825-0097',
      'https://orcid.org/0000-0002-1825-0097',
      'http://www.orcid.org/0000-0002-1825-0097',
      '0000000218250097',
    ]) {
      assert.equal(recordOf({ orcid }).orcid, '0000-0002-1825-0097')
    }
    assert.equal(recordOf({ orcid: '0000-0002-1694-233x' }).orcid, '0000-0002-1694-233X')
  })

  it('is the day of the degree, also before it has come or after the studies have ended', () => {
    for (const graduatedOn of ['2026-09-30', '2027-07-01']) {
      const { role } = recordOf({ graduatedOn, validFrom: '2022-10-01', validTo: '2026-09-30' })
      assert.equal(role.graduatedOn, graduatedOn)
    }
  })

  it('is the kind of contract and the position', () => {
    const { role } = recordOf({ role: 'faculty', contractType: 'permanent', position: 'professor' })
    assert.equal(role.contractType, 'permanent')
    assert.equal(role.position, 'professor')
  })
})

describe('a registry row beside the table of departments', () => {
  const name = { el: 'Πληροφορικής', en: 'Informatics' }
  const departments = { '1201': { name, ministryCode: '9201' }, '1202': { name } }
  const reasons = (changes: RegistryRow) =>
    checkRegistryRow(studentRow(changes), { ...options, departments }).problems?.map(
      ({ column, reason }) => `${column} ${reason}`,
    )

  it('stays out when its Ministry code is not its department’s', () => {
    assert.deepEqual(reasons({ departmentCode: '1201', ministryCode: '9202' }), [
      'ministryCode MINISTRY_CODE_CONTRADICTS_DEPARTMENT',
    ])
  })

  it('goes in when it agrees, or one of the two has no code', () => {
    assert.equal(reasons({ departmentCode: '1201', ministryCode: '9201' }), undefined)
    assert.equal(reasons({ departmentCode: '1201' }), undefined)
    assert.equal(reasons({ departmentCode: '1202', ministryCode: '9999' }), undefined)
    assert.equal(reasons({ departmentCode: '9', ministryCode: '9999' }), undefined)
    assert.equal(reasons({ departmentCode: 'constructor', ministryCode: '9999' }), undefined)
  })
})

describe('a registry row that is wrong', () => {
  const cases: [changes: RegistryRow, column: string, reason: string][] = [
    [{ source: '' }, 'source', 'REQUIRED'],
    [{ source: 'a:b' }, 'source', 'NOT_ALLOWED'],
    [{ sourceId: ' ' }, 'sourceId', 'REQUIRED'],
    [{ role: '' }, 'role', 'REQUIRED'],
    [{ role: 'professor' }, 'role', 'NOT_ALLOWED'],
    [{ status: 'Active' }, 'status', 'NOT_ALLOWED'],
    [{ username: 'ab' }, 'username', 'USERNAME_PATTERN'],
    [{ username: 'Papadopoulou' }, 'username', 'USERNAME_PATTERN'],
    [{ username: 'παπαδοπουλου' }, 'username', 'USERNAME_PATTERN'],
    [{ username: 'a'.repeat(33) }, 'username', 'USERNAME_PATTERN'],
    [{ amka: '01013099999', birthDate: '' }, 'amka', 'AMKA_CHECK_DIGIT_WRONG'],
    [{ birthDate: '2003-05-18' }, 'amka', 'AMKA_BIRTH_DATE_MISMATCH'],
    [{ ssn: 'X1234' }, 'ssn', 'SSN_COUNTRY_REQUIRED'],
    [{ ssnCountry: 'XX', ssn: '12345' }, 'ssnCountry', 'COUNTRY_UNKNOWN'],
    [{ ssnCountry: 'DE', ssn: '1?' }, 'ssn', 'SSN_PATTERN'],
    [{ ssnCountry: 'GR', ssn: makeAmka('2003-05-17', 1) }, 'ssn', 'SSN_CONTRADICTS_AMKA'],
    [{ afm: '123456781' }, 'afm', 'AFM_CHECK_DIGIT_WRONG'],
    [{ afmCountry: 'DE', afm: '!' }, 'afm', 'AFM_PATTERN'],
    [{ afmCountry: 'EU', afm: '123456783' }, 'afmCountry', 'COUNTRY_UNKNOWN'],
    [{ firstNameEl: '' }, 'firstNameEl', 'GREEK_NAME_REQUIRED'],
    [{ citizenship: '', lastNameEl: '' }, 'lastNameEl', 'GREEK_NAME_REQUIRED'],
    [{ citizenship: 'DE', lastNameEl: '' }, 'lastNameEl', 'NAME_REQUIRED'],
    // The first letter is a Latin A.
    [{ firstNameEl: 'Aννα' }, 'firstNameEl', 'NAME_NOT_GREEK'],
    [{ firstNameEl: '---' }, 'firstNameEl', 'NAME_NOT_GREEK'],
    [{ firstNameEn: 'Δήμητρα' }, 'firstNameEn', 'NAME_NOT_LATIN'],
    [{ birthDate: '2003-02-29', amka: '' }, 'birthDate', 'DATE_INVALID'],
    [{ birthDate: '17/05/2003' }, 'birthDate', 'DATE_INVALID'],
    [{ birthDate: '2026-10-02', amka: '' }, 'birthDate', 'DATE_IN_FUTURE'],
    [{ gender: 'F' }, 'gender', 'NOT_ALLOWED'],
    [{ citizenship: 'Greece' }, 'citizenship', 'COUNTRY_UNKNOWN'],
    [{ mobile: '2101234567' }, 'mobile', 'MOBILE_NOT_E164'],
    [{ email: 'dimitra@' }, 'email', 'EMAIL_INVALID'],
    [{ email: 'dp@uni.example.gr' }, 'email', 'EMAIL_INSTITUTIONAL'],
    [{ email: 'dp@Mail.Uni.Example.GR' }, 'email', 'EMAIL_INSTITUTIONAL'],
    [{ ministryCode: 'abc' }, 'ministryCode', 'NOT_ALLOWED'],
    [{ departmentCode: '12:01' }, 'departmentCode', 'NOT_ALLOWED'],
    [{ degreeLevel: 'phd' }, 'degreeLevel', 'NOT_ALLOWED'],
    [{ inscriptionYear: '23' }, 'inscriptionYear', 'NOT_ALLOWED'],
    [{ validTo: '2026-13-01' }, 'validTo', 'DATE_INVALID'],
    [{ validFrom: '2026-01-02', validTo: '2026-01-01' }, 'validTo', 'DATE_BEFORE_VALID_FROM'],
    [{ graduatedOn: '2026-02-30' }, 'graduatedOn', 'DATE_INVALID'],
    [{ graduatedOn: '2020-07-01', role: 'staff' }, 'graduatedOn', 'NOT_FOR_THIS_ROLE'],
    [
      { graduatedOn: '2020-07-01', validFrom: '2020-10-01' },
      'graduatedOn',
      'DATE_BEFORE_VALID_FROM',
    ],
    [{ contractType: 'full time' }, 'contractType', 'COLON_OR_SPACE'],
    [{ position: 'dean:1' }, 'position', 'COLON_OR_SPACE'],
    [{ orcid: '0000-0002-1825-0098' }, 'orcid', 'ORCID_CHECK_CHARACTER_WRONG'],
    [{ orcid: '0000-0002-1825-009' }, 'orcid', 'ORCID_PATTERN'],
    [{ orcid: 'https://orcid.example/0000-0002-1825-0097' }, 'orcid', 'ORCID_PATTERN'],
    [{ registrationNumber: '1\n2' }, 'registrationNumber', 'CONTROL_CHARACTER'],
    [{ fatherNameEl: '\ufffd\ufffd' }, 'fatherNameEl', 'NOT_UTF8'],
    [{ sourceId: '1'.repeat(129) }, 'sourceId', 'TOO_LONG'],
  ]
  for (const [changes, column, reason] of cases) {
    it(`${JSON.stringify(changes).slice(0, 70)}: ${reason}`, () => {
      const { problems } = check(changes)
      assert.deepEqual(
        problems?.map((problem) => [problem.column, problem.reason]),
        [[column, reason]],
      )
    })
  }

  it('is told all its mistakes at once', () => {
    const { problems } = check({ role: 'x', gender: 'x', email: 'x' })
    assert.deepEqual(problems?.map(({ column }) => column).sort(), ['email', 'gender', 'role'])
  })

  it('is reported with national numbers masked, in whichever column they stand', () => {
    const { problems } = check({
      amka: '01013099999',
      afm: '123456781',
      role: '01013099997',
      ssnCountry: 'DE',
      ssn: '123456789!',
    })
    const shown = JSON.stringify(problems)
    for (const number of ['01013099999', '123456781', '01013099997', '123456789!']) {
      assert.ok(!shown.includes(number), shown)
    }
    assert.ok(shown.includes('"*********99"'))
  })

  it('does not mistake a subdomain lookalike for an institutional address', () => {
    assert.equal(recordOf({ email: 'a@notuni.example.gr' }).role.email, 'a@notuni.example.gr')
  })
})
