import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  registerServiceProvider,
  removeService,
  setServiceOverrides,
} from '../../src/federation/registration.ts'
import { listServiceRecords } from '../../src/federation/service-store.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { serviceMetadata } from '../support/service-metadata.ts'

const hidden = `<Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"><saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://macedir.org/entity-category" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue>http://refeds.org/category/hide-from-discovery</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></Extensions>`

describe('Services on the home page', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())
  beforeEach(async () => {
    for (const { serviceId } of await listServiceRecords('saml')) {
      await removeService(serviceId, 'saml')
    }
  })

  async function add(host: string, about: object = {}, change = (xml: string) => xml) {
    const registration = { origin: 'cli', approve: true }
    const metadata = change(serviceMetadata(host, about))
    const { entityId } = await registerServiceProvider(metadata, registration)
    await setServiceOverrides(entityId, { startUrl: `https://${host}/start` }, 'saml')
  }

  async function visitor(role: PersonRole['role'] = 'student') {
    const roles = [
      { source: 's', sourceId: `${Math.random()}`, role, status: 'active', departmentCode: '101' },
    ] as PersonRole[]
    const { account } = await addPerson({ person: { roles } })
    const walk = new AccountWalk(app)
    await walk.signIn(account.username, testPassword)
    return walk
  }

  const linksTo = (body: string, host: string) => body.includes(`href="https://${host}/start"`)

  it('are there with where they start, but for those that want no place in lists', async () => {
    await add('open.example.org', { el: 'Ανοιχτή', en: 'Open' })
    await add('hidden.example.org', { el: 'Κρυφή', en: 'Hidden' }, (xml) =>
      xml.replace('<SPSSODescriptor', `${hidden}<SPSSODescriptor`),
    )
    const { body } = await (await visitor()).open('/')
    assert.ok(linksTo(body, 'open.example.org'))
    assert.ok(!linksTo(body, 'hidden.example.org'))
  })

  it('are those that the person can use: what is for students stands on students’ pages', async () => {
    await add('service.eudoxus.gr', { el: 'Εύδοξος (συνθετικός)', en: 'Eudoxus (synthetic)' })
    assert.ok(linksTo((await (await visitor('student')).open('/')).body, 'service.eudoxus.gr'))
    assert.ok(!linksTo((await (await visitor('staff')).open('/')).body, 'service.eudoxus.gr'))
  })

  it('are found by words in either language, without accents', async () => {
    await add('a.example.org', { el: 'Ηλεκτρονική τάξη', en: 'Classroom' })
    await add('b.example.org', { el: 'Βιβλιοθήκη', en: 'Library' })
    const walk = await visitor()
    for (const search of ['ταξη', 'ΗΛΕΚΤΡΟΝΙΚΗ', 'classroom', 'a.example']) {
      const { body } = await walk.open(`/?q=${encodeURIComponent(search)}`)
      assert.ok(linksTo(body, 'a.example.org'), search)
      assert.ok(!linksTo(body, 'b.example.org'), search)
      assert.match(body, /Βρέθηκε 1 υπηρεσία/)
    }
    const none = await walk.open('/?q=%3Cscript%3Eqqq')
    assert.match(none.body, /Βρέθηκαν 0 υπηρεσίες για «&lt;script&gt;qqq»/)
    assert.equal((await walk.open('/?q=a&q=b')).status, 200)
  })

  it('are searched by a form where they are many', async () => {
    const walk = await visitor()
    for (let count = 0; count < 7; count++) await add(`s${count}.example.org`)
    assert.match((await walk.open('/')).body, /<form class="search" method="get" action="\/"/)
  })
})
