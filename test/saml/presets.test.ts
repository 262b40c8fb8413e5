import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setServiceOverrides } from '../../src/federation/registration.ts'
import type { ServiceOverrides } from '../../src/federation/service.ts'
import { people } from '../../src/people/people-store.ts'
import { nameIdFormats } from '../../src/saml/uris.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { HttpClient } from '../support/http-client.ts'
import { addPerson } from '../support/people.ts'
import {
  pathOf,
  postedForm,
  registerService,
  serviceLibrary,
  signIn,
  statusOf,
} from './sso-support.ts'

const birthDate = 'urn:oid:1.3.6.1.4.1.25178.1.2.3'
const role = {
  source: 'hr',
  role: 'staff',
  status: 'active',
  departmentCode: 'MATH',
  ministryCode: '301',
  registrationNumber: 'D0042',
} as const

describe('SAML SSO: a known service gets what its preset says', () => {
  let app: TestApp
  before(async () => {
    app = await startTestApp()
  })
  after(() => app.close())

  /** What a library that is not ours reads in the answer: values by attribute name. */
  async function attributesAt(host: string, overrides: ServiceOverrides = {}) {
    const options = {
      entityId: `https://${host}/shibboleth`,
      acsUrl: `https://${host}/Shibboleth.sso/SAML2/POST`,
      requestedAttributes: { schacDateOfBirth: birthDate },
    }
    await registerService(options)
    await setServiceOverrides(options.entityId, { disclosure: 'silent', ...overrides }, 'saml')
    const { account, person } = await addPerson()
    const roles = [...person.roles, { ...role, sourceId: person._id }]
    await people().updateOne({ _id: person._id }, { $set: { roles } } as never)
    const service = serviceLibrary(app, options)
    const client = new HttpClient(app.baseUrl)
    const asked = await client.get(pathOf(await service.getAuthorizeUrlAsync('', undefined, {})))
    const answer = postedForm(await signIn(client, asked, account.username))
    const { profile } = await service.validatePostResponseAsync({
      SAMLResponse: answer.SAMLResponse,
    })
    const names = [...answer.xml.matchAll(/FriendlyName="([^"]+)"/g)].map(([, name]) => name)
    return { names, profile: profile as Record<string, unknown> }
  }

  it('by its addresses, and not what its metadata requires', async () => {
    const { names, profile } = await attributesAt('apella.minedu.gov.gr')
    assert.ok(!names.includes('schacDateOfBirth'))
    assert.equal(
      profile['urn:oid:1.3.6.1.4.1.25178.1.2.14'],
      'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:301:D0042',
    )
    assert.equal(profile['urn:oid:1.3.6.1.4.1.16515.2.3.2.1'], '301')
  })

  it('the same person is a professor at one and a student at the other', async () => {
    const { names } = await attributesAt('astakos.okeanos.grnet.gr')
    assert.ok(names.includes('eduPersonPrincipalName'))
    assert.ok(!names.includes('schacPersonalUniqueCode'))
    const { profile } = await attributesAt('atlas.grnet.gr')
    assert.equal(
      profile['urn:oid:1.3.6.1.4.1.25178.1.2.14'],
      'urn:mace:terena.org:schac:personalUniqueCode:gr:uni.example.gr:267:20250113',
    )
  })

  it('and what its metadata asks for once an administrator says that it has none', async () => {
    const { names } = await attributesAt('eudoxus.gr', { preset: 'none' })
    assert.deepEqual(names, ['schacDateOfBirth'])
  })

  /** What names the person to a service whose metadata lists these NameID formats. */
  async function nameIdAt(overrides: ServiceOverrides, format: string, asked: string | null) {
    const entityId = `https://n${randomBytes(6).toString('hex')}.example.gr`
    const options = {
      entityId,
      acsUrl: `${entityId}/acs`,
      requestedAttributes: {},
      nameIdFormats: [format],
    }
    await registerService(options)
    await setServiceOverrides(entityId, { disclosure: 'silent', ...overrides }, 'saml')
    const { account } = await addPerson()
    const client = new HttpClient(app.baseUrl)
    const library = serviceLibrary(app, options, { identifierFormat: asked })
    const address = pathOf(await library.getAuthorizeUrlAsync('', undefined, {}))
    const first = await client.get(address)
    const answer = first.status === 303 ? await signIn(client, first, account.username) : first
    const { xml } = postedForm(answer)
    return {
      status: statusOf(xml),
      format: /<saml:NameID[^>]* Format="([^"]+)"/.exec(xml)?.[1],
      isNamed: xml.includes(account.username),
    }
  }

  it('in the NameID too: none that its preset does not name, whatever its metadata lists', async () => {
    for (const preset of ['vpn', 'apella', 'gone']) {
      const block = ['uid', 'mail']
      assert.deepEqual(await nameIdAt({ preset, block }, nameIdFormats.unspecified, null), {
        status: 'Success',
        format: nameIdFormats.transient,
        isNamed: false,
      })
    }
    const mail = nameIdFormats.emailAddress
    assert.deepEqual(await nameIdAt({ preset: 'vpn' }, mail, mail), {
      status: 'Requester/InvalidNameIDPolicy',
      format: undefined,
      isNamed: false,
    })
    const named = { status: 'Success', format: mail, isNamed: true }
    assert.deepEqual(await nameIdAt({ preset: 'apella' }, mail, null), named)
    const byAdministrator = { preset: 'vpn', nameIdFormat: mail } as const
    assert.deepEqual(await nameIdAt(byAdministrator, mail, null), named)
  })
})
