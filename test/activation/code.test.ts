import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { readFunnel } from '../../src/activation/funnel.ts'
import { findEventsByReference } from '../../src/audit/read-audit-log.ts'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import { keyedHash } from '../../src/keys/keyed-hash.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { verifyPassword } from '../../src/login/password.ts'
import type { Account } from '../../src/people/account.ts'
import { accounts, findAccount, people } from '../../src/people/people-store.ts'
import { athensDate } from '../../src/people/person.ts'
import { issueRecoveryCode } from '../../src/people/recovery-code.ts'
import { ActivationWalk } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { type Answer, HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson } from '../support/people.ts'

const password = 'Vaporia-Kyklaminon-47'
const wrongPassphrase = 'aaaa-bbbb-cccc-dddd'

/** A text of the Greek pages. */
function greek(room: string, key: string): string {
  const file = new URL(`../../views/${room}/locales/el.json`, import.meta.url)
  const texts: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return key
    .split('.')
    .reduce((node, part) => (node as Record<string, unknown>)[part], texts) as string
}

const refused = greek('activation', 'activation.code.refused')
const referencePattern = /<b class="code">([A-Z0-9]{3}-[A-Z0-9]{3})<\/b>/

describe('Activating with a passphrase on paper', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  async function addPending(change: Partial<Account> = {}) {
    // No national number that this machine's key would have to open: the test helper's is synthetic.
    const { account } = await addPerson({
      account: {
        state: 'pending',
        passwordHash: undefined,
        passwordChangedAt: undefined,
        activatedAt: undefined,
        ...change,
      },
    })
    await people().updateOne({ _id: account._id }, { $unset: { nationalNumbers: '' } } as never)
    const passphrase = await issueRecoveryCode(app.context, account._id, { days: 30 })
    return { account, passphrase }
  }

  /** Opens the page, fills the form in and sends it, as a person does. */
  async function submit(
    fields: { username: string; passphrase: string } & Record<string, string>,
    client = new HttpClient(app.baseUrl),
  ): Promise<Answer> {
    const page = await client.get('/register/code')
    assert.equal(page.status, 200)
    const _csrf = hiddenField(page.body, '_csrf')
    const chosen = { password, passwordRepeat: password, terms: 'yes' }
    return client.post('/register/code', { _csrf, ...chosen, ...fields })
  }

  function referenceOf(answer: Answer): string {
    const reference = referencePattern.exec(answer.body)?.[1]
    assert.ok(reference, 'the page shows no reference')
    return reference
  }

  /** The page without what differs by nature: token, reference, suggested passwords, typed values. */
  function bare(answer: Answer): string {
    return answer.body
      .replace(referencePattern, '')
      .replace(/name="_csrf" value="[^"]*"/g, '')
      .replace(/data-suggestion>[^<]*/g, '')
      .replace(/(id|name)="(username|passphrase)"[^>]*value="[^"]*"|value="[^"]*"/g, '')
  }

  /** Waits for the audit log's next batch. */
  async function auditedBy(reference: string) {
    for (;;) {
      const entries = await findEventsByReference(reference)
      if (entries.length > 0) return entries
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  it('makes the account active, signs the person in and shows the welcome page', async () => {
    const { account, passphrase } = await addPending()
    const client = new HttpClient(app.baseUrl)
    const answer = await submit({ username: account.username, passphrase }, client)
    assert.equal(answer.status, 303, answer.body)
    assert.equal(answer.headers.location, '/register/done')
    const done = await client.get('/register/done')
    assert.equal(done.status, 200)
    assert.match(done.body, new RegExp(account.username))
    assert.match((await client.get('/')).body, /Δήμητρα Παπαδοπούλου/)

    const active = await findAccount(account._id)
    assert.equal(active?.state, 'active')
    const reference = ActivationWalk.reference(done)
    assert.deepEqual(active?.activation, { way: 'passphrase', reference })
    const [today] = await readFunnel(athensDate(app.context.now()))
    assert.equal(today?.role, 'student')
    assert.equal(today?.donePaper, 1)
    assert.equal(today?.done, 0)
    const { terms, privacy } = app.context.institution
    assert.equal(active?.acceptedTerms?.terms, terms?.version)
    assert.equal(active?.acceptedTerms?.privacy, privacy?.version)
    assert.ok((await verifyPassword(password, active?.passwordHash)).ok)
  })

  it('takes the username as mail address, and the passphrase in capitals or Greek letters', async () => {
    const one = await addPending()
    const typed = `${one.account.username.toUpperCase()}@uni.example.gr`
    assert.equal((await submit({ username: typed, passphrase: one.passphrase })).status, 303)

    const other = await addPending()
    await issueKnown(other.account._id)
    const username = other.account.username
    assert.equal((await submit({ username, passphrase: 'ΚΔ7Μ 3ΧΡΑ 9ΦΓΤ Ε2ΗΝ' })).status, 303)
  })

  /** Makes the account's passphrase kd7m-3xpa-9fgt-e2hn. */
  async function issueKnown(accountId: string) {
    const key = app.context.secrets.get('code-hmac')
    const hmac = keyedHash(key, `recovery|${accountId}|kd7m3xpa9fgte2hn`).toString('hex')
    await accounts().updateOne({ _id: accountId }, { $set: { 'recoveryCode.hmac': hmac } })
  }

  it('answers the same, whatever is wrong about username or passphrase', async () => {
    const { account } = await addPending()
    const used = await addPending()
    const first = { username: used.account.username, passphrase: used.passphrase }
    assert.equal((await submit(first)).status, 303)
    const expired = await addPending()
    await accounts().updateOne(
      { _id: expired.account._id },
      { $set: { 'recoveryCode.expiresAt': new Date(0) } },
    )
    const { account: active } = await addPerson()
    const answers = await Promise.all([
      submit({ username: account.username, passphrase: wrongPassphrase }),
      submit({ username: 'nobody.at.all', passphrase: wrongPassphrase }),
      submit(first),
      submit({ username: expired.account.username, passphrase: expired.passphrase }),
      submit({ username: active.username, passphrase: wrongPassphrase }),
      submit({ username: 'x'.repeat(5000), passphrase: '<script>' }),
    ])
    for (const answer of answers) {
      assert.equal(answer.status, 401)
      assert.ok(unescapeHtml(answer.body).includes(refused))
      assert.equal(bare(answer), bare(answers[0]!))
    }
    assert.equal((await findAccount(expired.account._id))?.state, 'pending')
  })

  it('tells the helpdesk by the reference on the page what was wrong', async () => {
    const { account } = await addPending()
    const known = await submit({ username: account.username, passphrase: wrongPassphrase })
    const [entry] = await auditedBy(referenceOf(known))
    assert.equal(entry?.reason, 'wrong-passphrase')
    assert.equal(entry?.username, account.username)

    const unknown = await submit({ username: 'my.secret.word', passphrase: wrongPassphrase })
    const [other] = await auditedBy(referenceOf(unknown))
    assert.equal(other?.reason, 'unknown-username')
    assert.equal(other?.username, undefined)
    assert.equal(await AuditModel.countDocuments({ username: 'my.secret.word' }), 0)
  })

  it('keeps the error by its field and what was typed, but not the password', async () => {
    const answer = await submit({
      username: ' Typed.Name ',
      passphrase: 'kd7m-3xpa',
      password: 'short',
      passwordRepeat: 'other',
      terms: '',
    })
    assert.equal(answer.status, 422)
    for (const field of ['password', 'passwordRepeat', 'terms']) {
      assert.match(answer.body, new RegExp(`href="#${field}"`), field)
    }
    assert.match(answer.body, /value="Typed\.Name"/)
    assert.match(answer.body, /value="kd7m-3xpa"/)
    assert.doesNotMatch(answer.body, /value="short"/)
    const empty = await submit({ username: '', passphrase: ' ' })
    assert.match(empty.body, /href="#username"/)
    assert.match(empty.body, /href="#passphrase"/)
  })

  it('needs the terms, and takes no try for a form that lacks something', async () => {
    const { account, passphrase } = await addPending()
    const forms: Record<string, string>[] = [
      { terms: '' },
      { password: 'a' },
      { passwordRepeat: 'b' },
    ]
    for (const lacking of forms) {
      const answer = await submit({ username: account.username, passphrase, ...lacking })
      assert.equal(answer.status, 422)
    }
    const stored = await findAccount(account._id)
    assert.equal(stored?.state, 'pending')
    assert.equal(stored?.recoveryCode?.triesLeft, 5)
  })

  it('refuses a password with the person’s own data only to whom holds the paper', async () => {
    const { account, passphrase } = await addPending()
    const own = { password: 'Papadopoulou-8391', passwordRepeat: 'Papadopoulou-8391' }
    const stranger = await submit({
      username: account.username,
      passphrase: wrongPassphrase,
      ...own,
    })
    assert.equal(stranger.status, 401)
    for (let count = 0; count < 12; count++) {
      const answer = await submit({ username: account.username, passphrase, ...own })
      assert.equal(answer.status, 422)
      assert.match(answer.body, /href="#password"/)
    }
    assert.equal((await findAccount(account._id))?.recoveryCode?.triesLeft, 4)
    assert.equal((await submit({ username: account.username, passphrase })).status, 303)
  })

  it('is done once, however many send the same paper at the same time', async () => {
    const { account, passphrase } = await addPending()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => {
        const own = `${password}${index}`
        const username = account.username
        return submit({ username, passphrase, password: own, passwordRepeat: own })
      }),
    )
    assert.equal(answers.filter(({ status }) => status === 303).length, 1)
    const winner = answers.findIndex(({ status }) => status === 303)
    const { passwordHash } = (await findAccount(account._id)) as Account
    assert.ok((await verifyPassword(`${password}${winner}`, passwordHash)).ok)
  })

  it('stops working when its days are over', async () => {
    const { account, passphrase } = await addPending()
    const day = 86_400_000
    app.advance(30 * day)
    const late = await submit({ username: account.username, passphrase })
    app.advance(-30 * day)
    assert.equal(late.status, 401)
    assert.equal((await submit({ username: account.username, passphrase })).status, 303)
  })

  it('says that the account is stopped only after the right passphrase', async () => {
    const cases = [['disabled', 403, 'ACTIVATION_ACCOUNT_STOPPED']] as const
    for (const [state, status, code] of cases) {
      const { account, passphrase } = await addPending({ state })
      const { username } = account
      assert.equal((await submit({ username, passphrase: wrongPassphrase })).status, 401)
      const client = new HttpClient(app.baseUrl)
      const answer = await submit({ username, passphrase }, client)
      assert.equal(answer.status, status)
      assert.ok(unescapeHtml(answer.body).includes(greek('error', `errors.${code}.title`)))
      assert.ok(answer.body.includes(referenceOf(answer)))
      assert.equal((await findAccount(account._id))?.state, state)
      assert.equal((await client.get('/register/done')).headers.location, '/login')
    }
  })

  it('refuses a form that did not come from its page', async () => {
    const { account, passphrase } = await addPending()
    const client = new HttpClient(app.baseUrl)
    const answer = await client.post('/register/code', {
      username: account.username,
      passphrase,
      password,
      passwordRepeat: password,
      terms: 'yes',
    })
    assert.equal(answer.status, 403)
    assert.equal((await findAccount(account._id))?.state, 'pending')
  })

  /** No tries counted yet, and a whole quarter of an hour before the next window. */
  async function startWindow() {
    const windowMs = 15 * 60_000
    app.advance(windowMs - (app.context.now().getTime() % windowMs))
    await ThrottleModel.deleteMany({})
  }

  it('makes a username wait after ten wrong tries in a quarter of an hour, known or not', async () => {
    await startWindow()
    const { account } = await addPending()
    const bodies: string[] = []
    for (const username of [account.username, 'unknown.person']) {
      for (let count = 0; count < 10; count++) {
        assert.equal((await submit({ username, passphrase: wrongPassphrase })).status, 401)
      }
      // The same whatever is right by now.
      const fresh = await issueRecoveryCode(app.context, account._id, { days: 1 })
      const answer = await submit({ username, passphrase: fresh })
      assert.equal(answer.status, 429)
      assert.ok(Number(answer.headers['retry-after']) >= 60)
      bodies.push(bare(answer))
    }
    assert.equal(bodies[0], bodies[1])
    assert.equal((await findAccount(account._id))?.state, 'pending')
    app.advance(15 * 60_000)
    const passphrase = await issueRecoveryCode(app.context, account._id, { days: 1 })
    assert.equal((await submit({ username: account.username, passphrase })).status, 303)
  })

  it('makes a network wait after fifty wrong tries, and does not count right ones', async () => {
    await startWindow()
    const papers = await Promise.all(Array.from({ length: 3 }, () => addPending()))
    for (let count = 0; count < 49; count++) {
      const answer = await submit({ username: `walk.${count}`, passphrase: wrongPassphrase })
      assert.equal(answer.status, 401)
    }
    for (const { account, passphrase } of papers.slice(0, 2)) {
      assert.equal((await submit({ username: account.username, passphrase })).status, 303)
    }
    assert.equal((await submit({ username: 'walk.49', passphrase: wrongPassphrase })).status, 401)
    const { account, passphrase } = papers[2]!
    assert.equal((await submit({ username: account.username, passphrase })).status, 429)
    app.advance(15 * 60_000)
    assert.equal((await submit({ username: account.username, passphrase })).status, 303)
  })
})
