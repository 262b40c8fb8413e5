import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import { people } from '../../src/people/people-store.ts'
import { nameIdFormats } from '../../src/saml/uris.ts'
import { newPerson, postedForm, redirectOf, signIn, statusOf } from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  agreed,
  attributesIn,
  auditOf,
  consentPage,
  decide,
  oids,
  recordOf,
  samlAddress,
  samlService,
  signedInPerson,
  textOf,
  throughPage,
} from './consent-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

const once = { decision: 'agree' }
const no = { decision: 'disagree' }

describe('A SAML service that must ask', () => {
  it('gets nothing before the person has seen what it would get, and agreed', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, account, person } = await newPerson(app)
    const first = await client.get(samlAddress(app, service.entityId))
    const page = await consentPage(client, await signIn(client, first, account.username))
    const text = textOf(page.body)
    assert.match(text, /Να δοθούν αυτά τα στοιχεία σας/)
    assert.match(text, /Δήμητρα Παπαδοπούλου/)
    assert.match(text, new RegExp(`${account.username}@uni\\.example\\.gr`))
    assert.match(text, /Φοιτητής ή φοιτήτρια/)
    assert.match(text, /Η υπηρεσία το ζητά ως απαραίτητο/)
    assert.equal(await recordOf(person._id, service.entityId), null)

    const answer = await client.get(redirectOf(await decide(client, page, agreed)))
    const { action, xml, relayState } = postedForm(answer)
    assert.equal(action, service.acsUrl)
    assert.equal(relayState, 'kept')
    assert.deepEqual(attributesIn(xml).sort(), Object.keys(oids).sort())
  })

  it('reads in English for who reads English', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client } = await signedInPerson(app)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const text = textOf((await client.get(`${page.path}&lang=en`)).body)
    assert.match(text, /May .* have these facts about you\?/)
    assert.match(text, /Full name/)
    assert.match(text, /I agree, continue/)
    const answer = await client.get(redirectOf(await decide(client, page, agreed)))
    assert.equal(statusOf(postedForm(answer).xml), 'Success')
  })

  it('is answered without a question once an agreement is remembered', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, person } = await signedInPerson(app)
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    const { xml } = postedForm(await client.get(samlAddress(app, service.entityId)))
    assert.equal(attributesIn(xml).length, 3)
    const record = await recordOf(person._id, service.entityId)
    assert.equal(record?.version, 1)
    assert.deepEqual([...record!.standing!.attributes].sort(), Object.keys(oids).sort())
    assert.equal(record?.standing?.mode, 'ask')
    assert.deepEqual(
      record?.decisions.map(({ kind, isRemembered, language }) => ({
        kind,
        isRemembered,
        language,
      })),
      [{ kind: 'agree', isRemembered: true, language: 'el' }],
    )
  })

  it('asks again where the answer was not to be remembered', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, person } = await signedInPerson(app)
    const { xml } = await throughPage(client, samlAddress(app, service.entityId), once)
    assert.equal(attributesIn(xml).length, 3)
    await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const record = await recordOf(person._id, service.entityId)
    assert.equal(record?.standing, undefined)
    assert.deepEqual(record?.once, [], 'the agreement was used up')
  })

  it('asks again as soon as something new would go, and marks it', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, person } = await signedInPerson(app)
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    await setServiceOverrides(
      service.entityId,
      { disclosure: 'ask', release: ['schacPersonalUniqueCode'] },
      'saml',
    )
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    assert.match(textOf(page.body), /Αριθμός μητρώου νέο/)
    assert.doesNotMatch(textOf(page.body), /Ονοματεπώνυμο νέο/)
    const answer = await client.get(redirectOf(await decide(client, page, agreed)))
    assert.equal(attributesIn(postedForm(answer).xml).length, 4)
    assert.equal((await recordOf(person._id, service.entityId))?.standing?.attributes.length, 4)
  })

  it('does not ask again when less would go, nor when a value has changed', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, person } = await signedInPerson(app)
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    await setServiceOverrides(service.entityId, { disclosure: 'ask', block: ['mail'] }, 'saml')
    await people().updateOne({ _id: person._id }, { $set: { 'lastName.el': 'Συνθετικού' } })
    const { xml } = postedForm(await client.get(samlAddress(app, service.entityId)))
    assert.equal(attributesIn(xml).length, 2)
    assert.match(xml, /Συνθετικού/)
  })

  it('is told that the request was denied when the person does not agree', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, person } = await signedInPerson(app)
    const { xml, action } = await throughPage(client, samlAddress(app, service.entityId), no)
    assert.equal(statusOf(xml), 'Responder/RequestDenied')
    assert.equal(action, service.acsUrl)
    assert.doesNotMatch(xml, /Assertion |Παπαδοπούλου/)
    await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const [entry] = await auditOf(app, person._id, /^saml\.response$/)
    assert.equal(entry?.reason, 'SAML_CONSENT_REFUSED')
  })

  it('keeps what was agreed to before when the person refuses something more', async () => {
    const service = await samlService({ disclosure: 'ask', block: ['mail'] })
    const { client } = await signedInPerson(app)
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    await setServiceOverrides(service.entityId, { disclosure: 'ask' }, 'saml')
    await throughPage(client, samlAddress(app, service.entityId), no)
    await setServiceOverrides(service.entityId, { disclosure: 'ask', block: ['mail'] }, 'saml')
    const { xml } = postedForm(await client.get(samlAddress(app, service.entityId)))
    assert.equal(attributesIn(xml).length, 2)
  })

  it('learns with IsPassive that nobody may be asked (Core 3.4.1)', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client } = await signedInPerson(app)
    const passive = () => samlAddress(app, service.entityId, { IsPassive: 'true' })
    const { xml } = postedForm(await client.get(passive()))
    assert.equal(statusOf(xml), 'Responder/NoPassive')
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    assert.equal(statusOf(postedForm(await client.get(passive())).xml), 'Success')
  })

  it('is asked about in a sign-on that it did not ask for, too', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client } = await signedInPerson(app)
    const address = `/saml/unsolicited?providerId=${encodeURIComponent(service.entityId)}&target=t`
    const refused = await throughPage(client, address, no)
    assert.equal(statusOf(refused.xml), 'Responder/RequestDenied')
    assert.doesNotMatch(refused.xml, /InResponseTo/)
    const granted = await throughPage(client, address, agreed)
    assert.equal(attributesIn(granted.xml).length, 3)
    assert.equal(granted.relayState, 't')
  })

  it('is asked about the mail address that goes as the NameID alone', async () => {
    const service = await samlService(
      { disclosure: 'ask', nameIdFormat: nameIdFormats.emailAddress },
      { requestedAttributes: { displayName: oids.displayName } },
    )
    const { client, account, person } = await signedInPerson(app)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    assert.match(textOf(page.body), new RegExp(`${account.username}@uni`))
    await client.get(redirectOf(await decide(client, page, agreed)))
    const record = await recordOf(person._id, service.entityId)
    assert.deepEqual([...record!.standing!.attributes].sort(), ['displayName', 'mail'])
  })

  it('needs a forced sign-in only once, before the page', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, account } = await signedInPerson(app)
    app.advance(1000)
    const forced = await client.get(samlAddress(app, service.entityId, { ForceAuthn: 'true' }))
    const page = await consentPage(client, await signIn(client, forced, account.username))
    app.advance(5000)
    const answer = await client.get(redirectOf(await decide(client, page, once)))
    assert.equal(statusOf(postedForm(answer).xml), 'Success')
  })

  it('writes decisions into the audit log by the names of attributes, never with values', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, account, person } = await signedInPerson(app)
    await throughPage(client, samlAddress(app, service.entityId), no)
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    const entries = await auditOf(app, person._id, /^consent\./)
    assert.deepEqual(
      entries.map(({ event }) => event),
      ['consent.disagree', 'consent.agree'],
    )
    for (const entry of entries) {
      assert.equal(entry.service, service.entityId)
      assert.deepEqual([...(entry.details as { attributes: string[] }).attributes].sort(), [
        'displayName',
        'eduPersonScopedAffiliation',
        'mail',
      ])
      assert.doesNotMatch(JSON.stringify(entry), new RegExp(`Παπαδοπούλου|${account.username}@`))
    }
  })
})

