import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { CliContext } from '../../src/cli/cli-context.ts'
import { consentCommand } from '../../src/cli/consent.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { takeOutput } from '../cli/support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson } from '../support/people.ts'
import { syntheticAmka } from '../support/registrant.ts'
import {
  agreed,
  auditOf,
  consentPage,
  recordOf,
  samlAddress,
  samlService,
  signedInPerson,
  signInAt,
  textOf,
  throughPage,
} from './consent-support.ts'

const path = '/account/consents'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

const command = (...args: string[]) =>
  takeOutput(() => consentCommand(app.context as unknown as CliContext, args))

/** Somebody who agreed that a service has something. */
async function whoAgreed() {
  const service = await samlService({ disclosure: 'ask' })
  const someone = await signedInPerson(app)
  await throughPage(someone.client, samlAddress(app, service.entityId), agreed)
  return { ...someone, service }
}

describe('What I allowed services, on my account', () => {
  it('is nothing at first', async () => {
    const { client } = await signedInPerson(app)
    assert.match(textOf((await client.get(path)).body), /Καμία υπηρεσία δεν σας έχει ζητήσει/)
  })

  it('shows each service with what it may have, since when, and every decision', async () => {
    const { client, service } = await whoAgreed()
    const other = await samlService({ disclosure: 'inform' })
    await throughPage(client, samlAddress(app, other.entityId), agreed)
    await throughPage(
      client,
      samlAddress(app, (await samlService({ disclosure: 'ask' })).entityId),
      {
        decision: 'disagree',
      },
    )
    const text = textOf((await client.get(path)).body)
    assert.match(text, /Συμφωνήσατε να λαμβάνει: .*Ονοματεπώνυμο/)
    assert.match(text, /Ενημερωθήκατε ότι λαμβάνει:/)
    assert.match(text, /Τώρα δεν ισχύει τίποτα/)
    assert.match(text, /απόφαση 1/)
    assert.ok(text.includes(new URL(service.entityId).host))
    const english = textOf((await client.get(`${path}?lang=en`)).body)
    assert.match(english, /You agreed that it receives: .*Full name/)
  })

  it('is withdrawn by a button, and asked for again at the next sign-on', async () => {
    const { client, person, service } = await whoAgreed()
    const page = await client.get(path)
    const answer = await client.post(`${path}/withdraw`, {
      _csrf: hiddenField(page.body, '_csrf'),
      protocol: hiddenField(page.body, 'protocol'),
      id: hiddenField(page.body, 'id'),
    })
    assert.equal(answer.headers.location, `${path}?done=withdrawn`)
    const text = textOf((await client.get(`${path}?done=withdrawn`)).body)
    assert.match(text, /Η ανάκληση έγινε/)
    assert.match(text, /Τώρα δεν ισχύει τίποτα/)
    const record = await recordOf(person._id, service.entityId)
    assert.equal(record?.standing, undefined)
    assert.equal(record?.version, 2)
    await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const [, entry] = await auditOf(app, person._id, /^consent\./)
    assert.equal(entry?.event, 'consent.withdraw')
    assert.equal((entry!.details as { by: string }).by, 'owner')
  })

  it('is withdrawn by nobody else, without a token or with a service that does not exist', async () => {
    const { client, person, service } = await whoAgreed()
    const fields = { protocol: 'saml', id: service.entityId }
    assert.equal((await client.post(`${path}/withdraw`, fields)).status, 403)
    const stranger = await signedInPerson(app)
    const { body } = await stranger.client.get(path)
    const _csrf = hiddenField(body, '_csrf')
    for (const wrong of [fields, { protocol: 'x', id: 'y' }, { protocol: 'saml', id: 'z' }]) {
      const answer = await stranger.client.post(`${path}/withdraw`, { _csrf, ...wrong })
      assert.equal(answer.headers.location, `${path}?done=gone`)
    }
    assert.ok((await recordOf(person._id, service.entityId))?.standing)
  })

  it('is in the file with everything, without the id of a session', async () => {
    const amka = sealNationalNumber(app.context.secrets, 'GR', syntheticAmka('2007-03-12'))
    const { account, person } = await addPerson({ person: { nationalNumbers: [amka] } })
    const client = new HttpClient(app.baseUrl)
    await signInAt(client, account.username)
    const service = await samlService({ disclosure: 'ask' })
    await throughPage(client, samlAddress(app, service.entityId), { decision: 'agree' })
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    const data = JSON.parse((await client.get('/account/data/export')).body)
    const consent = data.consents.find(
      (one: { service: string }) => one.service === service.entityId,
    )
    assert.deepEqual(consent.remembered.attributes.sort(), [
      'displayName',
      'eduPersonScopedAffiliation',
      'mail',
    ])
    assert.deepEqual(
      consent.decisions.map((one: { isRemembered: boolean }) => one.isRemembered),
      [false, true],
    )
    assert.equal(consent.decisions[0].wording, '1')
    assert.ok(!JSON.stringify(data.consents).includes('sessionId'))
    assert.ok(!JSON.stringify(data.consents).includes(person._id))
  })
})

describe('propylaia consent', () => {
  it('lists what somebody decided, for people and for machines', async () => {
    const { account, service } = await whoAgreed()
    const text = await command('list', account.username)
    assert.equal(text.code, 0)
    assert.match(text.out, /remembered: .*displayName/)
    assert.match(text.out, /1 {2}.* agree/)
    const [consent] = JSON.parse((await command('list', account.username, '--json')).out)
    assert.equal(consent.service, service.entityId)
    assert.equal(consent.inForce, true)
  })

  it('withdraws for who asks the helpdesk', async () => {
    const { client, account, person, service } = await whoAgreed()
    const done = await command('withdraw', account.username, service.entityId, '--json')
    assert.equal(done.code, 0)
    assert.equal(JSON.parse(done.out).withdrawn, true)
    await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    assert.match((await command('list', account.username)).out, /nothing in force/)
    const again = await command('withdraw', account.username, service.entityId)
    assert.equal(again.code, 1)
    assert.match(again.err, /nothing is in force/)
    const entries = await auditOf(app, person._id, /^consent\.withdraw$/)
    assert.deepEqual(
      entries.map(({ details }) => (details as { by: string }).by),
      ['command line'],
    )
  })

  it('explains itself to who types it wrong', async () => {
    for (const args of [[], ['list'], ['withdraw', 'x'], ['list', 'x', 'y'], ['forget', 'x']]) {
      const { code, err } = await command(...args)
      assert.equal(code, 2)
      assert.match(err, /expected: consent list USERNAME/)
    }
    assert.equal((await command('list', 'nobody.at.all')).code, 1)
  })
})
