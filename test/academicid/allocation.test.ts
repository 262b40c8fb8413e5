import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { AcademicIdRegistry } from '../../src/academicid/academic-id-registry.ts'
import { openAllocator } from '../../src/academicid/allocator.ts'
import { personKey } from '../../src/academicid/person-key.ts'
import { sharedRegistry } from '../../src/academicid/shared-registry.ts'
import { AuditModel } from '../../src/audit/store-audit-log.ts'
import type { ActivationProof } from '../../src/people/account.ts'
import { completeActivation } from '../../src/people/activation.ts'
import { giveNationalNumber } from '../../src/people/given-number.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import {
  accounts,
  findAccountByUsername,
  findPerson,
  people,
} from '../../src/people/people-store.ts'
import type { RegistryRow } from '../../src/people/registry-record.ts'
import {
  type RegistryGate,
  type RegistryProcess,
  startRegistryGate,
  startRegistryProcess,
  type Trouble,
} from '../support/academicid-server.ts'
import { ActivationWalk } from '../support/activation-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { importRows, studentRow, syntheticAmka } from '../support/registrant.ts'

const academicId = /^[0-9a-f]{32}$/
const sharedKey = Buffer.alloc(32, 'synthetic shared key')
const minute = 60_000

describe('AcademicIDs follow activations', () => {
  let registry: RegistryProcess
  let gate: RegistryGate
  let app: TestApp
  /** The registry as another institution sees it. */
  let elsewhere: AcademicIdRegistry
  before(async () => {
    registry = await startRegistryProcess()
    gate = await startRegistryGate(registry.url)
    const token = await registry.addToken('uni.example.gr')
    elsewhere = sharedRegistry({
      url: registry.url,
      token: await registry.addToken('elsewhere.example.gr'),
    })
    app = await startTestApp({
      DEV_PAGES: 'true',
      ACADEMICID_URL: gate.url,
      ACADEMICID_TOKEN: token,
      ACADEMICID_SHARED_KEYS: sharedKey.toString('hex'),
    })
  })
  after(async () => {
    await app?.close()
    await gate?.close()
    await registry?.stop()
  })
  beforeEach(() => gate.trouble('none'))

  /** Whatever is due is settled, pauses and holds of before being over. */
  async function later(): Promise<void> {
    app.advance(11 * minute)
    app.context.academicIds.wake()
    await app.runtime.academicIds.settled()
  }

  async function activate(
    row: RegistryRow,
    activation: ActivationProof = { way: 'administrator' },
    given?: { country: string; number: string },
  ) {
    await importRows(app, row)
    const account = await findAccountByUsername(row.username as string)
    assert.ok(account)
    if (given) {
      const sealed = sealNationalNumber(app.context.secrets, given.country, given.number)
      assert.equal(await giveNationalNumber(account._id, sealed), 'given')
    }
    const facts = { username: account.username, passwordHash: 'x', activation }
    assert.equal(await completeActivation(account._id, facts, app.context.now()), 'done')
    return account._id
  }

  const accountOf = async (id: string) => {
    const account = await accounts().findOne({ _id: id })
    assert.ok(account)
    return account
  }
  const idOf = async (id: string) => (await people().findOne({ _id: id }))?.academicId
  const idElsewhere = async (country: string, number: string) =>
    (await elsewhere.get(personKey(sharedKey, country, number)))?.academicId

  const troubles: Record<string, Trouble> = {
    hangs: () => undefined,
    'refuses connections': 'refused',
    'answers 500': (_request, response) => void response.writeHead(500).end('{}'),
    'answers broken JSON': (_request, response) => void response.writeHead(200).end('{"academicId'),
    'answers the wrong type': (_request, response) =>
      void response.writeHead(200).end('{"academicId":17,"created":"2026-01-01T00:00:00Z"}'),
    redirects: (_request, response) =>
      void response.writeHead(307, { location: `${registry.url}/v1/persons/x` }).end(),
    'answers without end': (_request, response) =>
      void response.writeHead(200).end(`{"x":"${'y'.repeat(50_000)}"}`),
    'refuses the token': (_request, response) => void response.writeHead(401).end('{}'),
  }
  for (const [what, trouble] of Object.entries(troubles)) {
    it(`activates at once while the registry ${what}; the id follows when it is back`, async () => {
      gate.trouble(trouble)
      const row = studentRow()
      await importRows(app, row)
      const walk = new ActivationWalk(app)
      await walk.toReview({ mobile: row.mobile as string })
      await walk.agree()
      const page = await walk.password()
      assert.match(page.body, /Καλωσήλθατε/)
      if (what === 'hangs') {
        const account = await findAccountByUsername(row.username as string)
        assert.equal(account?.academicIdWait, undefined, 'the page waited for the registry')
      }
      walk.client.close()
      await app.runtime.academicIds.settled()
      const waiting = await findAccountByUsername(row.username as string)
      assert.equal(waiting?.state, 'active')
      assert.equal(await idOf(waiting?._id as string), undefined)
      assert.ok(waiting?.academicIdDue)
      assert.ok(waiting.academicIdWait?.error)
      assert.ok(!JSON.stringify(waiting.academicIdWait).includes(row.amka as string))

      gate.trouble('none')
      await later()
      assert.match((await idOf(waiting._id)) ?? '', academicId)
      assert.equal(await idOf(waiting._id), await idElsewhere('GR', row.amka as string))
      const settled = await accountOf(waiting._id)
      assert.ok(settled.academicIdAt)
      assert.equal(settled.academicIdDue, undefined)
      assert.equal(settled.academicIdWait, undefined)
    })
  }

  it('are asked for less and less often while the registry is away, at least every ten minutes', async () => {
    gate.trouble((_request, response) => void response.writeHead(503).end())
    const id = await activate(studentRow())
    const delays: number[] = []
    for (let tries = 1; tries <= 7; tries++) {
      await later()
      const account = await accountOf(id)
      assert.equal(account.academicIdWait?.tries, tries)
      delays.push((account.academicIdDue as Date).getTime() - app.context.now().getTime())
    }
    const seconds = delays.map((delay) => Math.round(delay / 5000) * 5)
    assert.deepEqual(seconds, [5, 15, 60, 180, 600, 600, 600])
    gate.trouble('none')
    await later()
    assert.match((await idOf(id)) ?? '', academicId)
  })

  it('are asked for one person at a time while the registry is away, whoever else waits', async () => {
    gate.trouble((_request, response) => void response.writeHead(503).end())
    for (let count = 0; count < 5; count++) await activate(studentRow())
    const before = gate.requests()
    await later()
    assert.equal(gate.requests() - before, 1)
    gate.trouble('none')
    await later()
    assert.equal(await accounts().countDocuments({ academicIdDue: { $exists: true } }), 0)
  })

  it('belong to the number, whichever institution asked first', async () => {
    const amka = syntheticAmka('2004-02-29')
    const made = await elsewhere.put(personKey(sharedKey, 'GR', amka))
    const id = await activate(studentRow({ amka, birthDate: '2004-02-29' }))
    await later()
    assert.equal(await idOf(id), made.academicId)
  })

  it('cannot be had by claiming somebody else’s number that nobody checked', async () => {
    const victim = (await elsewhere.put(personKey(sharedKey, 'DE', 'VICTIM4711'))).academicId
    const attacker = await activate(
      studentRow({ amka: '' }),
      { way: 'pin' },
      {
        country: 'DE',
        number: 'VICTIM4711',
      },
    )
    await later()
    assert.match((await idOf(attacker)) ?? '', academicId)
    assert.notEqual(await idOf(attacker), victim)
    assert.equal(await idElsewhere('DE', 'VICTIM4711'), victim)
  })

  it('cannot be had by an AMKA that only the embedded AMKA registry let pass', async () => {
    const amka = syntheticAmka('2007-03-12')
    const victim = (await elsewhere.put(personKey(sharedKey, 'GR', amka))).academicId
    const proof = { way: 'pin', numberCheckedBy: 'embedded' } as const
    const attacker = await activate(studentRow({ amka: '' }), proof, {
      country: 'GR',
      number: amka,
    })
    await later()
    assert.notEqual(await idOf(attacker), victim)
  })

  it('belong to an AMKA that the person gave and the national registry confirmed', async () => {
    const amka = syntheticAmka('2007-03-12')
    const proof = { way: 'pin', numberCheckedBy: 'national' } as const
    const id = await activate(studentRow({ amka: '' }), proof, { country: 'GR', number: amka })
    await later()
    assert.equal(await idOf(id), await idElsewhere('GR', amka))
  })

  it('do not change when a number comes later: it joins the id that is there', async () => {
    const row = studentRow({ amka: '' })
    const id = await activate(row)
    await later()
    const first = await idOf(id)
    assert.match(first ?? '', academicId)

    const foreign = { ssnCountry: 'DE', ssn: 'LATER00000001' }
    await importRows(app, { ...row, ...foreign })
    await later()
    assert.equal(await idOf(id), first)
    assert.equal(await idElsewhere('DE', 'LATER00000001'), first)

    const amka = syntheticAmka('2007-03-12')
    await importRows(app, { ...row, ...foreign, amka })
    await later()
    assert.equal(await idOf(id), first)
    assert.equal(await idElsewhere('GR', amka), first)
    assert.equal((await findPerson(id))?.academicId, first)
  })

  it('join all numbers of a person at once: the AMKA leads, whoever comes by another finds the same', async () => {
    const amka = syntheticAmka('2007-03-12')
    const id = await activate(studentRow({ amka, ssnCountry: 'IT', ssn: 'BOTH0001' }))
    await later()
    assert.equal(await idElsewhere('GR', amka), await idOf(id))
    assert.equal(await idElsewhere('IT', 'BOTH0001'), await idOf(id))
  })

  it('are kept when the numbers turn out to have two: a human decides, nothing is overwritten', async () => {
    const row = studentRow()
    const id = await activate(row)
    await later()
    const own = await idOf(id)
    const other = (await elsewhere.put(personKey(sharedKey, 'FR', 'TWOIDS001'))).academicId
    await importRows(app, { ...row, ssnCountry: 'FR', ssn: 'TWOIDS001' })
    await later()
    const account = await accountOf(id)
    assert.equal(account.academicIdConflict?.kind, 'two-ids')
    assert.equal(account.academicIdConflict?.otherId, other)
    assert.equal(account.academicIdDue, undefined)
    assert.equal(await idOf(id), own)
    assert.equal(await idElsewhere('FR', 'TWOIDS001'), other)
    await app.context.audit.close()
    const events = await AuditModel.find({ personId: id, event: 'academicid.conflict' }).lean()
    assert.equal(events.length, 1)
  })

  it('are never given to two people of one institution', async () => {
    const number = String(randomInt(1e9, 1e10))
    const [one, two] = [studentRow(), studentRow({ ssnCountry: 'DE', ssn: number })]
    const id = await activate(one)
    await later()
    // The registry says that both numbers are one person's; the records here say they are not.
    const outcome = await elsewhere.alias(
      personKey(sharedKey, 'GR', one.amka as string),
      personKey(sharedKey, 'GR', two.amka as string),
    )
    assert.equal(outcome.outcome, 'joined')
    const other = await activate(two)
    await later()
    assert.match((await idOf(id)) ?? '', academicId)
    assert.equal(await idOf(other), undefined)
    const account = await accountOf(other)
    assert.equal(account.academicIdConflict?.kind, 'taken')
    assert.equal(account.academicIdAt, undefined)
    // Elsewhere the person's other number must not lead to somebody else's id.
    assert.equal(await idElsewhere('DE', number), undefined)
  })

  it('survive imports, and an import at the same moment survives them', async () => {
    const row = studentRow()
    const id = await activate(row)
    await Promise.all([
      later(),
      ...Array.from({ length: 5 }, (_, turn) =>
        importRows(app, { ...row, registrationNumber: `R${turn}` }),
      ),
    ])
    await importRows(app, { ...row, registrationNumber: 'last' })
    await later()
    const person = await people().findOne({ _id: id })
    assert.match(person?.academicId ?? '', academicId)
    assert.ok(person?.academicIdKeys?.includes(personKey(sharedKey, 'GR', row.amka as string)))
    assert.equal(person?.roles[0]?.registrationNumber, 'last')
    assert.equal(person?.numbersChangedAt, undefined)
  })

  it('come to accounts from before there was a registry, when their owners sign in', async () => {
    const { account } = await addPerson()
    await accounts().updateOne({ _id: account._id }, { $unset: { academicIdAt: '' } })
    await later()
    assert.equal(await idOf(account._id), undefined)
    const client = new HttpClient(app.baseUrl)
    const _csrf = hiddenField((await client.get('/login')).body, '_csrf')
    const { username } = account
    const answer = await client.post('/login', { _csrf, username, password: testPassword })
    assert.equal(answer.status, 303)
    while ((await idOf(account._id)) === undefined) await client.get('/health/live')
    client.close()
    assert.match((await idOf(account._id)) ?? '', academicId)
  })

  it('are missed in the log once in a while, without number or key', async () => {
    const row = studentRow()
    await activate(row)
    const warnings: unknown[] = []
    const log = { warn: (...line: unknown[]) => warnings.push(line), error: assert.fail }
    const allocator = openAllocator({
      ...app.context,
      log: log as never,
      sharedKeys: [sharedKey],
      registry: sharedRegistry({ url: registry.url, token: 'wrong' }),
    })
    allocator.start()
    await allocator.settled()
    for (let tries = 0; tries < 3; tries++) {
      app.advance(2 * minute)
      allocator.wake()
      await allocator.settled()
    }
    assert.equal(warnings.length, 1)
    app.advance(9 * minute)
    allocator.wake()
    await allocator.settled()
    assert.equal(warnings.length, 2)
    await allocator.close()
    const text = JSON.stringify(warnings)
    assert.match(text, /ACADEMICID_TOKEN/)
    assert.ok(!text.includes(row.amka as string))
    assert.ok(!text.includes(personKey(sharedKey, 'GR', row.amka as string)))
    await later()
  })

  it('are settled once, by however many servers at a time', async () => {
    const ids = []
    for (let count = 0; count < 6; count++) ids.push(await activate(studentRow()))
    app.advance(11 * minute)
    await Promise.all(
      ids.flatMap((id) =>
        Array.from({ length: 8 }, async () =>
          app.context.academicIds.allocate(await accountOf(id)),
        ),
      ),
    )
    const found = await Promise.all(ids.map(idOf))
    assert.equal(new Set(found).size, ids.length)
    assert.ok(found.every((id) => academicId.test(id ?? '')))
  })
})
