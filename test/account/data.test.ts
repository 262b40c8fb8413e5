import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DeletionRequestModel } from '../../src/account/deletion-request-model.ts'
import { AttemptModel } from '../../src/activation/attempt-model.ts'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { accountCommand } from '../../src/cli/account.ts'
import type { CliContext } from '../../src/cli/cli-context.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { accounts } from '../../src/people/people-store.ts'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { takeOutput } from '../cli/support.ts'
import { makeAmka } from '../people/support.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'

const path = '/account/data'
const minuteMs = 60_000

describe('My data', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
  })
  after(() => app.close())

  async function newVisitor(change: Parameters<typeof addPerson>[0] = {}) {
    const amka = makeAmka('2007-03-12', Math.floor(Math.random() * 9000))
    const nationalNumbers = [sealNationalNumber(app.context.secrets, 'GR', amka)]
    const { account, person } = await addPerson({
      ...change,
      person: { nationalNumbers, ...change.person },
    })
    const walk = new AccountWalk(app)
    await walk.signIn(account.username, testPassword)
    return { account, person, walk, amka }
  }

  async function download(walk: AccountWalk) {
    await app.context.audit.close()
    const answer = await walk.client.get(`${path}/export`)
    assert.equal(answer.status, 200, answer.body)
    return { answer, data: JSON.parse(answer.body) }
  }

  const requests = (...args: string[]) =>
    takeOutput(() => accountCommand(app.context as unknown as CliContext, ['requests', ...args]))

  describe('as a file', () => {
    it('holds everything about me, with my numbers in clear, as a download', async () => {
      const taxNumber = '123456783'
      const { walk, account, person, amka } = await newVisitor({
        account: {
          email: 'own@example.net',
          emailConsentAt: new Date('2026-10-01T08:00:00Z'),
          activation: { way: 'pin', proven: ['email'], reference: 'K7F-2QX' },
        },
        person: { taxNumber: sealNationalNumber(app.context.secrets, 'GR', taxNumber) },
      })
      await AttemptModel.create({
        _id: `secret-of-${account._id}`,
        reference: `T-${account._id}`,
        step: 'done',
        language: 'el',
        startedAt: new Date('2026-10-01T08:00:00Z'),
        expiresAt: new Date('2026-10-01T09:00:00Z'),
        forgottenAt: new Date('2099-01-01T00:00:00Z'),
        personId: person._id,
        candidates: [person._id, 'another-person'],
        events: [{ at: new Date('2026-10-01T08:00:00Z'), name: 'started' }],
      })
      await walk.submit(`${path}/deletion`, {})
      await app.runtime.messages.settled()
      const { answer, data } = await download(walk)
      assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.match(
        answer.headers['content-disposition'] ?? '',
        new RegExp(`^attachment; filename="${account.username}-\\d{4}-\\d\\d-\\d\\d\\.json"$`),
      )
      assert.equal(data.format, 'propylaia-personal-data')
      assert.equal(data.version, 1)
      assert.deepEqual(data.person.nationalNumbers, [{ country: 'GR', number: amka }])
      assert.deepEqual(data.person.taxNumber, { country: 'GR', number: taxNumber })
      assert.equal(data.person.birthDate, '2007-03-12')
      assert.equal(data.account.username, account.username)
      assert.equal(data.account.email, 'own@example.net')
      assert.equal(data.account.activation.reference, 'K7F-2QX')
      assert.equal(data.roles[0].registrationNumber, '20250113')
      assert.equal(data.sourceRecords.length, 1)
      assert.equal(data.activations[0].state, 'done')
      assert.equal(data.sessions.length, 1)
      assert.equal(data.sessions[0].address, '127.0.0.1')
      assert.equal(data.signIns[0].event, 'login')
      assert.ok(
        data.events.some(({ event }: { event: string }) => event === 'account.deletion-request'),
      )
      const sent = data.messages.map(({ to }: { to: string }) => to).sort()
      assert.deepEqual(sent, [app.context.institution.helpdesk.email, 'own@example.net'].sort())
      assert.equal(data.deletionRequests[0].state, 'open')
      assert.deepEqual(data.recoveries, [])
      assert.deepEqual(data.contactChanges, [])
    })

    it('holds no secret, no text of a message and nobody else', async () => {
      const hmac = 'ab'.repeat(32)
      const academicId = 'synthetic-academic-id-4711'
      const { walk, account, person } = await newVisitor({
        account: {
          stateReason: 'words of an admin',
          previousPasswords: ['$argon2id$old'],
          mobile: '+306900055566',
          recoveryCode: {
            hmac,
            issuedAt: new Date(),
            expiresAt: new Date(Date.now() + 86_400_000),
            triesLeft: 5,
          },
        },
        person: { academicId },
      })
      await AttemptModel.create({
        _id: `secret-of-${account._id}`,
        reference: `T-${account._id}`,
        step: 'pin',
        language: 'el',
        startedAt: new Date(),
        expiresAt: new Date(),
        forgottenAt: new Date('2099-01-01T00:00:00Z'),
        personId: person._id,
        candidates: [person._id, 'another-person'],
        pin: { hmac, triesLeft: 5, sentAt: new Date(), expiresAt: new Date(), messageIds: [] },
        events: [],
      })
      await AuditModel.create({
        at: new Date(),
        event: 'account.disable',
        result: 'success',
        personId: person._id,
        address: '198.51.100.7',
        userAgent: 'Browser of an admin',
        details: { by: 'another-admin', reason: 'words of an admin' },
      })
      await walk.submit(`${path}/deletion`, {})
      const { answer } = await download(walk)
      const stored = await accounts().findOne({ _id: account._id })
      const sessions = await SsoSessionModel.find({ personId: person._id }).lean()
      for (const secret of [
        stored?.passwordHash ?? '',
        'argon2id',
        hmac,
        academicId,
        'secret-of-',
        'another-',
        'words of an admin',
        '198.51.100.7',
        'Browser of an admin',
        'ζητήθηκε',
        '"sealed"',
        '"hmac"',
        ...sessions.flatMap(({ _id, expressSessionId }) => [_id, expressSessionId]),
      ])
        assert.ok(!answer.body.includes(secret), secret)
      assert.ok(answer.body.includes('198.51.100.*'))
    })

    it('is not mixed with another person’s', async () => {
      const one = await newVisitor()
      const two = await newVisitor()
      const { answer } = await download(one.walk)
      for (const theirs of [two.account.username, two.person._id, two.amka])
        assert.ok(!answer.body.includes(theirs), theirs)
    })

    it('stays one sound document however much there is', async () => {
      const { walk, person } = await newVisitor()
      await AuditModel.insertMany(
        Array.from({ length: 3000 }, (_, index) => ({
          at: new Date(Date.now() - index * minuteMs),
          event: 'saml.response',
          result: 'success',
          personId: person._id,
          service: `https://s.example/"${index}"\u2028`,
          details: { attributes: ['displayName'] },
        })),
      )
      const { data } = await download(walk)
      const releases = data.events.filter(
        ({ event }: { event: string }) => event === 'saml.response',
      )
      assert.equal(releases.length, 3000)
      assert.deepEqual(releases[0].details, { attributes: ['displayName'] })
    })

    it('says nothing of other people: a conflict of AcademicIDs is for administrators', async () => {
      const { walk, person } = await newVisitor()
      await AuditModel.insertMany(
        ['academicid.conflict', 'academicid.received'].map((event) => ({
          at: new Date(),
          event,
          result: 'failure',
          reason: 'taken',
          personId: person._id,
        })),
      )
      const { data } = await download(walk)
      const names = data.events.map(({ event }: { event: string }) => event)
      assert.ok(names.includes('academicid.received'))
      assert.ok(!names.includes('academicid.conflict'))
    })

    it('asks for the password again when the sign-in is a while ago, and comes back to the page', async () => {
      const { walk, account } = await newVisitor()
      app.advance(16 * minuteMs)
      const page = await walk.open(path)
      assert.match(page.body, /Συνέχεια με τον κωδικό σας/)
      const refused = await walk.client.get(`${path}/export`)
      assert.equal(refused.status, 303)
      assert.match(refused.headers.location ?? '', /^\/login\?flow=/)
      const back = await walk.signIn(account.username, testPassword, refused.headers.location)
      assert.match(back.body, /Λήψη του αρχείου/)
      await download(walk)
    })

    it('is not begun by a link on somebody else’s page', async () => {
      const { walk, account } = await newVisitor()
      for (const site of ['cross-site', 'same-site']) {
        const answer = await fetch(`${app.baseUrl}${path}/export`, {
          headers: { cookie: `sso=${walk.client.cookie('sso')}`, 'sec-fetch-site': site },
          redirect: 'manual',
        })
        assert.deepEqual([answer.status, answer.headers.get('location')], [303, path], site)
      }
      const events = { event: 'account.export', personId: account._id }
      await app.context.audit.close()
      assert.equal(await AuditModel.countDocuments(events), 0)
    })

    it('is not made without end', async () => {
      const { walk } = await newVisitor()
      for (let count = 0; count < 10; count++) await download(walk)
      const answer = await walk.client.get(`${path}/export`)
      assert.equal(answer.status, 429)
      assert.match(answer.body, /ACCOUNT_THROTTLED/)
    })
  })

  describe('deletion request', () => {
    it('goes to the helpdesk, shows its state and can be withdrawn', async () => {
      const { walk, account } = await newVisitor({ account: { mobile: '+306900011199' } })
      const form = await walk.open(`${path}/deletion`)
      assert.match(form.body, /οφείλει από τον νόμο/)
      const page = await walk.submit(`${path}/deletion`, {})
      const reference = /<b class="code">([A-Z2-9]{3}-[A-Z2-9]{3})<\/b>/.exec(page.body)?.[1]
      assert.ok(reference, page.body)
      assert.match(page.body, /Έχετε ζητήσει τη διαγραφή/)
      const helpdesk = app.context.institution.helpdesk.email
      const [mail] = await walk.outbox(helpdesk)
      assert.ok(mail?.text.includes(reference) && mail.text.includes(account.username))
      assert.match(mail?.text ?? '', /Δήμητρα Παπαδοπούλου/)
      const [notice] = await walk.outbox('+306900011199')
      assert.match(notice?.text ?? '', /ζητήθηκε διαγραφή/)

      const listed = await requests('--json')
      const entry = JSON.parse(listed.out).find(
        (request: { username: string }) => request.username === account.username,
      )
      assert.equal(entry.reference, reference)
      assert.equal(entry.state, 'open')

      const withdrawn = await walk.submit(`${path}/deletion/withdraw`, {}, path)
      assert.match(withdrawn.body, /Την ανακαλέσατε στις/)
      assert.match((await walk.outbox(helpdesk))[0]?.text ?? '', /ανακλήθηκε/)
      const late = await requests('done', reference)
      assert.equal(late.code, 1)
      assert.match(late.err, /is withdrawn, not open/)
    })

    it('is one at a time, also when sent twice at once', async () => {
      const { walk, account } = await newVisitor()
      const form = await walk.open(`${path}/deletion`)
      const _csrf = /name="_csrf" value="([^"]+)"/.exec(form.body)?.[1] ?? ''
      await Promise.all(
        Array.from({ length: 4 }, () => walk.client.post(`${path}/deletion`, { _csrf })),
      )
      assert.equal(await DeletionRequestModel.countDocuments({ personId: account._id }), 1)
      const again = await walk.client.get(`${path}/deletion`)
      assert.equal(again.headers.location, path)
    })

    it('is closed by an administrator, which the person sees', async () => {
      const { walk, account } = await newVisitor()
      await walk.submit(`${path}/deletion`, {})
      const open = await DeletionRequestModel.findOne({ personId: account._id }).lean()
      const reference = open?._id ?? ''
      const done = await requests('done', reference.toLowerCase().replace('-', ' '))
      assert.deepEqual(done, { code: 0, out: `${reference}: done\n`, err: '' })
      assert.match((await walk.open(path)).body, /Διεκπεραιώθηκε στις/)
      assert.equal((await requests('done', reference)).code, 1)
      assert.match((await requests('--all')).out, new RegExp(`${reference}.*${account.username}`))
      assert.ok(!(await requests()).out.includes(reference))
      // Another may be opened then.
      const page = await walk.submit(`${path}/deletion`, {})
      assert.match(page.body, /Έχετε ζητήσει τη διαγραφή/)
      await app.context.audit.close()
      const events = await AuditModel.find({ personId: account._id }).distinct('event')
      for (const event of ['account.deletion-request', 'account.deletion-done'])
        assert.ok(events.includes(event), event)
    })

    it('needs a fresh sign-in and the token of our own page', async () => {
      const { walk, account } = await newVisitor()
      assert.equal((await walk.client.post(`${path}/deletion`, {})).status, 403)
      app.advance(16 * minuteMs)
      const answer = await walk.client.post(`${path}/deletion`, {})
      assert.equal(answer.status, 303)
      assert.match(answer.headers.location ?? '', /^\/login\?flow=/)
      assert.equal(await DeletionRequestModel.countDocuments({ personId: account._id }), 0)
    })

    it('is refused by the command line when it is not known', async () => {
      const answer = await requests('done', 'ZZZ-ZZZ')
      assert.equal(answer.code, 1)
      assert.match(answer.err, /is not known/)
      assert.equal((await requests('undo', 'ZZZ-ZZZ')).code, 2)
    })
  })
})
