import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import { accounts, people } from '../../src/people/people-store.ts'
import { addClient, TestService } from '../oidc/relying-party-support.ts'
import { newPerson, postedForm, redirectOf, statusOf } from '../saml/sso-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { unescapeHtml } from '../support/html.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'
import { addPerson } from '../support/people.ts'
import { syntheticAmka } from '../support/registrant.ts'
import {
  agreed,
  attributesIn,
  consentPage,
  decide,
  oids,
  recordOf,
  samlAddress,
  samlService,
  signedInPerson,
  signInAt,
  textOf,
} from './consent-support.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

/** Somebody in front of the page of a service that asks. */
async function atPage() {
  const service = await samlService({ disclosure: 'ask' })
  const someone = await signedInPerson(app)
  const answer = await someone.client.get(samlAddress(app, service.entityId))
  return { ...someone, service, page: await consentPage(someone.client, answer) }
}

describe('The consent page', () => {
  it('keeps two tabs apart: each decision goes where it was asked for', async () => {
    const [one, two] = [
      await samlService({ disclosure: 'ask' }),
      await samlService({ disclosure: 'ask' }),
    ]
    const { client, person } = await signedInPerson(app)
    const firstTab = await consentPage(client, await client.get(samlAddress(app, one.entityId)))
    const secondTab = await consentPage(client, await client.get(samlAddress(app, two.entityId)))
    const second = postedForm(await client.get(redirectOf(await decide(client, secondTab, agreed))))
    const refused = await decide(client, firstTab, { decision: 'disagree' })
    const first = postedForm(await client.get(redirectOf(refused)))
    assert.equal(second.action, two.acsUrl)
    assert.equal(statusOf(second.xml), 'Success')
    assert.equal(first.action, one.acsUrl)
    assert.equal(statusOf(first.xml), 'Responder/RequestDenied')
    assert.equal((await recordOf(person._id, one.entityId))?.standing, undefined)
    assert.ok((await recordOf(person._id, two.entityId))?.standing)
  })

  it('is not for another person, to read or to answer', async () => {
    const { client, page, service } = await atPage()
    const stranger = await signedInPerson(app)
    const seen = await stranger.client.get(page.path)
    assert.equal(seen.status, 403)
    assert.match(seen.body, /CONSENT_PERSON_CHANGED/)
    assert.doesNotMatch(textOf(seen.body), /Παπαδοπούλου/)
    const answered = await decide(stranger.client, page, agreed)
    assert.equal(answered.status, 403)
    assert.equal(await recordOf(stranger.person._id, service.entityId), null)
    client.close()
  })

  it('is not for who signed in on the same browser since', async () => {
    const { client, page, person, service } = await atPage()
    const other = await addPerson()
    await client.post('/logout', { _csrf: hiddenField(page.body, '_csrf') })
    await signInAt(client, other.account.username)
    assert.equal((await decide(client, page, agreed)).status, 403)
    assert.equal(await recordOf(person._id, service.entityId), null)
    assert.equal(await recordOf(other.person._id, service.entityId), null)
  })

  it('brings no decision to another person’s sign-on', async () => {
    const { client, page, service } = await atPage()
    const resume = redirectOf(await decide(client, page, agreed))
    const stranger = await signedInPerson(app)
    await consentPage(stranger.client, await stranger.client.get(resume))
    assert.equal(await recordOf(stranger.person._id, service.entityId), null)
  })

  it('brings no decision into another sign-in of the same person', async () => {
    for (const decision of ['agree', 'disagree']) {
      const { client, account, page } = await atPage()
      const resume = redirectOf(await decide(client, page, { decision }))
      const elsewhere = new HttpClient(app.baseUrl)
      await signInAt(elsewhere, account.username)
      await consentPage(elsewhere, await elsewhere.get(resume))
    }
  })

  it('gives one answer for an agreement that was not to be remembered, also when two ask at once', async () => {
    const { client, page } = await atPage()
    const resume = redirectOf(await decide(client, page, { decision: 'agree' }))
    const answers = await Promise.all([1, 2, 3, 4].map(() => client.get(resume)))
    const given = answers.filter(({ status }) => status === 200)
    assert.equal(given.length, 1)
    assert.equal(statusOf(postedForm(given[0]!).xml), 'Success')
    await consentPage(client, await client.get(resume))
  })

  it('takes decisions from many tabs at once: one version each, none lost', async () => {
    const { client, page, person, service } = await atPage()
    const choices = [agreed, { decision: 'agree' }, { decision: 'disagree' }, agreed, agreed]
    const answers = await Promise.all(choices.map((fields) => decide(client, page, fields)))
    assert.ok(answers.every(({ status }) => status === 303))
    const record = await recordOf(person._id, service.entityId)
    assert.deepEqual(
      record?.decisions.map(({ version }) => version),
      [1, 2, 3, 4, 5],
    )
    assert.equal(record?.decisions.filter(({ kind }) => kind === 'disagree').length, 1)
    assert.ok(record?.standing)
  })

  it('refuses an address that was not made here, was changed, or is too old', async () => {
    const { client, page } = await atPage()
    const token = new URL(page.path, app.baseUrl).searchParams.get('flow')!
    const changed = `${token.slice(0, -2)}${token.endsWith('A') ? 'BB' : 'AA'}`
    for (const flow of ['', 'x', changed, `${token}A`]) {
      const answer = await client.get(`/consent?flow=${flow}`)
      assert.equal(answer.status, 400, flow.slice(0, 20))
      assert.match(answer.body, /LOGIN_FLOW_INVALID/)
    }
    assert.equal((await client.get('/consent')).status, 400)
    app.advance(app.context.config.loginFlowSeconds * 1000 + 1000)
    const late = await decide(client, page, agreed)
    assert.equal(late.status, 400)
    assert.match(late.body, /LOGIN_FLOW_EXPIRED/)
  })

  it('takes no flow of a sign-in, and a sign-in none of the page', async () => {
    const { client, page, service } = await atPage()
    const stranger = new HttpClient(app.baseUrl)
    const login = redirectOf(await stranger.get(samlAddress(app, service.entityId)))
    const flow = new URL(login, app.baseUrl).searchParams.get('flow')
    assert.match((await client.get(`/consent?flow=${flow}`)).body, /LOGIN_FLOW_INVALID/)
    const own = new URL(page.path, app.baseUrl).searchParams.get('flow')
    assert.match((await client.get(`/saml/sso/resume?flow=${own}`)).body, /LOGIN_FLOW_INVALID/)
  })

  it('takes no form of one service at the address of another', async () => {
    const { client, page, person, service } = await atPage()
    const other = await samlService({ disclosure: 'ask' })
    const otherPage = await consentPage(client, await client.get(samlAddress(app, other.entityId)))
    const answer = await client.post(otherPage.path, {
      _csrf: hiddenField(page.body, '_csrf'),
      flow: hiddenField(page.body, 'flow'),
      ...agreed,
    })
    assert.equal(answer.status, 400)
    assert.match(answer.body, /LOGIN_FLOW_INVALID/)
    assert.equal(await recordOf(person._id, service.entityId), null)
    assert.equal(await recordOf(person._id, other.entityId), null)
  })

  it('takes no decision about one interaction at another', async () => {
    const clientId = `client-${newName()}`
    await addClient({
      client_id: clientId,
      token_endpoint_auth_method: 'none',
      client_secret: undefined,
    })
    await setServiceOverrides(clientId, { disclosure: 'ask' }, 'oidc')
    const service = await TestService.discover(app.baseUrl, clientId, () => {})
    const { client } = await signedInPerson(app)
    const paths: string[] = []
    for (let tab = 0; tab < 2; tab += 1) {
      const { pathname, search } = new URL(await service.authorizationUrl())
      const interaction = redirectOf(await client.get(pathname + search))
      paths.push(interaction)
    }
    // The jar of this client knows no paths: the cookie is of the second interaction.
    const page = await consentPage(client, await client.get(paths[1]!))
    const resume = redirectOf(await decide(client, page, agreed))
    const crossed = await client.get(resume.replace(paths[1]!, paths[0]!))
    assert.equal(crossed.status, 400)
    assert.equal((await client.get(resume)).status, 303)
  })

  it('does nothing without its CSRF token', async () => {
    const { client, page, person: someone, service } = await atPage()
    const flow = hiddenField(page.body, 'flow')
    for (const fields of [
      { flow, ...agreed },
      { flow, _csrf: 'x', ...agreed },
    ]) {
      const answer = await client.post(page.path, fields)
      assert.equal(answer.status, 403)
      assert.match(answer.body, /CSRF_INVALID/)
    }
    assert.equal(await recordOf(someone._id, service.entityId), null)
  })

  it('stays, with an error, where no button was pressed', async () => {
    const { client, page, person: someone, service } = await atPage()
    for (const decision of ['', 'maybe']) {
      const answer = await decide(client, page, { decision })
      assert.equal(answer.status, 422)
      assert.match(textOf(answer.body), /Επιλέξτε αν θα συνεχίσετε ή όχι/)
      assert.match(answer.body, /<title>Σφάλμα:/)
    }
    assert.equal(await recordOf(someone._id, service.entityId), null)
  })

  it('asks afresh when something new would go by the time the button is pressed', async () => {
    const { client, page, person: someone, service } = await atPage()
    const overrides = { disclosure: 'ask', release: ['schacPersonalUniqueCode'] } as const
    await setServiceOverrides(service.entityId, overrides, 'saml')
    const again = await consentPage(client, await decide(client, page, agreed))
    assert.match(textOf(again.body), /Αριθμός μητρώου/)
    assert.equal(await recordOf(someone._id, service.entityId), null)
    const answer = await client.get(redirectOf(await decide(client, again, agreed)))
    assert.equal(attributesIn(postedForm(answer).xml).length, 4)
  })

  it('asks afresh when something new would go by the time of the answer', async () => {
    const { client, page, service } = await atPage()
    const resume = redirectOf(await decide(client, page, agreed))
    const overrides = { disclosure: 'ask', release: ['schacPersonalUniqueCode'] } as const
    await setServiceOverrides(service.entityId, overrides, 'saml')
    await consentPage(client, await client.get(resume))
  })

  it('asks once more as a question what was a notice when it was opened', async () => {
    const service = await samlService({ disclosure: 'inform' })
    const { client } = await signedInPerson(app)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    await setServiceOverrides(service.entityId, { disclosure: 'ask' }, 'saml')
    const again = await consentPage(client, await decide(client, page, agreed))
    assert.match(textOf(again.body), /Δεν συμφωνώ/)
  })

  it('opens for nobody whose account was stopped meanwhile', async () => {
    const { client, page, account } = await atPage()
    await accounts().updateOne({ _id: account._id }, { $set: { state: 'disabled' } })
    const answer = await decide(client, page, agreed)
    assert.match(redirectOf(answer), /^\/login\?flow=/)
  })
})

