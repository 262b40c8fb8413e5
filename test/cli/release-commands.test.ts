import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { releaseCommand } from '../../src/cli/release.ts'
import {
  registerRelyingParty,
  registerServiceProvider,
  setServiceOverrides,
} from '../../src/federation/registration.ts'
import type { Institution } from '../../src/institution.ts'
import { sealNationalNumber } from '../../src/people/national-number.ts'
import type { PersonRole } from '../../src/people/person.ts'
import { makeAmka } from '../people/support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { addPerson } from '../support/people.ts'
import { takeOutput } from './support.ts'

const metadata = new URL('../fixtures/metadata/minimal.xml', import.meta.url)

const audited: AuditEvent[] = []
const audit = {
  record(event: AuditEvent) {
    audited.push(event)
  },
  close: async () => {},
}

describe('propylaia release', () => {
  let app: TestApp
  let entityId: string
  let clientId: string
  before(async () => {
    app = await startTestApp({ LOG_LEVEL: 'error' })
    const registration = { origin: 'cli', approve: true }
    const sp = await registerServiceProvider(readFileSync(metadata, 'utf8'), registration)
    entityId = sp.entityId
    const rp = await registerRelyingParty(
      {
        client_name: 'Synthetic client',
        redirect_uris: ['https://app.example.org/callback'],
        scope: 'openid email profile',
      },
      registration,
    )
    clientId = rp.clientId
  })
  after(() => app.close())

  const release = (...args: string[]) => releaseIn(app.context.institution, ...args)

  async function releaseIn(institution: Institution, ...args: string[]) {
    let failure: Error | undefined
    const printed = await takeOutput(() =>
      releaseCommand({ ...app.context, institution, audit }, args).catch((error) => {
        failure = error as Error
        return 1
      }),
    )
    return failure ? { ...printed, err: failure.message } : printed
  }

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

  it('explains to administrators what goes, why, what is missing and whom to ask', async () => {
    await setServiceOverrides(entityId, { preset: 'eudoxus' }, 'saml')
    const { account } = await addPerson({
      person: { roles: [role({ ministryCode: undefined })] },
    })
    const { code, out, err } = await release('explain', account.username, entityId)
    assert.equal(code, 0, err)
    assert.match(out, /^preset +eudoxus \(Eudoxus\), by administrator$/m)
    assert.match(out, /^disclosure +inform$/m)
    assert.match(out, /^ground +public-task: A task carried out in the public interest/m)
    assert.match(out, /\nGoes\n[\s\S]* {2}cn +Δήμητρα Παπαδοπούλου\n +because: preset\. /)
    assert.match(
      out,
      /\nWould go, but there is no value\n[\s\S]* {2}schacPersonalUniqueCode +required[^\n]*\n +not on record: The Ministry’s code of the department\n/,
    )
    assert.match(
      out,
      /^Eudoxus needs: The Ministry’s code of the department\. Ask: Secretariat of your Department$/m,
    )
  })

  it('shows of national numbers the end, and writes down who was looked at', async () => {
    const amka = makeAmka('2007-03-12', 1234)
    const { account, person } = await addPerson({
      person: {
        nationalNumbers: [sealNationalNumber(app.context.secrets, 'GR', amka)],
        roles: [role()],
      },
    })
    const overrides = { release: ['schGrAcPersonSSN', 'schacPersonalUniqueID'] }
    await setServiceOverrides(entityId, overrides, 'saml')
    const { out } = await release('explain', account.username, entityId, '--json')
    assert.ok(!out.includes(amka))
    const { attributes } = JSON.parse(out)
    assert.deepEqual(
      attributes.map(({ name, values }: { name: string; values: string[] }) => [name, values]),
      [
        [
          'schacPersonalUniqueID',
          [`urn:mace:terena.org:schac:personalUniqueID:gr:SSN:*********${amka.slice(-2)}`],
        ],
        ['schGrAcPersonSSN', [`*********${amka.slice(-2)}`]],
      ],
    )
    const event = audited.findLast(({ event: name }) => name === 'release.explain')
    assert.deepEqual(event, {
      event: 'release.explain',
      result: 'success',
      personId: person._id,
      username: account.username,
      service: entityId,
    })
  })

  it('sends no employee to a Secretariat for being a student', async () => {
    await setServiceOverrides(entityId, { preset: 'eudoxus' }, 'saml')
    const { account } = await addPerson({ person: { roles: [role({ role: 'staff' })] } })
    const { out } = await release('explain', account.username, entityId)
    assert.match(out, /Eudoxus needs: Being a student\. Ask: nobody, this is no student\n/)
  })

  it('takes no scopes for a SAML service, which has none', async () => {
    const { account } = await addPerson()
    const { code, out, err } = await release(
      'explain',
      account.username,
      entityId,
      '--scopes',
      'openid',
    )
    assert.equal(code, 2)
    assert.equal(out, '')
    assert.match(err, /--scopes is for OpenID Connect clients/)
  })

  it('says that nothing goes while the account is not active', async () => {
    await setServiceOverrides(entityId, { preset: 'eudoxus' }, 'saml')
    const { account } = await addPerson({ account: { state: 'disabled' } })
    const { out } = await release('explain', account.username, entityId)
    assert.match(out, /person +\S+ \(disabled: nothing goes until it is active\)/)
  })

  it('explains what an entity category gives, and what it does not', async () => {
    const { account } = await addPerson({ person: { roles: [role()] } })
    const abroad = readFileSync(metadata, 'utf8')
      .replace(/entityID="[^"]+"/, 'entityID="https://sp.foreign.example/"')
      .replace(
        '<SPSSODescriptor',
        `<Extensions>
          <mdrpi:RegistrationInfo xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" registrationAuthority="http://registrar.example/"/>
          <mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute">
            <saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://macedir.org/entity-category">
              <saml:AttributeValue>https://refeds.org/category/anonymous</saml:AttributeValue>
            </saml:Attribute>
          </mdattr:EntityAttributes>
        </Extensions>
        <SPSSODescriptor`,
      )
    await registerServiceProvider(abroad, { origin: 'cli', approve: true })
    const { institution } = app.context
    const without = await release('explain', account.username, 'https://sp.foreign.example/')
    assert.match(without.out, /It gets nothing beyond that somebody signed in\./)
    const honouring = { ...institution, release: { entityCategories: ['anonymous'] as const } }
    const { out } = await releaseIn(
      honouring,
      'explain',
      account.username,
      'https://sp.foreign.example/',
    )
    assert.match(out, /^categories +Anonymous Access$/m)
    assert.match(out, /^disclosure +inform$/m)
    assert.match(out, /^ground +legitimate-interests: /m)
    assert.match(out, / {2}schacHomeOrganization +uni\.example\.gr\n +because: entity-category/)
  })

  it('explains a client for the scopes that it asks for', async () => {
    const { account } = await addPerson({ person: { roles: [role()] } })
    const names = async (...flags: string[]) => {
      const { out } = await release('explain', account.username, clientId, '--json', ...flags)
      return JSON.parse(out).attributes.map(({ name }: { name: string }) => name)
    }
    assert.deepEqual(await names('--scopes', 'openid email'), ['mail', 'emailVerified'])
    assert.ok((await names()).includes('displayName'))
    assert.deepEqual(await names('--scopes', 'openid,phone'), [])
    const { out } = await release('explain', account.username, clientId, '--scopes', 'openid')
    assert.match(out, /It gets nothing beyond that somebody signed in\./)
  })

  it('says that a service or a username is not there', async () => {
    const { account } = await addPerson()
    const nowhere = await release('explain', account.username, 'https://nowhere.example/')
    assert.deepEqual(
      [nowhere.code, nowhere.err],
      [1, 'no service "https://nowhere.example/" is registered'],
    )
    const nobody = await release('explain', 'nobody', entityId)
    assert.deepEqual([nobody.code, nobody.err], [1, 'there is no account "nobody"'])
  })

  it('lists the presets and shows one', async () => {
    const { out } = await release('presets')
    assert.match(out, /^atlas +inform +ATLAS +\(atlas\.grnet\.gr, submit-atlas\.grnet\.gr\)$/m)
    assert.match(out, /^eclass +silent +eClass$/m)
    const shown = await release('preset', 'okeanos')
    assert.match(
      shown.out,
      /^ {2}schacPersonalUniqueCode +required only student: It tells students/m,
    )
    assert.match(shown.out, /^basis +What the service’s public code of 2010-11 reads\./m)
    assert.equal(JSON.parse((await release('presets', '--json')).out).length, 12)
    assert.equal(JSON.parse((await release('preset', 'vpn', '--json')).out).id, 'vpn')
    assert.equal((await release('preset', 'nothing')).code, 1)
  })

  it('answers wrong usage with the usage and code 2', async () => {
    for (const args of [
      [],
      ['explain', 'u'],
      ['presets', 'x'],
      ['preset'],
      ['explain', 'a', 'b', 'c'],
    ]) {
      const { code, err } = await release(...args)
      assert.equal(code, 2, args.join(' '))
      assert.match(err, /Usage: propylaia release/)
    }
  })
})
