import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { people } from '../../src/people/people-store.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { makeAmka } from '../people/support.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'

/** Synthetic, as everything here. */
const amka = makeAmka('2007-03-12', 9876)
const taxNumber = '123456783'
const academicId = 'synthetic-academic-id-4711'
const path = '/account/information'

describe('Account information', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  const studentRole = (change: Partial<PersonRole> = {}): PersonRole => ({
    source: 'sis',
    sourceId: `s-${Math.random()}`,
    role: 'student',
    status: 'active',
    departmentCode: '101',
    departmentName: { el: 'Τμήμα Πληροφορικής', en: 'Department of Informatics' },
    registrationNumber: '20250113',
    degreeLevel: 'bachelor',
    mobile: '+306900012345',
    email: 'dimitra@example.org',
    ...change,
  })

  async function newVisitor(change: Parameters<typeof addPerson>[0] = {}) {
    const { secrets } = app.context
    const number = makeAmka('2007-03-12', Math.floor(Math.random() * 9000))
    const { account, person } = await addPerson({
      ...change,
      person: {
        nationalNumbers: [sealNationalNumber(secrets, 'GR', number)],
        roles: [studentRole()],
        ...change.person,
      },
    })
    const walk = new AccountWalk(app)
    return { account, person, walk, open: () => walk.signIn(account.username, testPassword, path) }
  }

  it('asks for the sign-in first', async () => {
    const answer = await new AccountWalk(app).client.get(path)
    assert.equal(answer.status, 303)
    assert.match(answer.headers.location ?? '', /^\/login\?flow=/)
  })

  it('tells who I am, and shows of my numbers the end only, never the AcademicID', async () => {
    const { secrets } = app.context
    const { open, account } = await newVisitor({
      person: {
        nationalNumbers: [
          sealNationalNumber(secrets, 'GR', amka),
          sealNationalNumber(secrets, 'CY', '770099881'),
        ],
        taxNumber: sealNationalNumber(secrets, 'GR', taxNumber),
        academicId,
        fatherName: 'Γεώργιος',
        citizenship: ['GR', 'CY'],
        orcid: '0000-0002-1825-0097',
      },
    })
    const { body, status } = await open()
    assert.equal(status, 200)
    for (const shown of [
      'Δήμητρα Παπαδοπούλου',
      'Dimitra Papadopoulou',
      'Γεώργιος',
      '12 Μαρτίου 2007',
      'Γυναίκα',
      'Ελλάδα, Κύπρος',
      '0000-0002-1825-0097',
      `${account.username}@`,
      `τελειώνει σε ${amka.slice(-2)}`,
      'τελειώνει σε 81',
      'τελειώνει σε 83',
    ])
      assert.ok(body.includes(shown), shown)
    for (const hidden of [amka, amka.slice(0, 6), '770099881', taxNumber, academicId])
      assert.ok(!body.includes(hidden), hidden)
  })

  it('tells each role with department, state and whom to ask for a correction', async () => {
    const { open } = await newVisitor({
      account: { activatedRoles: ['student'] },
      person: {
        roles: [
          studentRole({ validFrom: '2025-09-01', inscriptionYear: '2025' }),
          studentRole({
            source: 'hr',
            role: 'staff',
            degreeLevel: undefined,
            departmentName: undefined,
            position: 'archivist',
            contractType: 'permanent',
          }),
          studentRole({ status: 'ended', degreeLevel: 'master', graduatedOn: '2025-07-10' }),
        ],
      },
    })
    const { body } = await open()
    const cards = body.split('<article').slice(1)
    assert.equal(cards.length, 3)
    assert.match(
      cards[0]!,
      /Προπτυχιακές σπουδές[\s\S]*Σε ισχύ[\s\S]*Τμήμα Πληροφορικής[\s\S]*20250113/,
    )
    assert.match(cards[0]!, /1 Σεπτεμβρίου 2025/)
    assert.match(cards[0]!, /class="keeper"[\s\S]*Γραμματεία/)
    assert.match(cards[1]!, /Προσωπικό[\s\S]*Δεν έχει ενεργοποιηθεί[\s\S]*href="\/register"/)
    assert.match(cards[1]!, /Θέση[\s\S]*archivist[\s\S]*Είδος σύμβασης[\s\S]*permanent/)
    assert.match(cards[2]!, /Μεταπτυχιακές σπουδές[\s\S]*Έχει λήξει/)
    assert.match(cards[2]!, /Ημερομηνία αποφοίτησης[\s\S]*10 Ιουλίου 2025/)
  })

  it('shows recovery contacts and those of the sources masked: recovery asks for them in full', async () => {
    const { open } = await newVisitor({
      account: {
        mobile: '+306900077788',
        mobileConsentAt: new Date('2026-10-01T08:00:00Z'),
        email: 'own.address@example.net',
      },
    })
    const { body } = await open()
    for (const hidden of [
      '6900077788',
      'own.address@example.net',
      '6900012345',
      'dimitra@example.org',
    ])
      assert.ok(!body.includes(hidden), hidden)
    assert.match(body, /\+30 69•+ 88/)
    assert.match(body, /\+30 69•+ 45/)
    assert.match(body, /Με τη συγκατάθεσή σας από τις 1 Οκτωβρίου 2026/)
  })

  it('tells when and how the account was activated, and how old the password is', async () => {
    const dayMs = 86_400_000
    const activation = { way: 'pin', proven: ['sms'], reference: 'K7F-2QX' } as const
    const { open } = await newVisitor({
      account: {
        activation,
        activatedAt: new Date('2026-09-05T21:30:00Z'),
        passwordChangedAt: new Date(app.context.now().getTime() - 34.5 * dayMs),
        acceptedTerms: {
          terms: '2026-09-01',
          privacy: 'unversioned',
          acceptedAt: new Date('2026-09-05T21:29:00Z'),
        },
      },
    })
    const { body } = await open()
    // Half past nine in the evening, UTC, is the next day in Greece.
    assert.match(body, /6 Σεπτεμβρίου 2026/)
    assert.match(body, /Με κωδικό PIN στο κινητό σας/)
    assert.match(body, /K7F-2QX/)
    assert.match(body, /Πριν από 34 ημέρες/)
    assert.match(body, /Όροι Χρήσης, έκδοση 2026-09-01/)
    assert.doesNotMatch(body, /unversioned/)
  })

  it('points out where one source says something else than the others', async () => {
    const role = studentRole()
    const { open, person } = await newVisitor({ person: { roles: [role] } })
    const record = {
      key: `${role.source}:${role.sourceId}`,
      firstName: { el: 'Δήμητρα', en: 'Dimitra' },
      lastName: { el: 'Παπαδοπούλου', en: 'Papadopoulou' },
      birthDate: '2007-12-03',
      gender: 2,
      numberHmacs: [],
    }
    await people().updateOne({ _id: person._id }, { $set: { records: [record] } } as never)
    const { body } = await open()
    assert.match(body, /δηλώνει κάτι διαφορετικό/)
    assert.match(body, /Ημερομηνία γέννησης: <b>3 Δεκεμβρίου 2007<\/b>/)
    assert.doesNotMatch(body, /Φύλο: <b>/)
  })

  it('speaks English too', async () => {
    const { open, walk } = await newVisitor()
    await open()
    const { body } = await walk.open(`${path}?lang=en`)
    for (const shown of ['Dimitra Papadopoulou', 'Department of Informatics', '12 March 2007'])
      assert.ok(body.includes(shown), shown)
  })

  it('shows what a hostile source wrote as text', async () => {
    const hostile = '"><script>alert(1)</script>'
    const { open } = await newVisitor({
      person: {
        lastName: { el: hostile, en: hostile },
        fatherName: hostile,
        roles: [
          studentRole({
            departmentName: { el: hostile, en: hostile },
            registrationNumber: hostile,
          }),
        ],
      },
    })
    const { body, status } = await open()
    assert.equal(status, 200)
    assert.ok(!body.includes('<script>alert'))
    assert.ok(body.includes('&lt;script&gt;alert(1)'))
  })
})