describe('A SAML service that informs', () => {
  it('shows a notice without a question, once', async () => {
    const legalGround = 'Νόμος 0000/2026, συνθετικός'
    const service = await samlService({ disclosure: 'inform', legalGround })
    const { client, person } = await signedInPerson(app)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const text = textOf(page.body)
    assert.match(text, /θα λάβει αυτά τα στοιχεία σας/)
    assert.match(text, /Δεν σας ζητείται έγκριση/)
    assert.match(text, /Νόμος 0000\/2026, συνθετικός/)
    assert.match(text, /Συνέχεια στην υπηρεσία/)
    assert.doesNotMatch(text, /Δεν συμφωνώ/)
    await client.get(redirectOf(await decide(client, page, agreed)))
    postedForm(await client.get(samlAddress(app, service.entityId)))
    const [entry] = await auditOf(app, person._id, /^consent\./)
    assert.equal(entry?.event, 'consent.inform')
  })

  it('gets nothing from who leaves', async () => {
    const service = await samlService({ disclosure: 'inform' })
    const { client } = await signedInPerson(app)
    const { xml } = await throughPage(client, samlAddress(app, service.entityId), no)
    assert.equal(statusOf(xml), 'Responder/RequestDenied')
  })

  it('asks all the same once it must: having read a notice is no consent', async () => {
    const service = await samlService({ disclosure: 'inform' })
    const { client } = await signedInPerson(app)
    await throughPage(client, samlAddress(app, service.entityId), agreed)
    await setServiceOverrides(service.entityId, { disclosure: 'ask' }, 'saml')
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    assert.match(textOf(page.body), /Δεν συμφωνώ/)
    await client.get(redirectOf(await decide(client, page, agreed)))
    await setServiceOverrides(service.entityId, { disclosure: 'inform' }, 'saml')
    postedForm(await client.get(samlAddress(app, service.entityId)))
  })
})

describe('A silent SAML service', () => {
  it('is answered at once, and nothing is kept about it', async () => {
    const service = await samlService({})
    const { client, person } = await signedInPerson(app)
    const { xml } = postedForm(await client.get(samlAddress(app, service.entityId)))
    assert.equal(attributesIn(xml).length, 3)
    assert.equal(await recordOf(person._id, service.entityId), null)
  })

  it('has no page, also where one was open when it fell silent', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client } = await signedInPerson(app)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    await setServiceOverrides(service.entityId, { disclosure: 'silent' }, 'saml')
    const answer = await client.get(redirectOf(await client.get(page.path)))
    assert.equal(statusOf(postedForm(answer).xml), 'Success')
  })
})

describe('Who has no session on the way', () => {
  it('signs in, and is asked then', async () => {
    const service = await samlService({ disclosure: 'ask' })
    const { client, account } = await signedInPerson(app)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const other = new HttpClient(app.baseUrl)
    const back = await signIn(other, await other.get(page.path), account.username)
    await consentPage(other, back)
  })
})
