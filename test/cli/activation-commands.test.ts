import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { countStage } from '../../src/activation/funnel.ts'
import { normalizeReference } from '../../src/activation/helpdesk.ts'
import { activationCommand } from '../../src/cli/activation.ts'
import type { Account } from '../../src/people/account.ts'
import { findAccountByUsername } from '../../src/people/people-store.ts'
import { athensDate } from '../../src/people/person.ts'
import { issueRecoveryCode } from '../../src/people/recovery-code.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import { ActivationWalk, chosenPassword } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hiddenField } from '../support/http-client.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'
import { takeOutput } from './support.ts'

const dayMs = 86_400_000

describe('propylaia activation', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())

  const activation = (...args: string[]) => takeOutput(() => activationCommand(app.context, args))

  async function newStudent(change: RegistryRow = {}) {
    const row = studentRow(change) as Required<RegistryRow>
    await importRows(app, row)
    return { row, walk: new ActivationWalk(app) }
  }

  /** Nothing that the helpdesk must not read. */
  function assertNoSecrets(text: string, row: Required<RegistryRow>, pins: readonly string[]) {
    for (const secret of [row.mobile, row.email, row.amka, chosenPassword, 'hmac', 'sealed']) {
      if (secret !== '') assert.ok(!text.includes(secret), `shows ${secret}:\n${text}`)
    }
    for (const pin of pins) assert.doesNotMatch(text, new RegExp(`\\b${pin}\\b`))
  }

  it('show tells of an activation on its way: the page, the masked contact, the message, the tries', async () => {
    const { row, walk } = await newStudent()
    await walk.begin()
    const page = await walk.contact({ mobile: row.mobile, email: row.email })
    const reference = ActivationWalk.reference(page)
    const pin = await walk.lastPin(row.mobile)
    await walk.pin(pin === '000000' ? '000001' : '000000')

    const { code, out } = await activation('show', reference)
    assert.equal(code, 0)
    assert.match(out, new RegExp(`^reference +${reference}\n`))
    assert.match(out, /\nstate +can still go on\n/)
    assert.match(out, /\npage +pin\n/)
    assert.match(out, /\nrole +student\n/)
    assert.match(out, /\ncontact +\+30 69•+ \d\d, s•+@e•+\.org\n/)
    assert.match(out, /\nPIN good until +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 4 tries left\n/)
    assert.match(out, /sms to \+30 69•+ \d\d \(activation-pin\): sent, 1 try\n/)
    assert.match(out, /email to s•+@e•+\.org \(activation-pin\): sent, 1 try\n/)
    assert.match(out, /Chose the role: student\n/)
    assert.match(out, /A PIN was sent: sms, email\n/)
    assert.match(out, /Typed a wrong PIN: 4 tries left\n/)
    assertNoSecrets(out, row, [pin])
    // Who it is, nobody knows before the right PIN.
    assert.doesNotMatch(out, new RegExp(row.username))
    const json = (await activation('show', reference, '--json')).out
    assertNoSecrets(json, row, [pin])
    assert.equal(JSON.parse(json).state, 'open')
  })

  it('show takes the reference as people write it down', async () => {
    const { walk } = await newStudent()
    const reference = ActivationWalk.reference(await walk.begin())
    const [left, right] = reference.split('-') as [string, string]
    for (const typed of [
      reference.toLowerCase(),
      left + right,
      `${left} ${right}`.toLowerCase(),
      ` ${left}–${right} `,
    ]) {
      assert.equal(JSON.parse((await activation('show', typed, '--json')).out).reference, reference)
    }
    assert.equal(normalizeReference('κ7β-2χυ'), 'K7B-2XY')
  })

  it('show tells of a finished activation whose it was and how it went', async () => {
    const { row, walk } = await newStudent()
    await walk.begin()
    const reference = ActivationWalk.reference(await walk.contact({ mobile: row.mobile }))
    const pin = await walk.lastPin(row.mobile)
    await walk.pin(pin)
    await walk.agree({ consentEmail: 'yes' })
    await walk.password('short')
    await walk.password()
    const { out } = await activation('show', reference)
    assert.match(out, /\nstate +finished\n/)
    assert.match(out, new RegExp(`\nusername +${row.username}\n`))
    assert.match(out, /\nPIN proved +sms\n/)
    assert.match(out, /\nnumber checked +by the embedded registry\n/)
    assert.match(out, /Chose a password that the rules refuse/)
    assert.match(out, /Finished: the account or role is active\n$/)
    assertNoSecrets(out, row, [pin])
  })

  it('show says why an activation stopped, in the words of the page', async () => {
    const { row, walk } = await newStudent()
    await walk.begin()
    const reference = ActivationWalk.reference(await walk.contact({ mobile: row.mobile }))
    app.advance(16 * 60_000)
    await walk.pin('123456')
    const { out } = await activation('show', reference)
    app.advance(-16 * 60_000)
    assert.match(out, /\nstate +stopped: The PIN has expired \(ACTIVATION_PIN_EXPIRED\)\n/)
    assert.match(out, /The PIN had expired/)
  })

  it('show tells of contacts that nobody has, of a number that was wrong, of one started again', async () => {
    const { row, walk } = await newStudent({ amka: '' })
    await walk.begin()
    const reference = ActivationWalk.reference(await walk.contact({ mobile: '6900099999' }))
    assert.match(
      (await activation('show', reference)).out,
      /Gave a mobile or e-mail that no record of this role holds: mobile\n/,
    )
    await walk.begin()
    const { out } = await activation('show', reference)
    assert.match(out, /\nstate +ended: the person started again\n/)

    const page = await walk.contact({ mobile: row.mobile })
    const second = ActivationWalk.reference(page)
    assert.notEqual(second, reference)
    await walk.pin(await walk.lastPin(row.mobile))
    const amka = syntheticAmka('1990-01-01', 77)
    await walk.submit('/register/number', { amka })
    const shown = (await activation('show', second)).out
    assert.match(shown, /Gave a social security number: AMKA\n/)
    assert.match(shown, /The embedded AMKA registry was asked: the number is not registered\n/)
    assert.ok(!shown.includes(amka))
  })

  it('show finds a try with a passphrase on paper by the reference on its page', async () => {
    const { row, walk } = await newStudent()
    const page = await walk.client.get('/register/code')
    const answer = await walk.client.post('/register/code', {
      _csrf: hiddenField(page.body, '_csrf'),
      username: row.username,
      passphrase: 'aaaa-bbbb-cccc-dddd',
      password: chosenPassword,
      passwordRepeat: chosenPassword,
      terms: 'yes',
    })
    const reference = ActivationWalk.reference(answer)
    await app.context.audit.close()
    const { out, code } = await activation('show', reference.toLowerCase())
    assert.equal(code, 0)
    assert.match(out, new RegExp(`username +${row.username}\n`))
    assert.match(out, /result +The account has no passphrase: none was issued, or it was used\.\n/)
    assert.doesNotMatch(out, /aaaa/)
  })

  it('show says when there is no such reference', async () => {
    const { code, err } = await activation('show', 'AAA-AAA')
    assert.equal(code, 1)
    assert.match(err, /no activation has the reference "AAA-AAA"/)
  })

  it('list names the activations of one person, the newest first', async () => {
    const { row, walk } = await newStudent()
    const first = ActivationWalk.reference(await walk.toReview({ mobile: row.mobile }))
    app.advance(61_000)
    await walk.toReview({ mobile: row.mobile })
    await walk.agree()
    await walk.password()
    const { out } = await activation('list', row.username.toUpperCase())
    const [head, newest, oldest] = out.split('\n') as [string, string, string]
    assert.equal(head, `${row.username}: active`)
    assert.match(newest, /student: finished$/)
    assert.match(oldest, new RegExp(`^${first} .*student: ended: the person started again`))
    assert.equal(
      JSON.parse((await activation('list', row.username, '--json')).out).attempts.length,
      2,
    )
    assertNoSecrets(out, row, [])

    const other = await newStudent()
    const { _id } = (await findAccountByUsername(other.row.username)) as Account
    await issueRecoveryCode(app.context, _id, { days: 3 })
    assert.match(
      (await activation('list', other.row.username)).out,
      /: pending; passphrase on paper until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 5 tries left\n/,
    )
    assert.match(
      (await activation('list', other.row.username)).out,
      /No activation has come as far/,
    )
    assert.equal((await activation('list', 'nobody')).code, 1)
  })

  it('funnel counts by day and role, the newest first, as far back as asked', async () => {
    const now = app.context.now()
    const old = new Date(now.getTime() - 10 * dayMs)
    for (let count = 0; count < 3; count++) await countStage('started', 'affiliate', old)
    await countStage('done', 'affiliate', old)
    const { out } = await activation('funnel')
    const [header, ...rows] = out.trimEnd().split('\n') as [string, ...string[]]
    assert.match(
      header,
      /^day +role +started +pinSent +pinRight +numberChecked +agreed +done +donePaper$/,
    )
    assert.match(rows[0]!, new RegExp(`^${athensDate(now)} +student( +\\d+){7}$`))
    assert.match(rows.at(-2)!, new RegExp(`^${athensDate(old)} +affiliate +3 +0 +0 +0 +0 +1 +0$`))
    assert.match(rows.at(-1)!, /^all( +\d+){7}$/)
    const recent = JSON.parse((await activation('funnel', '--days', '10', '--json')).out)
    assert.equal(recent.since, athensDate(new Date(now.getTime() - 9 * dayMs)))
    assert.ok(recent.rows.every(({ role }: { role: string }) => role === 'student'))
    app.advance(400 * dayMs)
    assert.match((await activation('funnel', '--days', '1')).out, /^No activation since /)
    app.advance(-400 * dayMs)
  })

  it('says what is wrong with its arguments', async () => {
    const wrong = [
      [],
      ['show'],
      ['show', 'A', 'B'],
      ['funnel', 'x'],
      ['funnel', '--days', '0'],
      ['funnel', '--days', 'x'],
      ['show', 'AAA-AAA', '--days', '3'],
      ['delete', 'AAA-AAA'],
    ]
    for (const args of wrong) assert.equal((await activation(...args)).code, 2, args.join(' '))
  })
})
