import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  registerRelyingParty,
  registerServiceProvider,
  removeService,
  setServiceOverrides,
} from '../../src/federation/registration.ts'
import type { ServiceOverrides } from '../../src/federation/service.ts'
import { listServiceRecords } from '../../src/federation/service-store.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { makeAmka } from '../people/support.ts'
import { AccountWalk } from '../support/account-walk.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson, testPassword } from '../support/people.ts'
import { serviceMetadata } from '../support/service-metadata.ts'

const list = '/account/services'

describe('Services, and what each of them would receive', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp({ DEV_PAGES: 'true', LOG_LEVEL: 'error' })
  })
  after(() => app.close())
  beforeEach(async () => {
    for (const protocol of ['saml', 'oidc'] as const) {
      for (const { serviceId } of await listServiceRecords(protocol)) {
        await removeService(serviceId, protocol)
      }
    }
  })

  const registration = { origin: 'cli', approve: true }

  /** @returns the page on what it would receive */
  async function addService(
    host: string,
    about: Parameters<typeof serviceMetadata>[1] = {},
    overrides: ServiceOverrides = {},
  ): Promise<string> {
    const { entityId } = await registerServiceProvider(serviceMetadata(host, about), registration)
    await setServiceOverrides(entityId, overrides, 'saml')
    return releasePage('saml', entityId)
  }

  const releasePage = (protocol: string, id: string) =>
    `${list}/release?${new URLSearchParams({ protocol, id })}`

  const role = (change: Partial<PersonRole> = {}): PersonRole => ({
    source: 'sis',
    sourceId: `s-${Math.random()}`,
    role: 'student',
    status: 'active',
    departmentCode: '101',
    ministryCode: '267',
    registrationNumber: '20250113',
    ...change,
  })

  async function visitor(person: Parameters<typeof addPerson>[0] = {}) {
    const { account } = await addPerson(person)
    const walk = new AccountWalk(app)
    await walk.signIn(account.username, testPassword, '/account')
    return { walk, account, open: (path: string) => walk.open(path) }
  }

  it('ask for the sign-in first', async () => {
    for (const path of [list, releasePage('saml', 'https://a.example/')]) {
      const answer = await new AccountWalk(app).client.get(path)
      assert.equal(answer.status, 303)
      assert.match(answer.headers.location ?? '', /^\/login\?flow=/)
    }
  })

  it('are listed by name with a link to what each would receive; those that wait are not', async () => {
    await addService('sp.example.org', { el: 'Ωκεανός', en: 'Ocean' })
    await addService('a.example.org', { el: 'Άλφα', en: 'Alpha' })
    const waiting = serviceMetadata('waiting.example.org', { el: 'Αναμονή', en: 'Waiting' })
    await registerServiceProvider(waiting, { origin: 'cli', approve: false })
    const { open } = await visitor()
    const { body } = await open(list)
    const names = [...body.matchAll(/<b>([^<]+)<\/b>/g)].map(([, name]) => name)
    assert.deepEqual(
      names.filter((name) => ['Άλφα', 'Ωκεανός', 'Αναμονή'].includes(name!)),
      ['Άλφα', 'Ωκεανός'],
    )
    const href = releasePage('saml', 'https://a.example.org/sp').replace('&', '&amp;')
    assert.ok(body.includes(`href="${href}"`))
    assert.match(body, /2 υπηρεσίες/)
    assert.match(body, /aria-current="page">Υπηρεσίες</)
  })

  it('are found without accents and capitals, by the other language and by what a preset says', async () => {
    await addService('service.eudoxus.gr', { el: 'Πληροφοριακό σύστημα', en: 'Information system' })
    await addService('lib.example.org', { el: 'Βιβλιοθήκη', en: 'Library' })
    const { open } = await visitor()
    const found = async (q: string) => {
      const { body } = await open(`${list}?${new URLSearchParams({ q })}`)
      return ['Πληροφοριακό σύστημα', 'Βιβλιοθήκη'].filter((name) => body.includes(`<b>${name}<`))
    }
    assert.deepEqual(await found('ΕΥΔΟΞΟΣ'), ['Πληροφοριακό σύστημα'])
    assert.deepEqual(await found('textbooks'), ['Πληροφοριακό σύστημα'])
    assert.deepEqual(await found('βιβλιοθηκη'), ['Βιβλιοθήκη'])
    assert.deepEqual(await found('library lib.example'), ['Βιβλιοθήκη'])
    assert.deepEqual(await found('library eudoxus'), [])
    const { body } = await open(list)
    assert.match(body, /Γνωστή ως: Εύδοξος/)
  })

  it('are shown sixty at a time, and the page says how to find the others', async () => {
    for (let n = 1; n <= 61; n++) {
      const name = `S${String(n).padStart(2, '0')}`
      const xml = serviceMetadata(`s${n}.example.org`, { el: name, en: name })
      await registerServiceProvider(xml, registration)
    }
    const { open } = await visitor()
    const { body } = await open(list)
    assert.match(body, /Εμφανίζονται οι πρώτες 60 από τις 61/)
    assert.ok(body.includes('<b>S60<') && !body.includes('<b>S61<'))
    assert.ok((await open(`${list}?q=s61`)).body.includes('<b>S61<'))
  })

  it('show a search as text, and say that nothing was found', async () => {
    await addService('lib.example.org')
    const { open } = await visitor()
    const q = '"><script>alert(1)</script>'
    const { body, status } = await open(`${list}?${new URLSearchParams({ q })}`)
    assert.equal(status, 200)
    assert.ok(!body.includes('<script>alert'))
    assert.match(body, /Βρέθηκαν 0 υπηρεσίες/)
    assert.equal((await open(`${list}?q=a&q=b`)).status, 200)
  })

  it('tell what goes, in words and to the letter, with why and on what ground', async () => {
    const page = await addService('service.eudoxus.gr', { el: 'Εύδοξος', en: 'Eudoxus' })
    const { open, account } = await visitor({ person: { roles: [role()] } })
    const { body } = await open(page)
    for (const shown of [
      'Τι θα λάβει η υπηρεσία «Εύδοξος»',
      'Δήμητρα Παπαδοπούλου',
      `${account.username}@uni.example.gr`,
      'Φοιτητής ή φοιτήτρια',
      '20250113',
      'Βρίσκει το Τμήμα σας και τα συγγράμματα που δικαιούστε.',
      'ΓΚΠΔ, άρθρο 6 παρ. 1 στοιχ. ε)',
      'Πριν δοθούν, θα δείτε μια σελίδα που λέει τι δίνεται.',
      'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:267:20250113',
      'href="/account/services"',
    ])
      assert.ok(body.includes(shown), shown)
    assert.ok(!body.includes('Λείπει κάτι'))
  })

  it('tell what is missing and whom to ask', async () => {
    const page = await addService('service.eudoxus.gr')
    const { open } = await visitor({ person: { roles: [role({ ministryCode: undefined })] } })
    const { body } = await open(page)
    const missing = /<section class="note lacking"[\s\S]*?<\/section>/.exec(body)?.[0] ?? ''
    assert.deepEqual(
      [...missing.matchAll(/<li>([\s\S]*?)<\/li>/g)].map(([, text]) => text),
      ['<b>Κωδικός του Τμήματος στο Υπουργείο</b>'],
    )
    assert.match(missing, /class="keeper"[\s\S]*Γραμματεία του Τμήματός σας/)
  })

  it('never show the AcademicID, only whether it is there or on its way', async () => {
    const page = await addService('a.example.org', {}, { preset: 'e-secretariat' })
    const academicId = 'synthetic-academic-id-4711'
    const ready = await visitor({ person: { roles: [role()], academicId } })
    const there = (await ready.open(page)).body
    assert.ok(!there.includes(academicId))
    assert.match(there, /Το ισόβιο Ακαδημαϊκό σας αναγνωριστικό \(δεν εμφανίζεται\)/)
    const waiting = await visitor({ person: { roles: [role()] } })
    const comes = (await waiting.open(page)).body
    assert.match(comes, /εκδίδεται αυτόματα και είναι καθ’ οδόν/)
  })

  it('show of a national number its end, and say why one does not go', async () => {
    const amka = makeAmka('2007-03-12', 4321)
    const { open } = await visitor({
      person: {
        nationalNumbers: [sealNationalNumber(app.context.secrets, 'GR', amka)],
        roles: [role()],
      },
    })
    const names = ['schGrAcPersonSSN']
    const allowed = await addService('a.example.org', {}, { release: names })
    const shown = (await open(allowed)).body
    assert.ok(!shown.includes(amka))
    assert.match(shown, new RegExp(`•+${amka.slice(-2)}`))
    const asking = await addService('b.example.org', { requests: names })
    const refused = (await open(asking)).body
    assert.match(refused, /Δεν θα λάβει[\s\S]*ΑΜΚΑ[\s\S]*Εθνικοί αριθμοί δεν δίνονται/)
    assert.ok(!refused.includes(amka.slice(-2).padStart(11, '•')))
  })

  it('count no role that is not activated', async () => {
    const page = await addService('a.example.org', {}, { release: ['eduPersonAffiliation'] })
    const { open } = await visitor({
      account: { activatedRoles: ['student'] },
      person: { roles: [role(), role({ role: 'staff' })] },
    })
    const { body } = await open(page)
    assert.match(body, /Φοιτητής ή φοιτήτρια/)
    assert.doesNotMatch(body, /Εργαζόμενος/)
  })

  it('say of a client that it can ask for so much at most', async () => {
    const { clientId } = await registerRelyingParty(
      {
        client_name: 'Library',
        redirect_uris: ['https://app.example.org/cb'],
        scope: 'openid email',
        policy_uri: 'https://app.example.org/privacy',
      },
      registration,
    )
    const { open, account } = await visitor()
    const { body } = await open(`${releasePage('oidc', clientId)}&lang=en`)
    assert.match(body, /The service itself asks for these\./)
    assert.doesNotMatch(body, /The service asks for it\./, 'once for all, not in each row')
    assert.match(body, /It can ask for up to these/)
    assert.ok(body.includes(`${account.username}@uni.example.gr`))
    assert.match(body, /The service itself asks for them/)
    assert.match(body, /href="https:\/\/app\.example\.org\/privacy"/)
  })

  it('are not found when nobody can go there', async () => {
    const xml = serviceMetadata('waiting.example.org')
    const { entityId } = await registerServiceProvider(xml, { origin: 'cli', approve: false })
    const { open } = await visitor()
    for (const path of [
      releasePage('saml', entityId),
      releasePage('saml', 'https://nowhere.example/'),
      releasePage('oidc', entityId),
      releasePage('cas', entityId),
      `${list}/release`,
      `${list}/release?protocol=constructor&id=a`,
      `${list}/release?protocol=saml&id=a&id=b`,
    ]) {
      assert.equal((await open(path)).status, 404, path)
    }
  })
})
