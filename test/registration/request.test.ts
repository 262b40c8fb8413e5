import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { registrationRequestsCommand } from '../../src/cli/registration-requests.ts'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import { findServiceProvider, serviceRecords } from '../../src/federation/service-store.ts'
import { ThrottleModel } from '../../src/limits/throttle-model.ts'
import { MessageModel } from '../../src/messages/message-model.ts'
import { listRequests, registrationRequests } from '../../src/registration/request-store.ts'
import { takeOutput } from '../cli/support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { forgetRegistrations, goodMetadata, RegistrationWalk } from './registration-walk.ts'

const dayMs = 24 * 3_600_000
const reasons = { 'reason-mail': 'To send receipts' }

describe('Asking for a registration', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())
  beforeEach(async () => {
    await forgetRegistrations()
    await MessageModel.deleteMany({})
  })
  const walk = () => new RegistrationWalk(app.baseUrl)

  async function cli(...args: string[]) {
    let failure: Error & { code?: string } = new Error('none')
    const printed = await takeOutput(() =>
      registrationRequestsCommand(app.context, args).catch((error) => {
        failure = error
        return 1
      }),
    )
    return { ...printed, failure }
  }

  const approve = (reference: string) => cli('request', 'approve', reference)

  it('lets entity categories count only as an administrator says at approval', async () => {
    const claimed = (host: string) =>
      goodMetadata(host).replace(
        '<SPSSODescriptor',
        `<Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"><saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://macedir.org/entity-category"><saml:AttributeValue>https://refeds.org/category/personalized</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></Extensions><SPSSODescriptor`,
      )
    const institution = {
      ...app.context.institution,
      release: { entityCategories: ['personalized'] as const },
    }
    const decide = (...args: string[]) =>
      takeOutput(() => registrationRequestsCommand({ ...app.context, institution } as never, args))
    for (const [host, given, counting] of [
      ['one.example.org', 'none', []],
      ['two.example.org', 'personalized', ['personalized']],
    ] as const) {
      const service = walk()
      await service.confirm(await service.askAndGetLink(claimed(host), reasons))
      const [{ _id = '' } = {}] = await listRequests(['waiting'])
      const shown = await decide('request', 'show', _id)
      assert.match(shown.out, /personalized \(Personalized Access\): .*mail/)
      const refused = await decide('request', 'approve', _id)
      assert.equal(refused.code, 2)
      assert.match(refused.err, /needs --categories/)
      assert.equal((await decide('request', 'approve', _id, '--categories', 'x')).code, 2)
      assert.equal(await findServiceProvider(`https://${host}/sp`), undefined)
      assert.equal((await decide('request', 'approve', _id, '--categories', given)).code, 0)
      const sp = await findServiceProvider(`https://${host}/sp`)
      assert.deepEqual(sp?.overrides.categories, counting)
    }
  })

  describe('by the form', () => {
    it('keeps it, writes to the contact, and waits for the link', async () => {
      const service = walk()
      const answer = await service.ask(goodMetadata('sp.example.org'), reasons)
      assert.equal(answer.status, 303)
      assert.match(answer.headers.location ?? '', /\/sent\?reference=[A-Z2-9]{3}-[A-Z2-9]{3}$/)
      const sent = await service.client.get(answer.headers.location ?? '')
      assert.match(sent.body, /τρεις ημέρες/)
      const [request] = await registrationRequests().find().toArray()
      assert.equal(request?.state, 'unconfirmed')
      assert.deepEqual(request?.reasons, { mail: 'To send receipts' })
      assert.equal(await serviceRecords().countDocuments(), 0)
      const mail = await service.mailTo('admin@sp.example.org')
      assert.match(mail.text, /https:\/\/sp\.example\.org\/sp/)
      assert.doesNotMatch(mail.text, /Υπηρεσία δοκιμής|Synthetic/, 'no words of the service’s own')
      assert.match((await cli('requests')).out, /no request waits/)
    })

    it('wants a reason for each attribute, by its field, and keeps what was typed', async () => {
      const metadata = goodMetadata('sp.example.org')
      const answer = await walk().ask(metadata, { 'reason-mail': '  ' })
      assert.equal(answer.status, 422)
      assert.match(answer.body, /href="#reason-mail"/)
      assert.match(answer.body, /id="reason-mail-error"/)
      assert.match(answer.body, /https:\/\/sp\.example\.org\/acs/)
      assert.equal(await registrationRequests().countDocuments(), 0)
    })

    it('checks again what was checked: a form can hold anything', async () => {
      const metadata = goodMetadata('sp.example.org', { acs: 'http://sp.example.org/acs' })
      assert.equal((await walk().ask(metadata, reasons)).status, 422)
      assert.equal(await registrationRequests().countDocuments(), 0)
    })

    it('floods no mailbox', async () => {
      const statuses: number[] = []
      for (let tries = 0; tries < 6; tries++) {
        statuses.push((await walk().ask(goodMetadata('sp.example.org'), reasons)).status)
      }
      assert.deepEqual(statuses, [303, 303, 303, 303, 303, 429])
    })
  })

  describe('and the link in the mail', () => {
    it('shows what it is about, and a button confirms it once', async () => {
      const service = walk()
      const link = await service.askAndGetLink(goodMetadata('sp.example.org'), reasons)
      // Mail programs open links by themselves: that changes nothing.
      for (let opened = 0; opened < 2; opened++) {
        const page = await service.client.get(link)
        assert.equal(page.status, 200)
        assert.match(page.body, /Είναι δική σας αυτή η αίτηση;/)
        assert.match(page.body, /<bdi>To send receipts<\/bdi>/)
      }
      const state = await service.confirm(link)
      assert.match(state.body, /Περιμένει την απόφαση διαχειριστή/)
      assert.equal((await service.client.get(link)).status, 404)
      const again = await service.press('/federation/register/confirm', link, link)
      assert.equal(again.status, 404)
      assert.match(
        (await cli('requests')).out,
        /waiting {6}new {5}saml {2}https:\/\/sp\.example\.org\/sp/,
      )
    })

    it('works for three days', async () => {
      const service = walk()
      const link = await service.askAndGetLink(goodMetadata('sp.example.org'), reasons)
      app.advance(3 * dayMs)
      assert.equal((await service.client.get(link)).status, 404)
      assert.equal((await service.press('/federation/register/confirm', link)).status, 404)
      app.advance(-3 * dayMs)
    })

    it('is in the store as a keyed hash only, and the mail with it not at all outside a trial', async () => {
      const service = walk()
      const link = await service.askAndGetLink(goodMetadata('sp.example.org'), reasons)
      const token = link.slice(link.indexOf('=') + 1)
      const stored = JSON.stringify(await registrationRequests().find().toArray())
      assert.ok(!stored.includes(token))
      const message = await MessageModel.findOne({ kind: 'service-registration' }).lean()
      assert.equal(message?.hasCode, true)
    })

    it('tells the contact the page’s own link, and an administrator that something waits', async () => {
      const service = walk()
      const link = await service.askAndGetLink(goodMetadata('sp.example.org'), reasons)
      await service.confirm(link)
      const mail = await service.mailTo('admin@sp.example.org')
      const [stateLink] = /http\S+\/federation\/request\?token=[\w-]{22}/.exec(mail.text) ?? []
      assert.ok(stateLink, mail.text)
      assert.equal((await service.client.get(stateLink)).status, 200)
      const { email } = app.context.institution.technicalContact
      assert.match((await service.mailTo(email)).text, /federation request show/)
    })

    it('of one kind opens nothing of the other', async () => {
      const service = walk()
      const link = await service.askAndGetLink(goodMetadata('sp.example.org'), reasons)
      const token = link.slice(link.indexOf('=') + 1)
      assert.equal((await service.client.get(`/federation/request?token=${token}`)).status, 404)
    })
  })

  describe('and its page', () => {
    it('shows what the service would receive about somebody who does not exist', async () => {
      const { body } = await waiting('sp.example.org')
      assert.match(body, /φοιτήτρια που δεν υπάρχει/)
      assert.match(body, /Διεύθυνση email/i)
    })

    it('tells software in JSON', async () => {
      const { service, token } = await waiting('sp.example.org')
      const answer = await service.client.send(
        'GET',
        `/federation/request?token=${token}`,
        undefined,
        { accept: 'application/json' },
      )
      const { state, kind, id } = JSON.parse(answer.body)
      assert.deepEqual([state, kind, id], ['waiting', 'new', 'https://sp.example.org/sp'])
    })

    it('withdraws the request, which then cannot be approved', async () => {
      const { service, token, reference } = await waiting('sp.example.org')
      const page = `/federation/request?token=${token}`
      const answer = await service.press('/federation/request/withdraw', page)
      assert.equal(answer.status, 303)
      assert.match((await service.client.get(page)).body, /Η αίτηση αποσύρθηκε/)
      assert.equal((await service.press('/federation/request/withdraw', page)).status, 409)
      const { code, failure } = await approve(reference)
      assert.deepEqual([code, failure.code], [1, 'REGISTRATION_CHANGED_MEANWHILE'])
      assert.equal(await serviceRecords().countDocuments(), 0)
    })

    it('opens for its link only', async () => {
      await waiting('sp.example.org')
      for (const token of ['', 'x', 'A'.repeat(22), '../..', 'a&token=b']) {
        const answer = await walk().client.get(
          `/federation/request?token=${encodeURIComponent(token)}`,
        )
        assert.equal(answer.status, 404, token)
      }
    })

    it('changes nothing without a form of its own', async () => {
      const { service, token } = await waiting('sp.example.org')
      const answer = await service.client.post('/federation/request/withdraw', { token })
      assert.equal(answer.status, 403)
    })
  })

  describe('and an administrator', () => {
    it('sees all of it, approves it, and the contact is told', async () => {
      const { reference, service } = await waiting('sp.example.org')
      const shown = await cli('request', 'show', reference.toLowerCase().replace('-', ' '))
      assert.match(shown.out, /a new service, waiting/)
      assert.match(shown.out, /needs mail: To send receipts/)
      assert.match(
        shown.out,
        /\+ AssertionConsumerService HTTP-POST https:\/\/sp\.example\.org\/acs index 0/,
      )
      assert.match(shown.out, /\+ signing SHA-256 [0-9a-f]{64}/)
      assert.match((await approve(reference)).out, /is approved/)
      const sp = await findServiceProvider('https://sp.example.org/sp')
      assert.deepEqual([sp?.state, sp?.origin], ['approved', 'self'])
      assert.match((await service.mailTo('admin@sp.example.org')).subject ?? '', /εγκρίθηκε/)
      // As after a crash in between: done again it changes nothing, and nobody is written to twice.
      const mails = await MessageModel.countDocuments()
      assert.equal((await approve(reference)).code, 0)
      assert.equal(await MessageModel.countDocuments(), mails)
    })

    it('lists requests without what they hold, which may be a megabyte each', async () => {
      const { reference } = await waiting('sp.example.org')
      const [listed, ...more] = await listRequests(['waiting'])
      assert.equal(listed?._id, reference)
      assert.equal(more.length, 0)
      assert.ok(!('metadata' in listed))
      assert.match((await cli('requests')).out, new RegExp(reference))
    })

    it('rejects it with a reason that the contact reads', async () => {
      const { reference, service, token } = await waiting('sp.example.org')
      assert.equal((await cli('request', 'reject', reference)).code, 2)
      await cli('request', 'reject', reference, '--reason', 'Λείπει η πολιτική <b>απορρήτου</b>')
      assert.match((await service.mailTo('admin@sp.example.org')).text, /Λείπει η πολιτική/)
      const { body } = await service.client.get(`/federation/request?token=${token}`)
      assert.match(body, /Λείπει η πολιτική &lt;b&gt;/)
      const { failure } = await approve(reference)
      assert.equal(failure.code, 'REGISTRATION_CHANGED_MEANWHILE')
    })

    it('finishes an approval that a crash cut off', async () => {
      const { reference } = await waiting('sp.example.org')
      await registrationRequests().updateOne({ _id: reference }, { $set: { state: 'approved' } })
      assert.equal((await approve(reference)).code, 0)
      assert.equal((await findServiceProvider('https://sp.example.org/sp'))?.state, 'approved')
    })

    it('approves one of two new requests for the same service', async () => {
      const first = await waiting('sp.example.org')
      const second = await waiting('sp.example.org', { contact: 'other@evil.example' })
      assert.equal((await approve(first.reference)).code, 0)
      const { failure } = await approve(second.reference)
      assert.equal(failure.code, 'REGISTRATION_CHANGED_MEANWHILE')
      const sp = await findServiceProvider('https://sp.example.org/sp')
      assert.equal(sp?.contacts[0]?.email, 'admin@sp.example.org')
    })

    it('cannot approve over what was registered in another way meanwhile', async () => {
      const { reference } = await waiting('sp.example.org')
      const metadata = goodMetadata('sp.example.org', { acs: 'https://sp.example.org/theirs' })
      await registerServiceProvider(metadata, { origin: 'cli', approve: true })
      const { failure } = await approve(reference)
      assert.equal(failure.code, 'REGISTRATION_CHANGED_MEANWHILE')
      const request = await registrationRequests().findOne({ _id: reference })
      assert.equal(request?.state, 'waiting')
    })
  })

  describe('for a change', () => {
    const changed = (change: { contact?: string; acs?: string }) =>
      goodMetadata('sp.example.org', { acs: 'https://sp.example.org/acs2', ...change })

    it('is confirmed by the contact of the registration that runs, never by the new one', async () => {
      await running('sp.example.org')
      const service = walk()
      const metadata = changed({ contact: 'thief@evil.example' })
      assert.equal((await service.ask(metadata, reasons)).status, 303)
      assert.equal(await service.findMailTo('thief@evil.example'), undefined)
      const mail = await service.mailTo('admin@sp.example.org')
      assert.match(mail.subject ?? '', /αλλαγή/)
      const link = RegistrationWalk.linkIn(mail.text)
      const page = await service.client.get(link)
      assert.match(page.body, /class="added">.*https:\/\/sp\.example\.org\/acs2/)
      assert.match(page.body, /class="removed">.*https:\/\/sp\.example\.org\/acs /)
      assert.match(page.body, /thief@evil\.example/)
    })

    it('leaves what runs as it is until an administrator has seen the difference', async () => {
      await running('sp.example.org')
      const { reference } = await waiting('sp.example.org', { acs: 'https://sp.example.org/acs2' })
      const acs = async () =>
        (await findServiceProvider('https://sp.example.org/sp'))?.assertionConsumerServices[0]
          ?.location
      assert.equal(await acs(), 'https://sp.example.org/acs')
      const { out } = await cli('request', 'show', reference)
      assert.match(out, /a change, waiting/)
      assert.match(
        out,
        /- AssertionConsumerService HTTP-POST https:\/\/sp\.example\.org\/acs index 0/,
      )
      assert.match(
        out,
        /\+ AssertionConsumerService HTTP-POST https:\/\/sp\.example\.org\/acs2 index 0/,
      )
      assert.doesNotMatch(out, /keys|contacts/, 'what stays is not listed')
      await approve(reference)
      assert.equal(await acs(), 'https://sp.example.org/acs2')
    })

    it('is not approved when the contact has changed since', async () => {
      await running('sp.example.org')
      const visitor = walk()
      const other = goodMetadata('sp.example.org', { acs: 'https://sp.example.org/acs2' })
      const link = await visitor.askAndGetLink(other, { 'reason-mail': 'receipts' })
      const one = await waiting('sp.example.org', { contact: 'new@sp.example.org' })
      await approve(one.reference)
      await visitor.confirm(link)
      const late = await registrationRequests().findOne({ state: 'waiting' })
      const { failure } = await approve(late?._id ?? '')
      assert.match(failure.message, /another contact/)
    })

    it('takes the place of what the same contact asked before, so that it is not approved after', async () => {
      await running('sp.example.org')
      const one = await waiting('sp.example.org', { acs: 'https://sp.example.org/first' })
      const other = await waiting('sp.example.org', { acs: 'https://sp.example.org/second' })
      assert.equal(
        (await registrationRequests().findOne({ _id: one.reference }))?.state,
        'withdrawn',
      )
      const { failure } = await approve(one.reference)
      assert.equal(failure.code, 'REGISTRATION_CHANGED_MEANWHILE')
      assert.equal((await approve(other.reference)).code, 0)
    })

    it('of nothing is no request', async () => {
      await running('sp.example.org')
      const answer = await walk().submit({ metadata: goodMetadata('sp.example.org') })
      assert.match(answer.body, /Τα ίδια ακριβώς μεταδεδομένα/)
      assert.equal(answer.status, 422)
    })
  })

  describe('by software', () => {
    it('goes the same way', async () => {
      const service = walk()
      const metadata = goodMetadata('sp.example.org')
      const without = await service.json({ metadata }, '/federation/register/request')
      assert.equal(without.status, 422)
      assert.equal(without.json.findings[0].code, 'ATTRIBUTE_WITHOUT_REASON')
      const sent = await service.json(
        { metadata, reasons: { mail: 'receipts' } },
        '/federation/register/request',
      )
      assert.equal(sent.status, 202, sent.body)
      assert.equal(sent.json.state, 'unconfirmed')
      assert.equal(sent.json.contact, 'a•••••@s•••••.org')
      assert.doesNotMatch(sent.body, /token/)
      const mail = await service.mailTo('admin@sp.example.org')
      assert.match(mail.text, /Somebody asked/)
    })
  })

  /** A request whose contact has confirmed it. */
  async function waiting(host: string, change: { contact?: string; acs?: string } = {}) {
    await ThrottleModel.deleteMany({})
    const service = walk()
    const link = await service.askAndGetLink(goodMetadata(host, change), reasons)
    const page = await service.confirm(link)
    const reference = /\b[A-Z2-9]{3}-[A-Z2-9]{3}\b/.exec(page.body)?.[0] ?? ''
    return { service, reference, token: page.token, body: page.body }
  }

  /** A service that came by itself and is in use. */
  async function running(host: string): Promise<void> {
    const { reference } = await waiting(host)
    assert.equal((await approve(reference)).code, 0)
  }
})