describe('What the consent page shows', () => {
  it('never has the AcademicID, and of national numbers the last two digits', async () => {
    const amka = syntheticAmka('2007-03-12')
    const academicId = 'synthetic-academic-id-0001'
    const sealed = sealNationalNumber(app.context.secrets, 'GR', amka)
    const release = ['schGrAcPersonID', 'schGrAcPersonSSN', 'schacPersonalUniqueID']
    const service = await samlService({ disclosure: 'ask', release })
    const { account } = await addPerson({ person: { nationalNumbers: [sealed], academicId } })
    const client = new HttpClient(app.baseUrl)
    await signInAt(client, account.username)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    assert.ok(!page.body.includes(amka))
    assert.ok(!page.body.includes(academicId))
    assert.match(textOf(page.body), new RegExp(`•{9}${amka.slice(-2)}`))
    assert.match(textOf(page.body), /ισόβιο Ακαδημαϊκό σας αναγνωριστικό \(δεν εμφανίζεται\)/)
    const answer = await client.get(redirectOf(await decide(client, page, agreed)))
    assert.ok(postedForm(answer).xml.includes(academicId))
  })

  it('says what the service needs and lacks, and whom to ask, and lets the person go on', async () => {
    const service = await samlService(
      { disclosure: 'ask' },
      { requestedAttributes: { ...oids, schacDateOfBirth: 'urn:oid:1.3.6.1.4.1.25178.1.2.3' } },
    )
    const { account, person: someone } = await addPerson()
    await people().updateOne({ _id: someone._id }, { $unset: { birthDate: '' } })
    const client = new HttpClient(app.baseUrl)
    await signInAt(client, account.username)
    const page = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const text = textOf(page.body)
    assert.match(text, /Λείπει κάτι που χρειάζεται η υπηρεσία/)
    assert.match(text, /Ημερομηνία γέννησης/)
    assert.match(text, /απευθυνθείτε: Γραμματεία/)
    const answer = await client.get(redirectOf(await decide(client, page, agreed)))
    assert.equal(attributesIn(postedForm(answer).xml).length, 3)
  })

  it('names what is missing once, not every attribute that hangs on it', async () => {
    const service = await samlService({ preset: 'transfers' })
    const { account, person: someone } = await addPerson()
    await people().updateOne({ _id: someone._id }, { $unset: { 'roles.0.ministryCode': '' } })
    const client = new HttpClient(app.baseUrl)
    await signInAt(client, account.username)
    const { body } = await consentPage(client, await client.get(samlAddress(app, service.entityId)))
    const lacking = /<div class="note lacking"[\s\S]*?<\/div>/.exec(body)?.[0] ?? ''
    assert.deepEqual(
      [...lacking.matchAll(/<li>([\s\S]*?)<\/li>/g)].map(([, text]) => text),
      ['<b>Κωδικός του Τμήματος στο Υπουργείο</b>'],
    )
    assert.match(lacking, /class="keeper"[\s\S]*Γραμματεία/)
  })

  it('escapes what services and records say', async () => {
    const evil = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>'
    const clientId = `client-${newName()}`
    await addClient({
      client_id: clientId,
      client_name: evil,
      'client_name#el': evil,
      policy_uri: 'https://service.example/privacy',
    })
    await setServiceOverrides(clientId, { disclosure: 'ask' }, 'oidc')
    const { client, account, person: someone } = await newPerson(app)
    await people().updateOne({ _id: someone._id }, { $set: { 'lastName.el': evil } })
    await signInAt(client, account.username)
    const parameters = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: 'https://service.example/callback',
      scope: 'openid profile',
      state: 'kept-0123456789',
      nonce: 'n-0123456789',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const interaction = redirectOf(await client.get(`/oidc/auth?${parameters}`))
    const page = await consentPage(client, await client.get(interaction))
    assert.ok(!page.body.includes('<script>alert'))
    assert.ok(!page.body.includes('<img src=x'))
    assert.ok(unescapeHtml(page.body).includes(evil))
    assert.match(String(page.headers['content-security-policy']), /script-src 'self'(;|$)/)
  })
})

let made = 0
const newName = () => `synthetic-${++made}`
